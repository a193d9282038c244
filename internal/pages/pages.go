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
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"sync"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

//go:embed templates/*.html
var templates embed.FS

// Pages renders the built-in pages. It is safe for concurrent use after the fields are set.
type Pages struct {
	// Name is the name of the service in the header of each page.
	Name string

	pages   map[string]page
	assets  *assets
	buffers sync.Pool
}

// page is a parsed template and the policy for its response headers.
type page struct {
	template *template.Template
	policy   policy
}

// view is the data of the layout.
type view struct {
	Service string
	Page    any
}

// New parses every page. Base is the path of the issuer, empty for the root. It returns an error
// only if the embedded files are invalid.
func New(base string) (*Pages, error) {
	files, err := loadAssets(base)
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	catalogue, err := messages.Load(messages.English)
	if err != nil {
		return nil, err
	}
	shared, err := template.New("shared").Funcs(functions(files, catalogue)).ParseFS(templates,
		"templates/layout.html", "templates/parts.html", "templates/icons.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}

	p := &Pages{Name: "Ostiary", pages: make(map[string]page), assets: files}
	p.buffers.New = func() any { return new(bytes.Buffer) }
	for name, policy := range policies() {
		own, err := shared.Clone()
		if err == nil {
			own, err = own.ParseFS(templates, "templates/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		p.pages[name] = page{template: own, policy: policy}
	}
	return p, nil
}

// Static serves style, scripts and icons. Mount it at /static/.
func (p *Pages) Static() http.Handler { return p.assets }

// render writes the named page, completely or not at all.
//
// No input can make a template fail, so a failure is a programming error: render panics
// before it writes anything, and the recovery middleware reports it.
func (p *Pages) render(w http.ResponseWriter, status int, name string, data any) {
	p.renderUnder(w, status, name, p.pages[name].policy, data)
}

// renderUnder is render with a policy that depends on the content of the page.
func (p *Pages) renderUnder(w http.ResponseWriter, status int, name string, under policy, data any) {
	buf, _ := p.buffers.Get().(*bytes.Buffer)
	defer p.buffers.Put(buf)
	buf.Reset()

	page := p.pages[name]
	if err := page.template.ExecuteTemplate(buf, "layout", view{Service: p.Name, Page: data}); err != nil {
		panic(fmt.Errorf("render page %s: %w", name, err))
	}

	under.set(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(buf.Len()))
	w.WriteHeader(status)
	_, _ = buf.WriteTo(w) // it fails only if the browser has closed the connection
}
