// Package client holds a registered client: its metadata under the names of RFC
// 7591, the rules they obey, and its secrets.
package client

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

var (
	// ErrNotFound reports a client that is not registered.
	ErrNotFound = errors.New("client not found")
	// ErrExists reports a client_id that is taken.
	ErrExists = errors.New("client_id is taken")
	// ErrConflict reports that somebody else changed the client meanwhile.
	ErrConflict = errors.New("client was changed meanwhile")
	// ErrIsSubject reports a client_id that is the subject of an account: a resource server
	// could take the client's own tokens for the user's (RFC 9700 §4.15).
	ErrIsSubject = errors.New("the client_id is the subject of an account")
	// ErrKeysUnavailable reports that a client's public keys cannot be had for a reason
	// that is the client's own: an unreachable jwks_uri, a malformed set.
	ErrKeysUnavailable = errors.New("the keys of the client cannot be had")
	// ErrBusy reports that what a client published cannot be fetched at the moment,
	// for a reason that is ours: it is no verdict on the client.
	ErrBusy error = unavailable("too much is being fetched")
)

// unavailable is a fault of the moment.
type unavailable string

// Error says what is the matter.
func (u unavailable) Error() string { return string(u) }

// Unavailable reports that trying again later may help.
func (unavailable) Unavailable() bool { return true }

// Client is a registered client.
type Client struct {
	ID string
	Metadata

	Secret         Secret          // empty for clients that have none
	RotatedSecrets []RotatedSecret // secrets of before, the latest first

	// RegistrationToken is the hash of the registration access token (RFC 7592).
	// The previous one stays good until PreviousUntil, so that a lost answer is not
	// a lost client.
	RegistrationToken []byte
	PreviousToken     []byte
	PreviousUntil     time.Time

	Dynamic          bool // registered itself; the rest was brought by the operator
	Disabled         bool
	TokensValidAfter time.Time // grants and tokens from before it are dead
	CreatedAt        time.Time
	UpdatedAt        time.Time
	Version          int64 // counts updates, for compare-and-set
}

// EndRegistrationTokens makes every registration access token of the client invalid.
func (c *Client) EndRegistrationTokens() {
	c.RegistrationToken, c.PreviousToken, c.PreviousUntil = nil, nil, time.Time{}
}

func (c *Client) hasRegistrationToken() bool {
	return len(c.RegistrationToken) > 0 || len(c.PreviousToken) > 0
}

// Filter chooses clients. What is empty is not asked about.
type Filter struct{ Name, Owner string }

// Metadata describes a client (RFC 7591 section 2, OpenID Connect Registration
// section 2). Members that Ostiary does not act on are not kept.
type Metadata struct {
	ClientName string   `json:"client_name,omitempty"`
	ClientURI  string   `json:"client_uri,omitempty"`
	LogoURI    string   `json:"logo_uri,omitempty"`
	PolicyURI  string   `json:"policy_uri,omitempty"`
	TermsURI   string   `json:"tos_uri,omitempty"`
	Contacts   []string `json:"contacts,omitempty"`

	ApplicationType        string   `json:"application_type,omitempty"` // web or native
	RedirectURIs           []string `json:"redirect_uris,omitempty"`
	PostLogoutRedirectURIs []string `json:"post_logout_redirect_uris,omitempty"`
	GrantTypes             []string `json:"grant_types,omitempty"`
	ResponseTypes          []string `json:"response_types,omitempty"`
	Scope                  string   `json:"scope,omitempty"`
	Audience               []string `json:"audience,omitempty"` // resources it may ask for (RFC 8707); the operator's to give

	TokenEndpointAuthMethod     string          `json:"token_endpoint_auth_method,omitempty"`
	TokenEndpointAuthSigningAlg string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	JWKSURI                     string          `json:"jwks_uri,omitempty"`
	JWKS                        json.RawMessage `json:"jwks,omitempty"`

	SubjectType         string `json:"subject_type,omitempty"` // public or pairwise
	SectorIdentifierURI string `json:"sector_identifier_uri,omitempty"`

	IDTokenSignedResponseAlg     string `json:"id_token_signed_response_alg,omitempty"`
	IDTokenEncryptedResponseAlg  string `json:"id_token_encrypted_response_alg,omitempty"`
	IDTokenEncryptedResponseEnc  string `json:"id_token_encrypted_response_enc,omitempty"`
	UserinfoSignedResponseAlg    string `json:"userinfo_signed_response_alg,omitempty"`
	UserinfoEncryptedResponseAlg string `json:"userinfo_encrypted_response_alg,omitempty"`
	UserinfoEncryptedResponseEnc string `json:"userinfo_encrypted_response_enc,omitempty"`

	RequestObjectSigningAlg    string   `json:"request_object_signing_alg,omitempty"` // none only where it is registered
	RequestURIs                []string `json:"request_uris,omitempty"`
	RequireSignedRequestObject bool     `json:"require_signed_request_object,omitempty"` // RFC 9101 section 10.5

	DefaultMaxAge    *int64   `json:"default_max_age,omitempty"` // seconds
	RequireAuthTime  bool     `json:"require_auth_time,omitempty"`
	DefaultACRValues []string `json:"default_acr_values,omitempty"`
	InitiateLoginURI string   `json:"initiate_login_uri,omitempty"`

	FrontchannelLogoutURI             string `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelLogoutSessionRequired bool   `json:"frontchannel_logout_session_required,omitempty"`
	BackchannelLogoutURI              string `json:"backchannel_logout_uri,omitempty"`
	BackchannelLogoutSessionRequired  bool   `json:"backchannel_logout_session_required,omitempty"`

	AccessTokenStrategy string   `json:"access_token_strategy,omitempty"` // jwt or opaque; empty is the server's default
	IDTokenClaims       string   `json:"id_token_claims,omitempty"`       // granted or minimal; empty is the server's default
	RequirePKCE         bool     `json:"require_pkce,omitempty"`
	AllowedCORSOrigins  []string `json:"allowed_cors_origins,omitempty"`

	// These, and Audience, are the operator's to give; see [Metadata.KeepOperatorFields].

	// ServedResources are the resources that the client itself is: it may introspect
	// tokens for them, no matter which client they were issued to (RFC 7662 §4).
	ServedResources []string `json:"served_resources,omitempty"`
	// SubjectSector says whose sector a pairwise client is in: SectorHost or
	// SectorClient. Where it is empty, see [Client.sector].
	SubjectSector string `json:"subject_sector,omitempty"`
	// AllowHTTPRedirects accepts http redirect and post-logout redirect URIs of any host:
	// the operator vouches for the network between users and that host.
	AllowHTTPRedirects bool            `json:"allow_http_redirects,omitempty"`
	SkipConsent        bool            `json:"skip_consent,omitempty"`
	SkipLogoutConsent  bool            `json:"skip_logout_consent,omitempty"`
	OperatorScope      bool            `json:"operator_scope,omitempty"` // the operator has set the scope of a client that registered itself
	Owner              string          `json:"owner,omitempty"`
	Notes              json.RawMessage `json:"metadata,omitempty"` // any JSON, which the client never sees
	Lifespans

	SoftwareID        string `json:"software_id,omitempty"`
	SoftwareVersion   string `json:"software_version,omitempty"`
	SoftwareStatement string `json:"software_statement,omitempty"` // verified where it came in

	// Localized holds members in languages, such as client_name#ja. They are stored
	// under a name of their own and shown beside the others; see [Metadata.MarshalWith].
	Localized map[string]string `json:"localized,omitempty"`
}

// The client authentication methods of the token endpoint (OpenID Connect Core
// section 9).
const (
	AuthBasic         = "client_secret_basic"
	AuthPost          = "client_secret_post"
	AuthSecretJWT     = "client_secret_jwt"
	AuthPrivateKeyJWT = "private_key_jwt"
	AuthNone          = "none"
)

// AuthMethods lists the methods that work.
func AuthMethods() []string {
	return []string{AuthBasic, AuthPost, AuthSecretJWT, AuthPrivateKeyJWT, AuthNone}
}

// What an ID token of the token endpoint says about the user: the claims of the granted
// scopes, or only those that the client requested by name.
const (
	IDTokenGranted = "granted"
	IDTokenMinimal = "minimal"
)

// SecretAlgs lists the algorithms of client_secret_jwt.
func SecretAlgs() []string { return []string{"HS256", "HS384", "HS512"} }

// The grant types that work.
const (
	GrantAuthorizationCode = "authorization_code"
	GrantRefreshToken      = "refresh_token"
	GrantClientCredentials = "client_credentials"
	// GrantJWTBearer is for what an issuer asserts whom the operator trusts (RFC 7523).
	GrantJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer" //nolint:gosec // no credential
	// GrantDeviceCode is for devices on which nobody signs in (RFC 8628).
	GrantDeviceCode = "urn:ietf:params:oauth:grant-type:device_code"
	// GrantImplicit is none of the token endpoint's: it stands for tokens that the
	// authorization endpoint gives out itself.
	GrantImplicit = "implicit"
)

// GrantTypes lists the grant types that work at the token endpoint.
func GrantTypes() []string {
	return []string{GrantAuthorizationCode, GrantRefreshToken, GrantClientCredentials, GrantJWTBearer, GrantDeviceCode}
}

// IsPublic reports whether the client cannot keep a secret (RFC 6749 section 2.1).
func (c *Client) IsPublic() bool { return c.TokenEndpointAuthMethod == AuthNone }

// IsNative reports whether the client runs on a person's device (RFC 8252).
func (c *Client) IsNative() bool { return c.ApplicationType == "native" }

// MayReuseConsent reports whether an earlier consent may stand for a request without a
// question: not where anyone on the device could pretend to be the client (RFC 8252
// section 8.6). A secret is no proof of who gets what is in the answer itself, which
// front says that tokens are.
func (c *Client) MayReuseConsent(redirectURI string, front bool) bool {
	proven := !c.IsPublic() && (!c.IsNative() || !front)
	return proven || strings.HasPrefix(redirectURI, "https:")
}

// SupportsLogoutNotification reports whether the client registered a place where it is told
// that a session has ended (OpenID Connect Front-Channel Logout section 2,
// Back-Channel Logout section 2.2).
func (c *Client) SupportsLogoutNotification() bool {
	return c.FrontchannelLogoutURI != "" || c.BackchannelLogoutURI != ""
}

// Scopes returns the scopes the client may ask for.
func (c *Client) Scopes() []string { return strings.Fields(c.Scope) }

// AllowsGrantType reports whether the client registered the grant type.
func (c *Client) AllowsGrantType(grantType string) bool {
	return slices.Contains(c.GrantTypes, grantType)
}

// Name returns what a person should read for the client.
func (c *Client) Name() string {
	if c.ClientName != "" {
		return c.ClientName
	}
	return c.ID
}
