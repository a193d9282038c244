// Package preset describes how well-known applications are connected: which client to
// register, and which settings to paste into the application. Each preset is a YAML file in
// presets/, named for its ID.
package preset

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/ostiary/ostiary/internal/client"
)

// Preset describes an application, or a type of application.
type Preset struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Aliases []string `json:"aliases,omitempty"` // other names by which it is found
	Kind    Kind     `json:"kind"`
	Address Address  `json:"address"`
	Example string   `json:"example,omitempty"` // an address, if it has one

	// Client is the metadata to register. In its URIs, {app} is the address of the application
	// without a slash at its end, and {provider} the name that the application has for this
	// server.
	Client client.Metadata `json:"client"`
	// PKCE reports that the application uses PKCE if it is set up as shown. Its client must then
	// use it (RFC 9700 §2.1.1).
	PKCE bool `json:"pkce"`
	// Second is another client that the application needs, without a secret.
	Second *Second `json:"second,omitempty"`

	Documentation string    `json:"documentation"`  // the page of its maker
	Checked       string    `json:"checked"`        // when the settings were compared with that page, as in 2026-11-30
	Test          string    `json:"test,omitempty"` // the folder and name of a test that signs in to the application
	Notes         []string  `json:"notes,omitempty"`
	Snippets      []Snippet `json:"snippets,omitempty"`
}

// Second is a client for another part of an application, such as its command line.
type Second struct {
	Name   string          `json:"name"`
	Client client.Metadata `json:"client"`
}

// Kind is the kind of software that a preset connects.
type Kind string

// The kinds of presets.
const (
	KindType        Kind = "type" // a type of application, such as a single-page application
	KindApplication Kind = "application"
	KindService     Kind = "service" // an application that its maker hosts
	KindFramework   Kind = "framework"
)

// Address states which address an application needs.
type Address string

// The kinds of addresses.
const (
	AddressURL    Address = "url"
	AddressOrigin Address = "origin" // a URL without a path
	AddressNone   Address = "none"
)

// Snippet holds settings to paste into an application. Its text is a template of package
// text/template; see values for its data, and [Connection.Settings].
type Snippet struct {
	Format string `json:"format"` // one of [Formats]
	Place  string `json:"place"`  // where to paste it
	Text   string `json:"text"`
}

// Tried reports whether a test in this repository signs in to the application with the
// preset.
func (p *Preset) Tried() bool { return p.Test != "" }

// NewClientID returns a client ID that begins with the ID of the preset.
func (p *Preset) NewClientID() string { return p.ID + "-" + strings.ToLower(rand.Text()[:8]) }

//go:embed presets
var files embed.FS

var parsed = sync.OnceValues(parse) //nolint:gochecknoglobals // parsing takes 10 ms, and the files never change

// List returns all presets, the types of applications first, then by name. They are shared:
// do not change them.
func List() ([]*Preset, error) {
	all, err := parsed()
	return slices.Clone(all), err
}

func parse() ([]*Preset, error) {
	entries, err := files.ReadDir("presets")
	if err != nil {
		return nil, fmt.Errorf("list presets: %w", err)
	}
	all := make([]*Preset, len(entries))
	for i, entry := range entries {
		if all[i], err = read(entry.Name()); err != nil {
			return nil, fmt.Errorf("read preset %s: %w", entry.Name(), err)
		}
	}
	slices.SortFunc(all, func(a, b *Preset) int {
		if aType, bType := a.Kind == KindType, b.Kind == KindType; aType != bType {
			return map[bool]int{true: -1, false: 1}[aType]
		}
		return cmp.Or(cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

func read(file string) (*Preset, error) {
	text, err := files.ReadFile(path.Join("presets", file))
	if err != nil {
		return nil, err
	}
	if text, err = yaml.YAMLToJSON(text); err != nil {
		return nil, err
	}
	p := &Preset{ID: strings.TrimSuffix(file, ".yaml"), Address: AddressURL}
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(p); err != nil {
		return nil, err
	}
	return p, nil
}

// Find returns the preset with an ID, a name or an alias, in any case. Otherwise it returns an
// error that lists similar presets.
func Find(name string) (*Preset, error) {
	all, err := List()
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if slices.ContainsFunc(p.names(), func(known string) bool { return key(known) == key(name) }) {
			return p, nil
		}
	}
	var similar []string
	for _, p := range Search(all, name) {
		similar = append(similar, p.ID)
	}
	if len(similar) > 0 {
		return nil, fmt.Errorf("preset %q not found; similar: %s", name, strings.Join(similar, ", "))
	}
	return nil, fmt.Errorf("preset %q not found", name)
}

// Search returns the presets that have an ID, a name or an alias of which a word begins with
// prefix, in any case. An empty prefix returns all.
func Search(all []*Preset, prefix string) []*Preset {
	var found []*Preset
	for _, p := range all {
		if slices.ContainsFunc(p.names(), func(name string) bool { return beginsWord(name, prefix) }) {
			found = append(found, p)
		}
	}
	return found
}

func (p *Preset) names() []string { return append([]string{p.ID, p.Name}, p.Aliases...) }

// key is the form in which names are compared.
func key(name string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" .-_", r) {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// beginsWord reports whether name, or name from one of its words on, begins with prefix.
func beginsWord(name, prefix string) bool {
	words := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" .-_()", r) })
	for i := range words {
		if strings.HasPrefix(key(strings.Join(words[i:], "")), key(prefix)) {
			return true
		}
	}
	return key(prefix) == ""
}
