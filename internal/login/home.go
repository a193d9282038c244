package login

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/pages"
)

// Home serves the start page.
type Home struct{ *Config }

// Page serves GET /.
func (h *Home) Page(w http.ResponseWriter, r *http.Request) {
	h.Pages.Show(w, r, http.StatusOK, pages.Home{
		Issuer:    h.Issuer,
		Discovery: h.Issuer + "/.well-known/openid-configuration",
		Keys:      h.Issuer + "/.well-known/jwks.json",
	})
}
