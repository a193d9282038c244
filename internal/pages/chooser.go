package pages

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// LanguageCookie reads the language that a user has chosen in the browser, as
// session.LanguageCookie does.
type LanguageCookie interface {
	// Language returns the value of [Pages.LanguageChoice] that was stored, or "".
	Language(r *http.Request) string
}

// chosen returns the language that the user has chosen on a page, and when; nil for none.
func (p *renderer) chosen(r *http.Request) (*translation, time.Time) {
	if p.options.Cookie == nil {
		return nil, time.Time{}
	}
	tag, seconds, _ := strings.Cut(p.options.Cookie.Language(r), ".")
	if tag == "" {
		return nil, time.Time{}
	}
	at, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return nil, time.Time{}
	}
	return p.languages.find(tag), time.Unix(at, 0)
}

// LanguageChoice returns the value to store when the user chooses the language with a tag, or
// "" if it is not offered.
func (p *Pages) LanguageChoice(tag string, now time.Time) string {
	if p.renderer.languages.find(tag) == nil {
		return ""
	}
	// The next second: the choice precedes the preferences of a request that began in this one.
	return tag + "." + strconv.FormatInt(now.Unix()+1, 10)
}

// LanguageReturn returns the field return of the language chooser if it is a path of this server,
// otherwise the start page.
func LanguageReturn(r *http.Request) string {
	back := r.PostForm.Get("return")
	if target(back) == "" || !strings.HasPrefix(back, "/") {
		return "/"
	}
	return back
}

// chooserButtons returns the buttons of the language chooser on pages in current.
func chooserButtons(offered []messages.Language, current messages.Language) template.HTML {
	var b strings.Builder
	for _, l := range offered {
		mark := ""
		if l == current {
			mark = ` aria-current="true"`
		}
		fmt.Fprintf(&b, "<button type=\"submit\" name=\"language\" value=\"%s\" lang=\"%s\" dir=\"%s\"%s>%s</button>\n", l.Tag, l.Tag, l.Direction, mark, l.Name)
	}
	return template.HTML(b.String()) //nolint:gosec // the languages are constants
}

// chooserReturn returns where the language chooser of a page with the policy leads, empty for none.
func (p *renderer) chooserReturn(r *http.Request, page policy, data any) string {
	switch {
	case p.options.Cookie == nil || len(p.languages.offered) < 2 || page.passing:
		return ""
	case page.last:
		return "/"
	}
	if own, ok := data.(SignOut); ok && own.Self != "" {
		return own.Self
	}
	return returnPath(r)
}

// maxReturn is the maximum length in bytes of a path to return to.
const maxReturn = 2 << 10

// returnPath returns where the language chooser on the response to r leads: to the same page, or
// for a form to the page with the form. Only identifiers become part of the address, from a form
// and from a request of another site, whose parameters may contain credentials: without one the
// request cannot be repeated, and the chooser leads to the start page.
func returnPath(r *http.Request) string {
	query, fromOthers := r.URL.RawQuery, strings.HasPrefix(r.URL.Path, "/oauth2/")
	if r.Method == http.MethodPost || fromOthers || strings.Contains(query, "ui_locales") {
		values := url.Values{}
		for name := range r.Form {
			if name != "ui_locales" && r.Method != http.MethodPost && !fromOthers || name == "request" || name == "user_code" || name == "continue" {
				values.Set(name, r.Form.Get(name))
			}
		}
		if fromOthers && len(values) == 0 {
			return "/"
		}
		query = values.Encode()
	}
	back := r.URL.EscapedPath()
	if query != "" {
		back += "?" + query
	}
	if len(back) > maxReturn {
		return "/"
	}
	return back
}
