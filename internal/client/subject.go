package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// The subject types: a public sub is the same for all clients, a pairwise sub differs between
// sectors.
const (
	Public   = "public"
	Pairwise = "pairwise"
)

// SubjectTypes returns the supported subject types.
func SubjectTypes() []string { return []string{Public, Pairwise} }

// Subjects computes the sub and sid values of clients.
//
// Spec: OpenID Connect Core §8.
type Subjects struct {
	// Salt is part of every pairwise subject. It is stored in the database and never changes,
	// since subjects never change.
	Salt []byte
}

// Of returns the sub of a user for the client: the account's subject, or the pairwise one of
// the client's sector.
func (s Subjects) Of(c *Client, subject string) string {
	if c.SubjectType != Pairwise || subject == "" {
		return subject
	}
	return s.name(c.sector() + "\x00" + subject)
}

// Session returns the sid of a session for the client. A sid shared between sectors would let
// them link their pairwise subjects.
//
// Spec: OpenID Connect Core §17.3, OpenID Connect Front-Channel Logout §3.
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
	SectorClient = "client" // the client is its own sector
)

// sector returns the sector of the client: the host of its sector_identifier_uri, or the host
// that its redirect URIs share, which registration enforces.
//
// A dynamically registered client may name any host, also one whose sector document lists the
// redirect URIs of another client. With a grant type that delivers tokens without a redirect
// URI, or with tokens from before it changed its sector, it would learn the subjects of that
// host. Such a client is a separate sector unless the operator decides otherwise.
//
// Spec: OpenID Connect Core §8.1.
func (c *Client) sector() string {
	itself := "client " + c.ID // a unique sector: no host contains a space
	if c.SubjectSector == SectorClient || c.SubjectSector == "" && c.Dynamic && c.withoutRedirect() {
		return itself
	}
	if hosts := c.sectorHosts(); len(hosts) > 0 && hosts[0] != "" {
		return hosts[0]
	}
	return itself
}

// sectorHosts returns the hosts of the sector: the one of the sector_identifier_uri, or those
// of the redirect URIs, of which pairwise clients have one.
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

// movedFrom reports whether m has a sector other than before. With older tokens the client
// would learn the subjects of the new sector.
func (m *Metadata) movedFrom(before *Metadata) bool {
	now := append(m.sectorHosts(), "")[0]
	return now != "" && slices.ContainsFunc(before.sectorHosts(), func(host string) bool { return host != now })
}

// withoutRedirect reports whether the client may use a grant type that delivers a user's
// tokens to a polling client instead of a redirect URI.
func (m *Metadata) withoutRedirect() bool {
	return slices.Contains(m.GrantTypes, GrantDeviceCode) || slices.Contains(m.GrantTypes, GrantCIBA)
}

// ownHost returns the host of a redirect URI if it identifies the client. Any app can use a
// loopback address, and the host of a private-use scheme can be any text.
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
