package pages

import "net/http"

// Home is the page at the address of the issuer.
type Home struct {
	// Issuer is the public URL of the service.
	Issuer string
	// Discovery and Keys are the URLs of the discovery document and the key set.
	Discovery, Keys string
}

// Home writes the page at the root.
func (p *Pages) Home(w http.ResponseWriter, r *http.Request, status int, v Home) {
	p.render(w, r, status, "home", v)
}
