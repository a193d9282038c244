package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
)

// Pairwise is the subject_type of a client that knows each person under a name
// that no other sector knows them by.
const Pairwise = "pairwise"

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
	from := c.SectorIdentifierURI
	if from == "" && len(c.RedirectURIs) > 0 {
		from = c.RedirectURIs[0]
	}
	u, err := url.Parse(from)
	if err != nil || u.Hostname() == "" {
		return c.ID // nobody else's sector
	}
	return u.Hostname()
}
