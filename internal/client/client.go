// Package client holds registered clients: their metadata under the names of RFC 7591, its
// validation, and their secrets.
package client

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/profile"
	"github.com/ostiary/ostiary/internal/theme"
	"github.com/ostiary/ostiary/internal/unavailable"
)

var (
	// ErrNotFound reports a client that is not registered.
	ErrNotFound = errors.New("client not found")
	// ErrExists reports a client_id that is taken.
	ErrExists = errors.New("client_id is taken")
	// ErrConflict reports a concurrent change of the same client.
	ErrConflict = errors.New("the client was changed concurrently")
	// ErrIsSubject reports a client_id that equals the subject of an account: a resource
	// server could mistake the client's own tokens for the user's (RFC 9700 §4.15).
	ErrIsSubject = errors.New("the client_id is the subject of an account")
	// ErrKeysUnavailable reports that the client's public keys cannot be read because of the
	// client: its jwks_uri is unreachable, or the key set is malformed.
	ErrKeysUnavailable = errors.New("the keys of the client are unavailable")
	// ErrBusy reports that this server cannot fetch a client's document at the moment. It is
	// temporary and not the client's fault.
	ErrBusy = unavailable.New("too much is being fetched")
)

// Client is a registered client.
type Client struct {
	ID string
	Metadata

	Secret          Secret          // empty for a client without a secret
	SecretCreatedAt time.Time       // zero if an earlier version set the secret
	RotatedSecrets  []RotatedSecret // other secrets, the latest first

	// RegistrationToken is the hash of the registration access token (RFC 7592). The previous
	// token stays valid until PreviousUntil, so that a client that lost the response keeps
	// access.
	RegistrationToken []byte
	PreviousToken     []byte
	PreviousUntil     time.Time

	Dynamic          bool // registered dynamically; otherwise the operator created it
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

// Filter selects clients. Empty fields match every client.
type Filter struct{ Name, Owner string }

// Metadata is the metadata of a client. Members that the server does not use are not stored.
//
// Spec: RFC 7591 §2, OpenID Connect Registration §2.
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
	OptionalScope          string   `json:"optional_scope,omitempty"` // scopes that users may refuse singly
	Audience               []string `json:"audience,omitempty"`       // resources that it may request (RFC 8707); set by the operator

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

	AuthorizationSignedResponseAlg    string `json:"authorization_signed_response_alg,omitempty"` // JARM section 3
	AuthorizationEncryptedResponseAlg string `json:"authorization_encrypted_response_alg,omitempty"`
	AuthorizationEncryptedResponseEnc string `json:"authorization_encrypted_response_enc,omitempty"`

	IntrospectionSignedResponseAlg    string `json:"introspection_signed_response_alg,omitempty"` // RFC 9701 section 6
	IntrospectionEncryptedResponseAlg string `json:"introspection_encrypted_response_alg,omitempty"`
	IntrospectionEncryptedResponseEnc string `json:"introspection_encrypted_response_enc,omitempty"`

	RequestObjectSigningAlg    string   `json:"request_object_signing_alg,omitempty"` // none only where it is registered
	RequestURIs                []string `json:"request_uris,omitempty"`
	RequireSignedRequestObject bool     `json:"require_signed_request_object,omitempty"` // RFC 9101 section 10.5
	// RequirePushedAuthorizationRequests is RFC 9126 section 6.
	RequirePushedAuthorizationRequests bool `json:"require_pushed_authorization_requests,omitempty"`

	DefaultMaxAge    *int64   `json:"default_max_age,omitempty"` // seconds
	RequireAuthTime  bool     `json:"require_auth_time,omitempty"`
	DefaultACRValues []string `json:"default_acr_values,omitempty"`
	InitiateLoginURI string   `json:"initiate_login_uri,omitempty"`

	FrontchannelLogoutURI             string `json:"frontchannel_logout_uri,omitempty"`
	FrontchannelLogoutSessionRequired bool   `json:"frontchannel_logout_session_required,omitempty"`
	BackchannelLogoutURI              string `json:"backchannel_logout_uri,omitempty"`
	BackchannelLogoutSessionRequired  bool   `json:"backchannel_logout_session_required,omitempty"`

	// The members of CIBA Core section 4.
	BackchannelTokenDeliveryMode    string `json:"backchannel_token_delivery_mode,omitempty"` // poll or ping
	BackchannelNotificationEndpoint string `json:"backchannel_client_notification_endpoint,omitempty"`
	BackchannelRequestSigningAlg    string `json:"backchannel_authentication_request_signing_alg,omitempty"` // if set, requests must be signed

	// DPoPBoundAccessTokens requires a DPoP proof with each token request (RFC 9449 section 5.2).
	DPoPBoundAccessTokens bool `json:"dpop_bound_access_tokens,omitempty"`

	// The name in its certificate by which a client with tls_client_auth is known; exactly one is set
	// (RFC 8705 section 2.1.2).
	TLSClientAuthSubjectDN string `json:"tls_client_auth_subject_dn,omitempty"`
	TLSClientAuthSANDNS    string `json:"tls_client_auth_san_dns,omitempty"`
	TLSClientAuthSANURI    string `json:"tls_client_auth_san_uri,omitempty"`
	TLSClientAuthSANIP     string `json:"tls_client_auth_san_ip,omitempty"`
	TLSClientAuthSANEmail  string `json:"tls_client_auth_san_email,omitempty"`
	// CertificateBoundAccessTokens binds access tokens to the client certificate (RFC 8705 section 3.4).
	CertificateBoundAccessTokens bool `json:"tls_client_certificate_bound_access_tokens,omitempty"`

	AccessTokenStrategy string   `json:"access_token_strategy,omitempty"` // jwt or opaque; empty is the server's default
	IDTokenClaims       string   `json:"id_token_claims,omitempty"`       // granted or minimal; empty is the server's default
	RequirePKCE         bool     `json:"require_pkce,omitempty"`
	AllowedCORSOrigins  []string `json:"allowed_cors_origins,omitempty"`

	// Only the operator can set these members and Audience; see [Metadata.KeepOperatorFields].

	// AuthorizationDetailsTypes are the types of authorization details that the client may request (RFC 9396
	// section 10).
	AuthorizationDetailsTypes []string `json:"authorization_details_types,omitempty"`
	// SecurityProfile is the security profile of the client, if it is stricter than that of the server.
	SecurityProfile profile.Profile `json:"security_profile,omitempty"`
	// ServedResources are the resources that the client serves: it may introspect tokens for
	// them that were issued to any client (RFC 7662 §4).
	ServedResources []string `json:"served_resources,omitempty"`
	// AllowedGroups are the groups whose members may use the client; empty for everyone.
	AllowedGroups []string `json:"allowed_groups,omitempty"`
	// SubjectSector is SectorHost or SectorClient for a pairwise client. If it is empty, see
	// [Client.sector].
	SubjectSector string `json:"subject_sector,omitempty"`
	// AllowHTTPRedirects accepts http redirect and post-logout redirect URIs of any host. The
	// operator vouches for the network between users and that host.
	AllowHTTPRedirects bool `json:"allow_http_redirects,omitempty"`
	SkipConsent        bool `json:"skip_consent,omitempty"`
	SkipLogoutConsent  bool `json:"skip_logout_consent,omitempty"`
	// RequireSecondFactor makes users prove a second factor, as acr_values=2 would, unless they
	// trust the device.
	RequireSecondFactor bool `json:"require_second_factor,omitempty"`
	// UserinfoACRValues and UserinfoMaxAge are what the userinfo endpoint requires of the
	// authentication of the user: one of the values of acr, and an age of at most so many seconds.
	UserinfoACRValues []string        `json:"userinfo_acr_values,omitempty"`
	UserinfoMaxAge    *int64          `json:"userinfo_max_age,omitempty"`
	RequireDPoPNonce  bool            `json:"require_dpop_nonce,omitempty"` // of DPoP proofs, if dpop_nonces is client
	OperatorScope     bool            `json:"operator_scope,omitempty"`     // the operator has set the scope of a client that registered itself
	Theme             *theme.Theme    `json:"theme,omitempty"`              // the look of pages in flows of the client
	TokenExchange     *TokenExchange  `json:"token_exchange,omitempty"`     // RFC 8693; nil for none
	Owner             string          `json:"owner,omitempty"`
	Notes             json.RawMessage `json:"metadata,omitempty"` // any JSON, which the client never sees
	Lifespans

	SoftwareID        string `json:"software_id,omitempty"`
	SoftwareVersion   string `json:"software_version,omitempty"`
	SoftwareStatement string `json:"software_statement,omitempty"` // verified where it came in

	// Localized holds members with a language tag, such as client_name#ja. They are stored in
	// a member of this name and returned as members of the metadata; see
	// [Metadata.MarshalWith].
	Localized map[string]string `json:"localized,omitempty"`
}

// The client authentication methods of the token endpoint (OpenID Connect Core §9).
const (
	AuthBasic         = "client_secret_basic"
	AuthPost          = "client_secret_post"
	AuthSecretJWT     = "client_secret_jwt"
	AuthPrivateKeyJWT = "private_key_jwt"
	AuthTLS           = "tls_client_auth"             // RFC 8705 section 2.1
	AuthSelfSignedTLS = "self_signed_tls_client_auth" // RFC 8705 section 2.2
	AuthNone          = "none"
)

// AuthMethods returns the supported client authentication methods, with the methods by certificate
// that are on.
func AuthMethods(mutualTLS ...string) []string {
	return append([]string{AuthBasic, AuthPost, AuthSecretJWT, AuthPrivateKeyJWT, AuthNone}, mutualTLS...)
}

// The claims about the user in an ID token of the token endpoint: those of the granted scopes,
// or only the ones that the client requested by name.
const (
	IDTokenGranted = "granted"
	IDTokenMinimal = "minimal"
)

// SecretAlgs returns the algorithms of client_secret_jwt.
func SecretAlgs() []string { return []string{"HS256", "HS384", "HS512"} }

// The grant types.
const (
	GrantAuthorizationCode = "authorization_code"
	GrantRefreshToken      = "refresh_token"
	GrantClientCredentials = "client_credentials"
	// GrantJWTBearer exchanges an assertion of a trusted issuer (RFC 7523).
	GrantJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer" //nolint:gosec // not a credential
	// GrantDeviceCode is the device authorization grant (RFC 8628).
	GrantDeviceCode = "urn:ietf:params:oauth:grant-type:device_code"
	// GrantCIBA is the grant of backchannel authentication (CIBA Core).
	GrantCIBA = "urn:openid:params:grant-type:ciba"
	// GrantTokenExchange exchanges a token for another (RFC 8693).
	GrantTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange" //nolint:gosec // not a credential
	// GrantImplicit allows the authorization endpoint to issue tokens. It is not a grant type
	// of the token endpoint.
	GrantImplicit = "implicit"
)

// Values of backchannel_token_delivery_mode.
//
// Spec: CIBA Core §5.
const (
	DeliveryPoll = "poll"
	DeliveryPing = "ping"
)

// DeliveryModes returns the supported delivery modes.
func DeliveryModes() []string { return []string{DeliveryPoll, DeliveryPing} }

// GrantTypes returns the grant types of the token endpoint.
func GrantTypes() []string {
	return []string{GrantAuthorizationCode, GrantRefreshToken, GrantClientCredentials, GrantJWTBearer, GrantDeviceCode, GrantCIBA, GrantTokenExchange}
}

// IsPublic reports whether the client cannot keep a secret (RFC 6749 §2.1).
func (c *Client) IsPublic() bool { return c.TokenEndpointAuthMethod == AuthNone }

// IsNative reports whether the client is a native app (RFC 8252).
func (c *Client) IsNative() bool { return c.ApplicationType == "native" }

// MayReuseConsent reports whether a remembered consent may replace the consent page. It may
// not for redirect URIs that any app on the device can receive (RFC 8252 §8.6). A client
// secret does not help if front is true, since then the response itself contains the tokens.
func (c *Client) MayReuseConsent(redirectURI string, front bool) bool {
	proven := !c.IsPublic() && (!c.IsNative() || !front)
	return proven || strings.HasPrefix(redirectURI, "https:")
}

// SupportsLogoutNotification reports whether the client registered a logout URI.
//
// Spec: OpenID Connect Front-Channel Logout §2, Back-Channel Logout §2.2.
func (c *Client) SupportsLogoutNotification() bool {
	return c.FrontchannelLogoutURI != "" || c.BackchannelLogoutURI != ""
}

// Scopes returns the registered scopes of the client.
func (c *Client) Scopes() []string { return strings.Fields(c.Scope) }

// IsOptionalScope reports whether users may consent to a request without the scope.
func (c *Client) IsOptionalScope(scope string) bool {
	return slices.Contains(strings.Fields(c.OptionalScope), scope)
}

// AllowsGrantType reports whether the client registered the grant type.
func (c *Client) AllowsGrantType(grantType string) bool {
	return slices.Contains(c.GrantTypes, grantType)
}

// Name returns the display name of the client.
func (c *Client) Name() string {
	if c.ClientName != "" {
		return c.ClientName
	}
	return c.ID
}
