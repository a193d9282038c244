package preset

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
)

// DefaultProvider is the name that applications have for this server by default. It is part of
// the redirect URI of some.
const DefaultProvider = "ostiary"

// Application is an application to connect.
type Application struct {
	URL       string // its address
	Provider  string // the name that it has for this server; empty for [DefaultProvider]
	AllowHTTP bool   // its address may be http on any host
}

// Connection is a preset, resolved for an application.
type Connection struct {
	Preset   *Preset
	App      string // the address of the application without a slash at its end
	Provider string // the name that the application has for this server
	Client   client.Metadata
	Second   *client.Metadata // nil if the application needs only one client
	Warnings []string
}

// Resolve returns the clients to register for an application. It returns an error if the
// address or the name is invalid.
func (p *Preset) Resolve(a Application) (*Connection, error) {
	c := &Connection{Preset: p, Provider: a.Provider}
	if c.Provider == "" {
		c.Provider = DefaultProvider
	}
	if strings.IndexFunc(c.Provider, notName) >= 0 || len(c.Provider) > 64 {
		return nil, fmt.Errorf("invalid name %q of this server: must be at most 64 lower-case letters, digits, - and _", a.Provider)
	}
	var err error
	if c.App, err = p.address(a); err != nil {
		return nil, err
	}
	c.Client = c.fill(p.Client)
	c.Client.ClientName, c.Client.RequirePKCE, c.Client.AllowHTTPRedirects = p.Name, p.PKCE, a.AllowHTTP
	if p.Second != nil {
		second := c.fill(p.Second.Client)
		second.ClientName = p.Name + ", " + p.Second.Name
		c.Second = &second
	}
	if !p.Tried() && p.Kind != KindType {
		c.Warnings = append(c.Warnings, fmt.Sprintf("%s was not tried with Ostiary; the settings follow %s", p.Name, p.Documentation))
	}
	if strings.HasPrefix(c.App, "http:") {
		c.Warnings = append(c.Warnings, "the address is http: authorization codes pass through the network unencrypted")
	}
	return c, nil
}

func notName(r rune) bool {
	return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// address returns the address of an application in normal form, without a slash at its end.
func (p *Preset) address(a Application) (string, error) {
	invalid := func(reason string) error { return fmt.Errorf("invalid address %q of %s: %s", a.URL, p.Name, reason) }
	switch {
	case p.Address == AddressNone && a.URL != "":
		return "", invalid("it needs no address")
	case p.Address == AddressNone:
		return "", nil
	case a.URL == "":
		return "", fmt.Errorf("the address of %s is missing, as in %s", p.Name, p.Example)
	}
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", invalid("must be a URL that begins with https://, as in " + p.Example)
	}
	if err := client.CheckRedirectURI(a.URL, false, a.AllowHTTP); err != nil {
		return "", invalid(err.Error())
	}
	if u.RawQuery != "" || u.ForceQuery || strings.IndexFunc(u.EscapedPath(), notPath) >= 0 {
		return "", invalid("must have neither a query nor characters other than letters, digits, / - . _ and ~ in its path")
	}
	route := strings.TrimRight(u.Path, "/")
	if p.Address == AddressOrigin && route != "" {
		return "", invalid("must have no path, as in " + p.Example)
	}
	if route != "" && path.Clean(route) != route {
		return "", invalid("must have no empty and no dot segments in its path")
	}
	host := strings.ToLower(u.Host)
	// Browsers and applications omit the default port.
	host = strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[u.Scheme])
	return u.Scheme + "://" + host + route, nil
}

// notPath reports whether a character needs quoting in a path or in the syntax of a snippet.
func notPath(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	return !letter && !strings.ContainsRune("/-._~", r)
}

// fill returns metadata with the placeholders of its URIs filled in.
func (c *Connection) fill(m client.Metadata) client.Metadata {
	replace := strings.NewReplacer("{app}", c.App, "{provider}", c.Provider)
	for _, list := range []*[]string{&m.RedirectURIs, &m.PostLogoutRedirectURIs, &m.GrantTypes, &m.ServedResources} {
		*list = slices.Clone(*list)
		for i, uri := range *list {
			(*list)[i] = replace.Replace(uri)
		}
	}
	return m
}
