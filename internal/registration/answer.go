package registration

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// answer is a client as it is told about itself (RFC 7591 section 3.2.1, RFC 7592
// section 3). The lists shadow those of Metadata so that empty ones are written.
type answer struct {
	client.Metadata

	RedirectURIs  []string `json:"redirect_uris"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
	Contacts      []string `json:"contacts"`

	ClientID        string    `json:"client_id"`
	ClientSecret    string    `json:"client_secret,omitempty"`
	SecretExpiresAt int64     `json:"client_secret_expires_at"` // never: 0
	IssuedAt        int64     `json:"client_id_issued_at"`
	CreatedAt       time.Time `json:"created_at"`
	UpdatedAt       time.Time `json:"updated_at"`
	Token           string    `json:"registration_access_token,omitempty"`
	URI             string    `json:"registration_client_uri"`

	Localized map[string]string `json:"localized,omitempty"` // empty: those of Metadata stand beside the others
}

// MarshalJSON writes the members in languages as well.
func (a *answer) MarshalJSON() ([]byte, error) {
	type members answer
	return a.MarshalWith((*members)(a))
}

func (h *Handler) show(r *http.Request, c *client.Client) *answer {
	full := func(list []string) []string { return append([]string{}, list...) }
	said := c.Metadata
	// the operator's own
	said.Owner, said.Notes, said.OperatorScope, said.ServedResources, said.SubjectSector = "", nil, false, nil, ""
	return &answer{
		Metadata:      said,
		RedirectURIs:  full(c.RedirectURIs),
		GrantTypes:    full(c.GrantTypes),
		ResponseTypes: full(c.ResponseTypes),
		Contacts:      full(c.Contacts),
		ClientID:      c.ID,
		IssuedAt:      c.CreatedAt.Unix(),
		CreatedAt:     c.CreatedAt.UTC().Truncate(time.Second),
		UpdatedAt:     c.UpdatedAt.UTC().Truncate(time.Second),
		URI:           strings.TrimRight(h.Issuer, "/") + family(r) + "/" + url.PathEscape(c.ID),
	}
}
