package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
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
	mac := hmac.New(sha256.New, s.Salt)
	mac.Write([]byte(c.sector() + "\x00" + subject))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// sector is the host that stands for the client: that of its
// sector_identifier_uri, or the one that all of its redirect URIs share, which
// registration has seen to.
func (c *Client) sector() string {
	host := ""
	if c.SectorIdentifierURI != "" {
		if u, err := url.Parse(c.SectorIdentifierURI); err == nil {
			host = strings.ToLower(u.Hostname())
		}
	} else if len(c.RedirectURIs) > 0 {
		host = ownHost(c.RedirectURIs[0])
	}
	if host == "" {
		return c.ID // nobody else's sector
	}
	return host
}

// ownHost returns the host of a redirect URI, if it tells one client from others: a
// loopback address is everybody's, and many apps have none.
func ownHost(redirectURI string) string {
	u, err := url.Parse(redirectURI)
	if err != nil || loopback(u) {
		return ""
	}
	return strings.ToLower(u.Hostname())
}
