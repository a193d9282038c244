package pages

// Home is the page at the address of the issuer.
type Home struct {
	// Issuer is the public URL of the service.
	Issuer string
	// Discovery and Keys are the URLs of the discovery document and the key set.
	Discovery, Keys string
}

func (Home) template() string { return "home" }
