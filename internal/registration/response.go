package registration

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// response is the representation of a client to itself (RFC 7591 §3.2.1, RFC 7592 §3).
// The lists replace those of Metadata so that empty ones are written.
type response struct {
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

	Localized map[string]string `json:"localized,omitempty"` // empty: MarshalJSON writes the localized members of Metadata
}

// MarshalJSON also writes the localized members.
func (a *response) MarshalJSON() ([]byte, error) {
	type members response
	return a.MarshalWith((*members)(a))
}

// newResponse returns the response with the members of c that the client may see.
func (h *Handler) newResponse(r *http.Request, c *client.Client) *response {
	full := func(list []string) []string { return append([]string{}, list...) }
	metadata := c.Metadata
	// Only operators see these members.
	metadata.Owner, metadata.Notes, metadata.OperatorScope, metadata.ServedResources, metadata.SubjectSector = "", nil, false, nil, ""
	metadata.AllowedGroups, metadata.UserinfoACRValues, metadata.UserinfoMaxAge, metadata.RequireDPoPNonce = nil, nil, nil, false
	metadata.SecurityProfile = ""
	metadata.TokenExchange = nil
	return &response{
		Metadata:      metadata,
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
