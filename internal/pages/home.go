package pages

import "net/http"

// Home says what this server is, to whoever opens its address.
type Home struct {
	// Issuer is the one public URL of the service.
	Issuer string
	// Discovery and Keys are where it describes itself and publishes its keys.
	Discovery, Keys string
}

// Home writes the page at the root.
func (p *Pages) Home(w http.ResponseWriter, status int, v Home) {
	p.render(w, status, "home", v)
}
