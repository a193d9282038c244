package discovery

import "strings"

// Capabilities lists the enabled endpoints and features. Endpoints are paths relative to
// the issuer; an empty path means that the endpoint is disabled.
type Capabilities struct {
	Issuer string
	// ProtectedResources are the identifiers of the resources of this server.
	ProtectedResources []string

	Authorization, Token, Userinfo, JWKS  string
	Introspection, Revocation, EndSession string
	// Push is the endpoint for pushed authorization requests; RequirePushed requires its use.
	Push                string
	RequirePushed       bool
	RequireSigned       bool // of requests, as request objects
	CheckSession        string
	DeviceAuthorization string
	Backchannel         string   // the backchannel authentication endpoint
	DeliveryModes       []string // of backchannel authentication
	Registration        string   // empty while registration is closed

	Scopes        []string // in addition to the scopes in the database
	ResponseTypes []string
	ResponseModes []string
	GrantTypes    []string
	Prompts       []string
	ACRValues     []string
	UILocales     []string
	SigningAlgs   []string // of ID tokens and userinfo responses

	IDTokenEncryptionAlgs, IDTokenEncryptionEncs   []string
	ResponseEncryptionAlgs, ResponseEncryptionEncs []string // of authorization and introspection responses
	UserinfoEncryptionAlgs, UserinfoEncryptionEncs []string

	SubjectTypes []string

	DPoPAlgs          []string // of DPoP proofs
	RequestObjectAlgs []string // empty if request objects are not supported

	AuthMethods              []string // of clients at the token endpoint
	IntrospectionAuthMethods []string
	RevocationAuthMethods    []string
	AuthSigningAlgs          []string // of client assertions

	// MutualTLS is the issuer's URL for clients with a certificate (RFC 8705); empty if it is off.
	MutualTLS string

	claims  []string // of the user profile
	details []string // types of authorization details
}

// document is the provider metadata, the most used members first. Members without a
// value are left out, unless the default of the specification would be wrong.
//
// Spec: OpenID Connect Discovery §3, RFC 8414 §2, RFC 9101 §10.5, RFC 9207 §3, OpenID
// Connect RP-Initiated Logout §2.1, RFC 8628 §4, OpenID Connect Session Management §3.3,
// OpenID Connect Front-Channel Logout §3, OpenID Connect Back-Channel Logout §2.1,
// Initiating User Registration via OpenID Connect §4.2, CIBA Core §4.
type document struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint,omitempty"`
	Token         string `json:"token_endpoint,omitempty"`
	Device        string `json:"device_authorization_endpoint,omitempty"`
	Userinfo      string `json:"userinfo_endpoint,omitempty"`
	JWKS          string `json:"jwks_uri,omitempty"`
	Introspection string `json:"introspection_endpoint,omitempty"`
	Revocation    string `json:"revocation_endpoint,omitempty"`
	Push          string `json:"pushed_authorization_request_endpoint,omitempty"`
	Backchannel   string `json:"backchannel_authentication_endpoint,omitempty"`
	RequirePushed bool   `json:"require_pushed_authorization_requests,omitempty"`
	// Resources are RFC 9728 section 4.
	Resources []string `json:"protected_resources,omitempty"`

	EndSession   string `json:"end_session_endpoint,omitempty"`
	Registration string `json:"registration_endpoint,omitempty"`
	CheckSession string `json:"check_session_iframe,omitempty"`

	Scopes        []string `json:"scopes_supported,omitempty"`
	Claims        []string `json:"claims_supported,omitempty"`
	ClaimTypes    []string `json:"claim_types_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	ResponseModes []string `json:"response_modes_supported,omitempty"`
	GrantTypes    []string `json:"grant_types_supported,omitempty"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	Prompts       []string `json:"prompt_values_supported,omitempty"`
	ACRValues     []string `json:"acr_values_supported,omitempty"`
	SubjectTypes  []string `json:"subject_types_supported"`
	UILocales     []string `json:"ui_locales_supported,omitempty"`

	IDTokenAlgs  []string `json:"id_token_signing_alg_values_supported"`
	UserinfoAlgs []string `json:"userinfo_signing_alg_values_supported,omitempty"`

	ResponseSigningAlgs    []string `json:"authorization_signing_alg_values_supported,omitempty"`
	ResponseEncryptionAlgs []string `json:"authorization_encryption_alg_values_supported,omitempty"`
	ResponseEncryptionEncs []string `json:"authorization_encryption_enc_values_supported,omitempty"`
	// RFC 9701 section 7.
	IntrospectionSigningAlgs    []string `json:"introspection_signing_alg_values_supported,omitempty"`
	IntrospectionEncryptionAlgs []string `json:"introspection_encryption_alg_values_supported,omitempty"`
	IntrospectionEncryptionEncs []string `json:"introspection_encryption_enc_values_supported,omitempty"`

	IDTokenEncryptionAlgs  []string `json:"id_token_encryption_alg_values_supported,omitempty"`
	IDTokenEncryptionEncs  []string `json:"id_token_encryption_enc_values_supported,omitempty"`
	UserinfoEncryptionAlgs []string `json:"userinfo_encryption_alg_values_supported,omitempty"`
	UserinfoEncryptionEncs []string `json:"userinfo_encryption_enc_values_supported,omitempty"`
	// The SDK of Ory Hydra v2 requires these two.
	HydraIDTokenAlgs  []string `json:"id_token_signed_response_alg"`
	HydraUserinfoAlgs []string `json:"userinfo_signed_response_alg"`

	TokenAuth         []string `json:"token_endpoint_auth_methods_supported,omitempty"`
	TokenAuthAlgs     []string `json:"token_endpoint_auth_signing_alg_values_supported,omitempty"`
	IntrospectionAuth []string `json:"introspection_endpoint_auth_methods_supported,omitempty"`
	IntrospectionAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported,omitempty"`
	RevocationAuth    []string `json:"revocation_endpoint_auth_methods_supported,omitempty"`
	RevocationAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported,omitempty"`

	ClaimsParameter     bool `json:"claims_parameter_supported"`
	RequestParameter    bool `json:"request_parameter_supported"`
	RequestURIParameter bool `json:"request_uri_parameter_supported"` // the default is true
	RequestURIsKnown    bool `json:"require_request_uri_registration,omitempty"`
	RequireSigned       bool `json:"require_signed_request_object,omitempty"`
	// Only clients that registered for it may send unsigned objects. "none" is left out,
	// because clients would read it as support for all of them.
	RequestObjectAlgs []string `json:"request_object_signing_alg_values_supported,omitempty"`
	DPoPAlgs          []string `json:"dpop_signing_alg_values_supported,omitempty"`
	// Clients with a certificate use these, the others the endpoints above.
	Aliases           *aliases `json:"mtls_endpoint_aliases,omitempty"`
	CertificateBound  bool     `json:"tls_client_certificate_bound_access_tokens,omitempty"`
	DeliveryModes     []string `json:"backchannel_token_delivery_modes_supported,omitempty"`
	BackchannelAlgs   []string `json:"backchannel_authentication_request_signing_alg_values_supported,omitempty"`
	UserCodeParameter *bool    `json:"backchannel_user_code_parameter_supported,omitempty"`
	Details           []string `json:"authorization_details_types_supported,omitempty"`
	IssParameter      bool     `json:"authorization_response_iss_parameter_supported"`

	FrontchannelLogout        bool `json:"frontchannel_logout_supported"`
	FrontchannelLogoutSession bool `json:"frontchannel_logout_session_supported"`
	BackchannelLogout         bool `json:"backchannel_logout_supported"`
	BackchannelLogoutSession  bool `json:"backchannel_logout_session_supported"`
}

// aliases are the URLs of endpoints for clients with a certificate.
//
// Spec: RFC 8705 §5.
type aliases struct {
	Token         string `json:"token_endpoint,omitempty"`
	Device        string `json:"device_authorization_endpoint,omitempty"`
	Userinfo      string `json:"userinfo_endpoint,omitempty"`
	Introspection string `json:"introspection_endpoint,omitempty"`
	Revocation    string `json:"revocation_endpoint,omitempty"`
	Push          string `json:"pushed_authorization_request_endpoint,omitempty"`
	Backchannel   string `json:"backchannel_authentication_endpoint,omitempty"`
}

// protocolClaims returns the claims that ID tokens have in addition to the profile of the
// user.
func protocolClaims() []string {
	return []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"}
}

// aliases returns the aliases of the endpoints that are on, nil without mutual TLS.
func (c Capabilities) aliases() *aliases {
	if c.MutualTLS == "" {
		return nil
	}
	at := under(c.MutualTLS)
	return &aliases{
		Token: at(c.Token), Device: at(c.DeviceAuthorization), Userinfo: at(c.Userinfo), Introspection: at(c.Introspection),
		Revocation: at(c.Revocation), Push: at(c.Push), Backchannel: at(c.Backchannel),
	}
}

// under returns the function that makes a URL of a path, empty for an empty one.
func under(base string) func(path string) string {
	return func(path string) string {
		if path == "" {
			return ""
		}
		return strings.TrimRight(base, "/") + path
	}
}

func (c Capabilities) document() *document {
	at := under(c.Issuer)
	ifEnabled := func(endpoint string, list []string) []string {
		if endpoint == "" {
			return nil
		}
		return list
	}
	userinfo := append([]string{"none"}, c.SigningAlgs...)

	var userCodes *bool
	if c.Backchannel != "" {
		userCodes = new(bool) // not supported
	}
	return &document{
		Issuer:        c.Issuer,
		Authorization: at(c.Authorization),
		Token:         at(c.Token), Device: at(c.DeviceAuthorization),
		Userinfo:      at(c.Userinfo),
		JWKS:          at(c.JWKS),
		Introspection: at(c.Introspection),
		Revocation:    at(c.Revocation),
		Push:          at(c.Push),
		Backchannel:   at(c.Backchannel),
		RequirePushed: c.RequirePushed,
		Resources:     c.ProtectedResources,
		RequireSigned: c.RequireSigned,
		EndSession:    at(c.EndSession),
		Registration:  at(c.Registration),
		CheckSession:  at(c.CheckSession),

		Scopes:        c.Scopes,
		Claims:        append(protocolClaims(), c.claims...),
		ClaimTypes:    []string{"normal"},
		ResponseTypes: c.ResponseTypes,
		ResponseModes: c.ResponseModes,
		GrantTypes:    c.GrantTypes,
		Challenges:    []string{"S256"},
		Prompts:       c.Prompts,
		ACRValues:     c.ACRValues,
		SubjectTypes:  c.SubjectTypes,
		UILocales:     c.UILocales,

		IDTokenAlgs:       c.SigningAlgs,
		UserinfoAlgs:      ifEnabled(c.Userinfo, userinfo),
		HydraIDTokenAlgs:  c.SigningAlgs,
		HydraUserinfoAlgs: userinfo,

		IntrospectionSigningAlgs:    ifEnabled(c.Introspection, c.SigningAlgs),
		IntrospectionEncryptionAlgs: ifEnabled(c.Introspection, c.ResponseEncryptionAlgs),
		IntrospectionEncryptionEncs: ifEnabled(c.Introspection, c.ResponseEncryptionEncs),

		ResponseSigningAlgs:    c.SigningAlgs,
		ResponseEncryptionAlgs: c.ResponseEncryptionAlgs,
		ResponseEncryptionEncs: c.ResponseEncryptionEncs,
		IDTokenEncryptionAlgs:  c.IDTokenEncryptionAlgs,
		IDTokenEncryptionEncs:  c.IDTokenEncryptionEncs,
		UserinfoEncryptionAlgs: ifEnabled(c.Userinfo, c.UserinfoEncryptionAlgs),
		UserinfoEncryptionEncs: ifEnabled(c.Userinfo, c.UserinfoEncryptionEncs),

		TokenAuth:         c.AuthMethods,
		TokenAuthAlgs:     c.AuthSigningAlgs,
		IntrospectionAuth: ifEnabled(c.Introspection, c.IntrospectionAuthMethods),
		IntrospectionAlgs: ifEnabled(c.Introspection, c.AuthSigningAlgs),
		RevocationAuth:    ifEnabled(c.Revocation, c.RevocationAuthMethods),
		RevocationAlgs:    ifEnabled(c.Revocation, c.AuthSigningAlgs),

		ClaimsParameter:     true,
		RequestParameter:    len(c.RequestObjectAlgs) > 0,
		RequestURIParameter: len(c.RequestObjectAlgs) > 0,
		RequestURIsKnown:    len(c.RequestObjectAlgs) > 0,
		RequestObjectAlgs:   c.RequestObjectAlgs,
		DPoPAlgs:            c.DPoPAlgs,
		Aliases:             c.aliases(),
		CertificateBound:    c.MutualTLS != "",
		DeliveryModes:       ifEnabled(c.Backchannel, c.DeliveryModes),
		UserCodeParameter:   userCodes,
		BackchannelAlgs:     ifEnabled(c.Backchannel, c.RequestObjectAlgs),
		Details:             c.details,
		IssParameter:        true,

		FrontchannelLogout:        c.EndSession != "",
		FrontchannelLogoutSession: c.EndSession != "",
		BackchannelLogout:         c.EndSession != "",
		BackchannelLogoutSession:  c.EndSession != "",
	}
}
