package login

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/session"
)

// Language serves the language chooser of each page.
type Language struct {
	*Config

	flows *flows
}

// Submit serves POST /language: language is the tag of an offered language, and return the path
// below the issuer of the page that the user was on.
func (h *Language) Submit(w http.ResponseWriter, r *http.Request) {
	choice := h.Pages.LanguageChoice(r.PostForm.Get("language"), h.Now())
	if choice == "" {
		h.flows.fail(w, r, malformed("the language is not offered"))
		return
	}
	session.LanguageCookie{Of: h.Cookies}.Set(w, choice)
	httpapi.SeeOther(w, h.Issuer+pages.LanguageReturn(r))
}
