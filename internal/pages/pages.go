// Package pages renders the built-in pages: sign-in, sign-up, consent, sign-out, errors, the
// set-up of the first administrator, and the page that posts an authorization response to
// a client.
//
// It holds templates, style and response headers, and makes no decisions: a handler fills
// in a plain struct and passes a status. All sentences are in package messages. Each page
// is rendered completely before its first byte is written, works without script, and
// passes text from clients through [Clean].
package pages

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/theme"
)

//go:embed templates/*.html
var templates embed.FS

// Options are the settings of the pages.
type Options struct {
	// Base is the path of the issuer, empty for the root.
	Base string
	// AccountURL is the first page of the account console; empty if there is none.
	AccountURL string
	// Languages are the tags of the offered languages, the default first; empty offers all.
	Languages []string
	// Theme is the look of the pages, without images; Files are its files.
	Theme theme.Theme
	Files Files
	// Cookie reads the chosen language; nil offers no choice.
	Cookie LanguageCookie
}

// Pages renders the built-in pages. It is safe for concurrent use.
type Pages struct {
	// Name is the name of the service.
	Name string

	renderer *renderer
	assets   *assets
}

// renderer writes pages in the language and look of a request.
type renderer struct {
	options   Options
	operator  look
	policies  map[string]policy
	languages *languages
	assets    *assets
	buffers   sync.Pool
}

// view is the data of the layout.
type view struct {
	Look look
	// Return is where the language chooser leads; empty hides it.
	Return string
	Frame  Frame
	Page   any
}

// New parses every page. It returns an error only if a language is unknown or the embedded files
// are invalid.
func New(o Options) (*Pages, error) {
	files, err := loadAssets(o.Base)
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	files.accountURL = o.AccountURL
	parsed, err := parsePages()
	if err != nil {
		return nil, err
	}

	if len(o.Languages) == 0 {
		o.Languages = messages.Tags()
	}
	p := &renderer{options: o, policies: policies(), assets: files}
	p.buffers.New = func() any { return new(bytes.Buffer) }
	if p.operator, err = newLook(o, files); err != nil {
		return nil, err
	}
	if p.languages, err = newLanguages(o.Languages, parsed, files); err != nil {
		return nil, err
	}
	return &Pages{Name: p.operator.Name, renderer: p, assets: files}, nil
}

// parsePages parses the templates of all pages, by name. A page is cloned before it is shown,
// and gets the functions of its server and language then.
var parsePages = sync.OnceValues(func() (map[string]*template.Template, error) { //nolint:gochecknoglobals // it takes 30 ms
	english, err := messages.Load(messages.English)
	if err != nil {
		return nil, err
	}
	shared, err := template.New("shared").Funcs(functions(&assets{}, english, nil)).ParseFS(templates,
		"templates/layout.html", "templates/console.html", "templates/parts.html", "templates/plots.html", "templates/icons.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	parsed := make(map[string]*template.Template)
	for name := range policies() {
		own, err := shared.Clone()
		if err == nil {
			own, err = own.ParseFS(templates, "templates/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		parsed[name] = own
	}
	return parsed, nil
})

// Static serves style, scripts and icons. Mount it at /static/.
func (p *Pages) Static() http.Handler { return p.assets }

// Page is the content of a page that [Pages.Show] writes: to add a page, add a type and the
// template that it names.
type Page interface{ template() string }

// Show writes a page, and Retry-After if attempts are blocked.
func (p *Pages) Show(w http.ResponseWriter, r *http.Request, status int, page Page) {
	if blocked, ok := page.(interface{ retryAfter() time.Duration }); ok {
		setRetryAfter(w, blocked.retryAfter())
	}
	p.render(w, r, status, page.template(), page)
}

// render writes the named page, completely or not at all.
//
// No input can make a template fail, so a failure is a programming error: render panics
// before it writes anything, and the recovery middleware reports it.
func (p *Pages) render(w http.ResponseWriter, r *http.Request, status int, name string, data any) {
	p.renderer.render(w, r, status, name, p.renderer.policies[name], data)
}

// render is [Pages.render] with a policy, which may depend on the content of the page.
func (p *renderer) render(w http.ResponseWriter, r *http.Request, status int, name string, under policy, data any) {
	buf, _ := p.buffers.Get().(*bytes.Buffer)
	defer p.buffers.Put(buf)
	buf.Reset()

	data = view{Look: p.look(data), Return: p.chooserReturn(r, under, data), Frame: frame(r, data), Page: data}
	if err := p.translation(r).pages[name]().ExecuteTemplate(buf, cmp.Or(under.layout, "layout"), data); err != nil {
		panic(fmt.Errorf("render page %s: %w", name, err))
	}

	under.set(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	_, _ = buf.WriteTo(w) // it fails only if the browser has closed the connection
}
