package admin

import (
	"encoding/json"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// clientView is a client as the API shows it, never with its secret. The lists
// shadow those of Metadata so that empty ones are written.
type clientView struct {
	client.Metadata

	ID              string          `json:"client_id"`
	RedirectURIs    []string        `json:"redirect_uris"`
	GrantTypes      []string        `json:"grant_types"`
	ResponseTypes   []string        `json:"response_types"`
	Scope           string          `json:"scope"`
	Audience        []string        `json:"audience"`
	Owner           string          `json:"owner"`
	PolicyURI       string          `json:"policy_uri"`
	Origins         []string        `json:"allowed_cors_origins"`
	TermsURI        string          `json:"tos_uri"`
	ClientURI       string          `json:"client_uri"`
	LogoURI         string          `json:"logo_uri"`
	Contacts        []string        `json:"contacts"`
	SecretExpiresAt int64           `json:"client_secret_expires_at"` // never: 0
	SubjectType     string          `json:"subject_type"`
	JWKS            json.RawMessage `json:"jwks"`
	Free            struct{}        `json:"metadata"`
	SkipConsent     bool            `json:"skip_consent"`
	CreatedAt       time.Time       `json:"created_at"`
	UpdatedAt       time.Time       `json:"updated_at"`

	Localized map[string]string `json:"localized,omitempty"` // empty: those of Metadata stand beside the others

	client *client.Client
}

// Proven is [client.Client.Proven].
func (v *clientView) Proven(redirectURI string, front bool) bool {
	return v.client.Proven(redirectURI, front)
}

// MarshalJSON writes the members in languages as well.
func (v *clientView) MarshalJSON() ([]byte, error) {
	type members clientView
	return v.Beside((*members)(v)) //nolint:wrapcheck // the caller is encoding/json
}

func viewClient(c *client.Client) *clientView {
	full := func(list []string) []string { return append([]string{}, list...) }
	v := &clientView{
		Metadata: c.Metadata, ID: c.ID, client: c,
		RedirectURIs: full(c.RedirectURIs), GrantTypes: full(c.GrantTypes), ResponseTypes: full(c.ResponseTypes),
		Scope: c.Scope, Audience: full(c.Audience), PolicyURI: c.PolicyURI, Origins: []string{}, TermsURI: c.TermsURI,
		ClientURI: c.ClientURI, LogoURI: c.LogoURI, Contacts: full(c.Contacts), SubjectType: c.SubjectType,
		JWKS: c.JWKS, SkipConsent: c.SkipConsent,
		CreatedAt: c.CreatedAt.UTC().Truncate(time.Second), UpdatedAt: c.UpdatedAt.UTC().Truncate(time.Second),
	}
	if v.SubjectType == "" {
		v.SubjectType = client.Public
	}
	if len(v.JWKS) == 0 {
		v.JWKS = json.RawMessage("{}")
	}
	return v
}
