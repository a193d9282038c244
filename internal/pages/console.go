package pages

import (
	"context"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Frame is what all pages of the account console share. They have the layout console.
type Frame struct {
	// HomeURL is the first page of the console, SignOutURL the sign-out page.
	HomeURL, SignOutURL string
	// User is the display name of the user, or the username.
	User string
	Menu []MenuGroup
	// Status tells the result of the last action, in the language of the user.
	Status string

	faults []Fault
}

// MenuGroup is a group of links of the menu.
type MenuGroup []MenuItem

// MenuItem is a link of the menu. Current marks the page that is shown.
type MenuItem struct {
	Link

	Current bool
	// Badge is the number of things on the page that wait for the user; 0 shows none.
	Badge int
}

type frameKey struct{}

// WithFrame returns r with the frame of the console pages that respond to it.
func WithFrame(r *http.Request, f Frame) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), frameKey{}, f))
}

// frame returns the frame of a page with the content, whose errors are in the summary.
func frame(r *http.Request, content any) Frame {
	f, _ := r.Context().Value(frameKey{}).(Frame)
	if form, ok := content.(interface{ faults() []Fault }); ok {
		f.faults = form.faults()
	}
	return f
}

// Faults are the errors of the submitted form, for the summary.
func (f Frame) Faults() []Fault { return f.faults }

// Form has the errors of a form. Embed it in the content of a console page.
type Form struct{ Faults []Fault }

// Fault is an error of a form. Field is the ID of the input, empty for the form as a whole.
type Fault struct {
	Field string
	Text  messages.Message
}

func (f Form) faults() []Fault { return f.Faults }

// Fault returns the error of a field, which is empty if there is none.
func (f Form) Fault(field string) messages.Message {
	for _, fault := range f.Faults {
		if fault.Field == field {
			return fault.Text
		}
	}
	return messages.Message{}
}

// When is a time that pages show relative to now.
type When struct{ At, Now time.Time }

// Text returns a message in the language of the response to r.
func Text(p *Pages, r *http.Request, m messages.Message) string {
	return p.renderer.translation(r).Isolated(m)
}

// Label returns the name of a client in the language of the response to r.
func Label(p *Pages, r *http.Request, client Client) string {
	return label(client, p.renderer.translation(r).Catalogue)
}

// templatesWith returns the names of the templates that begin with prefix.
func templatesWith(prefix string) []string {
	entries, err := templates.ReadDir("templates")
	if err != nil {
		panic(err) // the directory is embedded
	}
	var names []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), prefix) {
			names = append(names, strings.TrimSuffix(entry.Name(), path.Ext(entry.Name())))
		}
	}
	return names
}
