package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// The subject types: clients know a person under the name that all know them by,
// or under one that no other sector knows.
const (
	Public   = "public"
	Pairwise = "pairwise"
)

// SubjectTypes lists the subject types that work.
func SubjectTypes() []string { return []string{Public, Pairwise} }

// Subjects gives the names under which clients know a person.
//
// Spec: OpenID Connect Core section 8.
type Subjects struct {
	// Salt goes into every pairwise subject. It belongs to the database and never
	// changes, since a person's subject never does.
	Salt []byte
}

// Of returns the sub of a person for the client: their own subject, or one made
// for the client's sector.
func (s Subjects) Of(c *Client, subject string) string {
	if c.SubjectType != Pairwise || subject == "" {
		return subject
	}
	return s.name(c.sector() + "\x00" + subject)
}

// Session returns the sid of a session for the client. One that all know would tell
// two sectors that they speak of the same person.
//
// Spec: OpenID Connect Core section 17.3; OpenID Connect Front-Channel Logout section 3.
func (s Subjects) Session(c *Client, id string) string {
	if c.SubjectType != Pairwise || id == "" {
		return id
	}
	return s.name("session\x00" + c.sector() + "\x00" + id)
}

func (s Subjects) name(text string) string {
	mac := hmac.New(sha256.New, s.Salt)
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// The values of [Metadata.SubjectSector].
const (
	SectorHost   = "host"   // of its redirect URIs or sector_identifier_uri: the operator vouches for it
	SectorClient = "client" // a sector of its own
)

// sector returns the sector of the client: the host of its sector_identifier_uri, or the
// one that all of its redirect URIs share, which registration has seen to.
//
// A client that registered itself may have named any host, also in a document that lists
// its redirect URIs because they are another's. With a grant that brings tokens to it
// without a redirect URI it would learn that host's subjects, and so it would with tokens
// from before it moved there by itself: it is a sector of its own unless the operator
// says otherwise.
//
// Spec: OpenID Connect Core §8.1.
func (c *Client) sector() string {
	itself := "client " + c.ID // nobody else's sector: no host is called so
	if c.SubjectSector == SectorClient || c.SubjectSector == "" && c.Dynamic && c.withoutRedirect() {
		return itself
	}
	if hosts := c.sectorHosts(); len(hosts) > 0 && hosts[0] != "" {
		return hosts[0]
	}
	return itself
}

// sectorHosts returns the hosts that make the sector: that of the sector_identifier_uri,
// or those of the redirect URIs, of which clients with pairwise subjects have one.
func (m *Metadata) sectorHosts() []string {
	if m.SectorIdentifierURI != "" {
		return []string{hostOf(m.SectorIdentifierURI)}
	}
	var hosts []string
	for _, uri := range m.RedirectURIs {
		hosts = append(hosts, ownHost(uri))
	}
	return hosts
}

// movedFrom reports whether m has a sector in which the client need not have got the
// tokens that it has from before: with them it would learn the subjects of that sector.
func (m *Metadata) movedFrom(before *Metadata) bool {
	now := append(m.sectorHosts(), "")[0]
	return now != "" && slices.ContainsFunc(before.sectorHosts(), func(host string) bool { return host != now })
}

// withoutRedirect reports whether the client may use a grant in which a person's tokens come
// to the client that polls for them, rather than to a redirect URI.
func (m *Metadata) withoutRedirect() bool { return slices.Contains(m.GrantTypes, GrantDeviceCode) }

// ownHost returns the host of a redirect URI, if it tells one client from others: a
// loopback address is everybody's, and in an app's own scheme the host is any text,
// another's name as well.
func ownHost(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || loopback(u) || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
