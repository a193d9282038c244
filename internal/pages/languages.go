package pages

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/text/language"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Preferences are the languages that an authorization request and an account ask for.
type Preferences struct {
	// UILocales is the parameter of the request: tags separated by spaces, the preferred first.
	//
	// Spec: OpenID Connect Core §3.1.2.1.
	UILocales string
	// Since is when the request began: a language that the user has chosen on a page since then
	// precedes UILocales.
	Since time.Time
	// Account is the claim locale of the signed-in user.
	Account string
	// SignedIn is when the session began: a language that the user has chosen since the beginning
	// of the session or of the request precedes Account.
	SignedIn time.Time
}

type preferencesKey struct{}

// WithPreferences returns r with the preferences for the pages that respond to it.
func WithPreferences(r *http.Request, p Preferences) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), preferencesKey{}, p))
}

// translation is the pages in one language. A page is parsed when it is first shown.
type translation struct {
	*messages.Catalogue

	pages map[string]func() *template.Template
}

// newTranslation returns the pages of parsed, which is never executed, with the functions of
// the language.
func newTranslation(parsed map[string]*template.Template, files *assets, catalogue *messages.Catalogue, offered []messages.Language) *translation {
	t := &translation{Catalogue: catalogue, pages: make(map[string]func() *template.Template, len(parsed))}
	for name, page := range parsed {
		t.pages[name] = sync.OnceValue(func() *template.Template {
			return template.Must(page.Clone()).Funcs(functions(files, catalogue, offered))
		})
	}
	return t
}

// maxAccepted bounds the stored results of Accept-Language headers, and maxHeader the length in
// bytes of one. Others are matched at each request, or ignored.
const (
	maxAccepted = 2000
	maxHeader   = 256
)

// languages chooses the language of a page.
type languages struct {
	offered []*translation // the default first
	matcher language.Matcher

	accepted sync.Map // Accept-Language header to *translation
	count    atomic.Int64
}

// newLanguages loads the languages with these tags, the default first.
func newLanguages(tags []string, parsed map[string]*template.Template, files *assets) (*languages, error) {
	l := &languages{}
	var known []language.Tag
	var offered []messages.Language
	var catalogues []*messages.Catalogue
	for _, tag := range tags {
		catalogue, err := messages.Load(tag)
		if err != nil {
			return nil, err
		}
		parsedTag, err := language.Parse(tag)
		if err != nil {
			return nil, fmt.Errorf("parse language %s: %w", tag, err)
		}
		known, offered, catalogues = append(known, parsedTag), append(offered, catalogue.Language), append(catalogues, catalogue)
	}
	for _, catalogue := range catalogues {
		l.offered = append(l.offered, newTranslation(parsed, files, catalogue, offered))
	}
	l.matcher = language.NewMatcher(known)
	return l, nil
}

// match returns the best offered language for the tags, or nil if none is close.
func (l *languages) match(tags ...language.Tag) *translation {
	if len(tags) == 0 {
		return nil
	}
	_, i, confidence := l.matcher.Match(tags...)
	if confidence == language.No {
		return nil
	}
	return l.offered[i]
}

// matchList returns the best offered language for tags separated by spaces. It ignores
// malformed tags.
func (l *languages) matchList(list string) *translation {
	if list == "" || len(list) > maxHeader {
		return nil
	}
	var tags []language.Tag
	for text := range strings.FieldsSeq(list) {
		if tag, err := language.Parse(strings.ReplaceAll(text, "_", "-")); err == nil {
			tags = append(tags, tag)
		}
	}
	return l.match(tags...)
}

// matchHeader returns the best offered language for an Accept-Language header.
//
// Spec: RFC 9110 §12.5.4.
func (l *languages) matchHeader(header string) *translation {
	if header == "" || len(header) > maxHeader {
		return nil
	}
	if known, ok := l.accepted.Load(header); ok {
		t, _ := known.(*translation)
		return t
	}
	var t *translation
	if tags, _, err := language.ParseAcceptLanguage(header); err == nil {
		t = l.match(tags...)
	}
	if l.count.Load() < maxAccepted {
		if _, loaded := l.accepted.LoadOrStore(header, t); !loaded {
			l.count.Add(1)
		}
	}
	return t
}

// find returns the offered language with exactly this tag, or nil.
func (l *languages) find(tag string) *translation {
	for _, t := range l.offered {
		if t.Tag == tag {
			return t
		}
	}
	return nil
}

// translation returns the language of the response to r, from the first of these that names an
// offered one: ui_locales of r, the preferences unless the user has chosen a language since, the
// language chosen on a page, Accept-Language, and the default.
func (p *renderer) translation(r *http.Request) *translation {
	l := p.languages
	chosen, at := p.chosen(r)
	preferences, _ := r.Context().Value(preferencesKey{}).(Preferences)
	if chosen != nil {
		inRequest, inSession := !at.Before(preferences.Since), !at.Before(preferences.SignedIn)
		if inRequest {
			preferences.UILocales = ""
		}
		if inRequest || inSession {
			preferences.Account = ""
		}
	}
	for _, list := range [...]string{r.Form.Get("ui_locales"), preferences.UILocales, preferences.Account} {
		if t := l.matchList(list); t != nil {
			return t
		}
	}
	if chosen != nil {
		return chosen
	}
	if t := l.matchHeader(r.Header.Get("Accept-Language")); t != nil {
		return t
	}
	return l.offered[0]
}

// Language returns the tag of the language of the response to r.
func (p *Pages) Language(r *http.Request) string { return p.renderer.translation(r).Tag }
