package preset

import (
	"bytes"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/template"

	"github.com/ostiary/ostiary/internal/client"
)

// Server is the OpenID provider that applications are connected to.
type Server struct {
	Name   string // on buttons
	Issuer string

	Authorization, Token, Userinfo, JWKS, EndSession, Introspection, DeviceAuthorization string // URLs
}

// Registered is a client that was registered for a connection. Empty credentials become the
// placeholders CLIENT_ID and CLIENT_SECRET.
type Registered struct {
	ID, Secret string
	SecondID   string
	Metadata   client.Metadata
}

// values are the data of snippets. Only URLs and Provider can be written as they are; in most
// formats, other values need the function quote.
type values struct {
	Server

	Discovery, Host, App, Provider   string
	ClientID, ClientSecret, SecondID string
	Scope, RedirectURI               string
}

// Settings returns the settings to paste into the application, with the values of this server
// and the registered client.
func (c *Connection) Settings(s Server, r Registered) ([]Snippet, error) {
	if strings.IndexFunc(s.Issuer, notURL) >= 0 {
		return nil, errors.New("fill in settings: the issuer has characters that settings would need to quote")
	}
	data := values{
		Server: s, Discovery: strings.TrimSuffix(s.Issuer, "/") + "/.well-known/openid-configuration",
		App: c.App, Provider: c.Provider, Scope: r.Metadata.Scope,
		ClientID: or(r.ID, "CLIENT_ID"), ClientSecret: or(r.Secret, "CLIENT_SECRET"), SecondID: or(r.SecondID, "SECOND_CLIENT_ID"),
	}
	if u, err := url.Parse(c.App); err == nil {
		data.Host = u.Host
	}
	if len(r.Metadata.RedirectURIs) > 0 {
		data.RedirectURI = r.Metadata.RedirectURIs[0]
	}
	filled := make([]Snippet, len(c.Preset.Snippets))
	for i, snippet := range c.Preset.Snippets {
		text, err := snippet.fill(data)
		if err != nil {
			return nil, fmt.Errorf("fill in settings of %s: %w", c.Preset.ID, err)
		}
		filled[i] = Snippet{Format: snippet.Format, Place: snippet.Place, Text: text}
	}
	return filled, nil
}

func or(value, placeholder string) string {
	if value == "" {
		return placeholder
	}
	return value
}

func notURL(r rune) bool { return notPath(r) && !strings.ContainsRune(":[]", r) }

// fill executes the template of a snippet.
func (s Snippet) fill(data values) (string, error) {
	quote, ok := quoting()[s.Format]
	if !ok {
		return "", fmt.Errorf("unknown format %q", s.Format)
	}
	t := template.New(s.Format).Option("missingkey=error")
	t.Funcs(template.FuncMap{
		"quote": quote,
		"json":  quoteJSON,
		"words": strings.Fields,
		// commas returns scopes with commas between them.
		"commas": func(scope string) string { return strings.Join(strings.Fields(scope), ",") },
		// list returns scopes as values with commas between them.
		"list": func(scope string) string {
			var list []string
			for s := range strings.FieldsSeq(scope) {
				list = append(list, quote(s))
			}
			return strings.Join(list, ", ")
		},
		// extra returns scopes without openid, which some applications add themselves.
		"extra": func(scope string) string {
			return strings.Join(strings.Fields(strings.ReplaceAll(" "+scope+" ", " openid ", " ")), " ")
		},
		// include returns the text of a template that the snippet defines.
		"include": func(name string, data any) (string, error) {
			var b bytes.Buffer
			err := t.ExecuteTemplate(&b, name, data)
			return strings.TrimSpace(b.String()), err
		},
	})
	if _, err := t.Parse(s.Text); err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return "", err
	}
	return strings.TrimSpace(b.String()) + "\n", nil
}
