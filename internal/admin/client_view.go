package admin

import (
	"encoding/json"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// clientView is a client as the API returns it. The fields that repeat those of Metadata
// are encoded even if they are empty.
type clientView struct {
	client.Metadata
	lifespans

	ID              string          `json:"client_id"`
	Secret          string          `json:"client_secret,omitempty"` // only in the response that sets it
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
	SecretExpiresAt int64           `json:"client_secret_expires_at"` // 0: secrets do not expire
	SubjectType     string          `json:"subject_type"`
	JWKS            json.RawMessage `json:"jwks"`
	Notes           json.RawMessage `json:"metadata"`
	SkipConsent     bool            `json:"skip_consent"`
	SkipLogout      bool            `json:"skip_logout_consent"`
	CreatedAt       time.Time       `json:"created_at"`
	UpdatedAt       time.Time       `json:"updated_at"`

	Localized map[string]string `json:"localized,omitempty"` // always empty: MarshalJSON encodes those of Metadata

	client *client.Client
}

// MayReuseConsent is [client.Client.MayReuseConsent].
func (v *clientView) MayReuseConsent(redirectURI string, front bool) bool {
	return v.client.MayReuseConsent(redirectURI, front)
}

// MarshalJSON encodes the localized members too.
func (v *clientView) MarshalJSON() ([]byte, error) {
	type members clientView
	return v.MarshalWith((*members)(v))
}

// full returns a list that is encoded as [] if it is empty.
func full(list []string) []string { return append([]string{}, list...) }

// lifespans are the token lifespans of a client; null if not set.
type lifespans struct {
	AuthorizationCodeAccessToken    client.Lifespan `json:"authorization_code_grant_access_token_lifespan"`
	AuthorizationCodeIDToken        client.Lifespan `json:"authorization_code_grant_id_token_lifespan"`
	AuthorizationCodeRefreshToken   client.Lifespan `json:"authorization_code_grant_refresh_token_lifespan"`
	ClientCredentialsAccessToken    client.Lifespan `json:"client_credentials_grant_access_token_lifespan"`
	DeviceAuthorizationAccessToken  client.Lifespan `json:"device_authorization_grant_access_token_lifespan"`
	DeviceAuthorizationIDToken      client.Lifespan `json:"device_authorization_grant_id_token_lifespan"`
	DeviceAuthorizationRefreshToken client.Lifespan `json:"device_authorization_grant_refresh_token_lifespan"`
	ImplicitAccessToken             client.Lifespan `json:"implicit_grant_access_token_lifespan"`
	ImplicitIDToken                 client.Lifespan `json:"implicit_grant_id_token_lifespan"`
	JWTBearerAccessToken            client.Lifespan `json:"jwt_bearer_grant_access_token_lifespan"`
	RefreshTokenAccessToken         client.Lifespan `json:"refresh_token_grant_access_token_lifespan"`
	RefreshTokenIDToken             client.Lifespan `json:"refresh_token_grant_id_token_lifespan"`
	RefreshTokenRefreshToken        client.Lifespan `json:"refresh_token_grant_refresh_token_lifespan"`
}

// viewNestedClient returns a client for use inside another object, without the members that
// Ory Hydra does not have: clients generated from its OpenAPI document reject unknown members.
func viewNestedClient(c *client.Client) *clientView {
	v := viewClient(c)
	v.ApplicationType, v.IDTokenSignedResponseAlg, v.OperatorScope, v.IDTokenClaims, v.AllowHTTPRedirects = "", "", false, "", false
	v.ServedResources, v.AllowedGroups, v.SubjectSector, v.Theme, v.OptionalScope = nil, nil, "", nil, ""
	v.UserinfoACRValues, v.UserinfoMaxAge, v.RequireDPoPNonce, v.AuthorizationDetailsTypes, v.SecurityProfile = nil, nil, false, nil, ""
	v.TokenExchange = nil
	return v
}

func viewClient(c *client.Client) *clientView {
	v := &clientView{
		Metadata: c.Metadata, lifespans: lifespans(c.Lifespans), ID: c.ID, client: c,
		RedirectURIs: full(c.RedirectURIs), GrantTypes: full(c.GrantTypes), ResponseTypes: full(c.ResponseTypes),
		Scope: c.Scope, Audience: full(c.Audience), PolicyURI: c.PolicyURI, Origins: full(c.AllowedCORSOrigins), TermsURI: c.TermsURI,
		ClientURI: c.ClientURI, LogoURI: c.LogoURI, Contacts: full(c.Contacts), SubjectType: c.SubjectType,
		JWKS: c.JWKS, Owner: c.Owner, Notes: c.Notes, SkipConsent: c.SkipConsent, SkipLogout: c.SkipLogoutConsent,
		CreatedAt: c.CreatedAt.UTC().Truncate(time.Second), UpdatedAt: c.UpdatedAt.UTC().Truncate(time.Second),
	}
	if v.SubjectType == "" {
		v.SubjectType = client.Public
	}
	for _, object := range []*json.RawMessage{&v.JWKS, &v.Notes} {
		if len(*object) == 0 {
			*object = json.RawMessage("{}")
		}
	}
	return v
}
