// Package pages draws what a person sees: sign-in, sign-up, consent, sign-out,
// errors, the first administrator's set-up, and the page that posts an authorization
// answer to a client. It also writes the answers that are the same in every room.
//
// It knows templates, style and the headers a page needs, and nothing of what
// the pages decide: a room fills in a plain struct and names a status. Each
// page is rendered whole before its first byte is written, works without
// script, and shows text of a client's choosing only after [Clean].
package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"sync"
)

//go:embed templates/*.html
var templates embed.FS

// Pages renders the built-in pages. It is safe for concurrent use once serving
// has begun.
type Pages struct {
	// Name is what the service calls itself at the top of each page.
	Name string

	pages   map[string]page
	assets  *assets
	buffers sync.Pool
}

// page is a parsed template and the headers it is sent under.
type page struct {
	template *template.Template
	policy   policy
}

// view is what the layout sees: the page's own data, and the service's name.
type view struct {
	Service string
	Page    any
}

// New parses every page. Base is the path of the issuer, empty if it has none. New fails
// only if this program was built wrongly.
func New(base string) (*Pages, error) {
	files, err := loadAssets(base)
	if err != nil {
		return nil, fmt.Errorf("load assets: %w", err)
	}
	shared, err := template.New("shared").Funcs(functions(files)).ParseFS(templates,
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

// Static serves what the pages are dressed in. Mount it at /static/.
func (p *Pages) Static() http.Handler { return p.assets }

// render writes the named page, whole or not at all.
//
// The data are plain strings, so a template that cannot be executed is a fault
// of this program and no one's input. It panics, before anything is written, for
// the recovery middleware to report.
func (p *Pages) render(w http.ResponseWriter, status int, name string, data any) {
	p.renderUnder(w, status, name, p.pages[name].policy, data)
}

// renderUnder is render with a policy that goes by what is on the page.
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
	_, _ = buf.WriteTo(w) // whoever asked has gone away; nothing is left to tell them
}
