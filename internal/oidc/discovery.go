package oidc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/scope"
)

// Capabilities is what is wired, and so what discovery may say. Endpoints are
// paths under the issuer; one that is empty is not there.
type Capabilities struct {
	Issuer string

	Authorization, Token, Userinfo, JWKS  string
	Introspection, Revocation, EndSession string
	CheckSession                          string
	DeviceAuthorization                   string
	Registration                          string // empty while registration is closed

	Scopes        []string // beside those that have a record
	ResponseTypes []string
	ResponseModes []string
	GrantTypes    []string
	Prompts       []string
	ACRValues     []string
	UILocales     []string
	SigningAlgs   []string // of ID tokens and userinfo answers

	IDTokenEncryptionAlgs, IDTokenEncryptionEncs   []string
	UserinfoEncryptionAlgs, UserinfoEncryptionEncs []string

	SubjectTypes []string

	RequestObjectAlgs []string // empty while request objects are not taken

	AuthMethods              []string // of clients at the token endpoint
	IntrospectionAuthMethods []string
	RevocationAuthMethods    []string
	AuthSigningAlgs          []string // of client assertions

	claims []string // about users
}

// document is the provider's metadata, in the order in which a person would look
// for things. What is not there is left out, except where the default that then
// applies would be wrong.
//
// Spec: OpenID Connect Discovery section 3; RFC 8414 section 2; RFC 9101 section
// 10.5; RFC 9207 section 3; OpenID Connect RP-Initiated Logout section 2.1; RFC 8628 section 4; Session
// Management section 3.3; Front-Channel Logout section 3; Back-Channel Logout
// section 2.1; Initiating User Registration via OpenID Connect section 4.2.
type document struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint,omitempty"`
	Token         string `json:"token_endpoint,omitempty"`
	Device        string `json:"device_authorization_endpoint,omitempty"`
	Userinfo      string `json:"userinfo_endpoint,omitempty"`
	JWKS          string `json:"jwks_uri,omitempty"`
	Introspection string `json:"introspection_endpoint,omitempty"`
	Revocation    string `json:"revocation_endpoint,omitempty"`
	EndSession    string `json:"end_session_endpoint,omitempty"`
	Registration  string `json:"registration_endpoint,omitempty"`
	CheckSession  string `json:"check_session_iframe,omitempty"`

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

	IDTokenEncryptionAlgs  []string `json:"id_token_encryption_alg_values_supported,omitempty"`
	IDTokenEncryptionEncs  []string `json:"id_token_encryption_enc_values_supported,omitempty"`
	UserinfoEncryptionAlgs []string `json:"userinfo_encryption_alg_values_supported,omitempty"`
	UserinfoEncryptionEncs []string `json:"userinfo_encryption_enc_values_supported,omitempty"`
	// The SDK of Ory Hydra v2 does not decode a document without these two.
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
	RequestURIParameter bool `json:"request_uri_parameter_supported"` // true if it is left out
	RequestURIsKnown    bool `json:"require_request_uri_registration,omitempty"`
	// Unsigned objects are taken from clients that registered to send them. That is
	// not said, since it would be read as being so for all.
	RequestObjectAlgs []string `json:"request_object_signing_alg_values_supported,omitempty"`
	IssParameter      bool     `json:"authorization_response_iss_parameter_supported"`

	FrontchannelLogout        bool `json:"frontchannel_logout_supported"`
	FrontchannelLogoutSession bool `json:"frontchannel_logout_session_supported"`
	BackchannelLogout         bool `json:"backchannel_logout_supported"`
	BackchannelLogoutSession  bool `json:"backchannel_logout_session_supported"`
}

// protocolClaims are the claims of ID tokens that say nothing about a user but who it
// is.
func protocolClaims() []string {
	return []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"}
}

// Discovery serves the metadata from memory. Its scopes and claims are those that the
// operator has declared; while these cannot be read, it says what it said before.
type Discovery struct {
	capabilities Capabilities
	scopes       scope.Source
	now          func() time.Time

	mu        sync.Mutex
	published published
	retryAt   time.Time
}

// published is the document of a set of scopes.
type published struct {
	scopes *scope.Set
	body   []byte
	etag   string
}

const (
	scopesPatience = 500 * time.Millisecond // for reading the scopes
	scopesRetry    = 2 * time.Second        // after they could not be read
)

// NewDiscovery builds the document.
func NewDiscovery(ctx context.Context, c Capabilities, scopes scope.Source, now func() time.Time) (*Discovery, error) {
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" {
		return nil, errors.New("build discovery: the issuer must be a URL without query and fragment")
	}
	known, err := scopes.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("build discovery: %w", err)
	}
	d := &Discovery{capabilities: c, scopes: scopes, now: now}
	d.published, err = d.publish(known)
	return d, err
}

func (d *Discovery) publish(known *scope.Set) (published, error) {
	c := d.capabilities
	extra := slices.DeleteFunc(slices.Clone(c.Scopes), func(name string) bool { return known.Get(name) != nil })
	c.Scopes, c.claims = append(known.Names(), extra...), known.Claims(scope.IDToken, scope.Userinfo)
	body, err := json.Marshal(c.document())
	if err != nil {
		return published{}, fmt.Errorf("build discovery: %w", err)
	}
	sum := sha256.Sum256(body)
	return published{scopes: known, body: body, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

// current returns the document of the scopes as they are, or the one before.
func (d *Discovery) current(ctx context.Context) published {
	d.mu.Lock()
	latest, wait := d.published, d.now().Before(d.retryAt)
	d.mu.Unlock()
	if wait {
		return latest
	}
	ctx, cancel := context.WithTimeout(ctx, scopesPatience)
	defer cancel()
	known, err := d.scopes.Scopes(ctx)
	if err == nil && known == latest.scopes {
		return latest
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err == nil {
		latest, err = d.publish(known)
	}
	if err != nil {
		d.retryAt = d.now().Add(scopesRetry)
		return d.published
	}
	d.published = latest
	return latest
}

func (c Capabilities) document() *document {
	at := func(path string) string {
		if path == "" {
			return ""
		}
		return strings.TrimRight(c.Issuer, "/") + path
	}
	where := func(endpoint string, list []string) []string {
		if endpoint == "" {
			return nil
		}
		return list
	}
	userinfo := append([]string{"none"}, c.SigningAlgs...)

	return &document{
		Issuer:        c.Issuer,
		Authorization: at(c.Authorization),
		Token:         at(c.Token), Device: at(c.DeviceAuthorization),
		Userinfo:      at(c.Userinfo),
		JWKS:          at(c.JWKS),
		Introspection: at(c.Introspection),
		Revocation:    at(c.Revocation),
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
		UserinfoAlgs:      where(c.Userinfo, userinfo),
		HydraIDTokenAlgs:  c.SigningAlgs,
		HydraUserinfoAlgs: userinfo,

		IDTokenEncryptionAlgs:  c.IDTokenEncryptionAlgs,
		IDTokenEncryptionEncs:  c.IDTokenEncryptionEncs,
		UserinfoEncryptionAlgs: where(c.Userinfo, c.UserinfoEncryptionAlgs),
		UserinfoEncryptionEncs: where(c.Userinfo, c.UserinfoEncryptionEncs),

		TokenAuth:         c.AuthMethods,
		TokenAuthAlgs:     c.AuthSigningAlgs,
		IntrospectionAuth: where(c.Introspection, c.IntrospectionAuthMethods),
		IntrospectionAlgs: where(c.Introspection, c.AuthSigningAlgs),
		RevocationAuth:    where(c.Revocation, c.RevocationAuthMethods),
		RevocationAlgs:    where(c.Revocation, c.AuthSigningAlgs),

		ClaimsParameter:     true,
		RequestParameter:    len(c.RequestObjectAlgs) > 0,
		RequestURIParameter: len(c.RequestObjectAlgs) > 0,
		RequestURIsKnown:    len(c.RequestObjectAlgs) > 0,
		RequestObjectAlgs:   c.RequestObjectAlgs,
		IssParameter:        true,

		FrontchannelLogout:        c.EndSession != "",
		FrontchannelLogoutSession: c.EndSession != "",
		BackchannelLogout:         c.EndSession != "",
		BackchannelLogoutSession:  c.EndSession != "",
	}
}

// ServeHTTP serves GET /.well-known/openid-configuration and GET
// /.well-known/oauth-authorization-server.
//
// Spec: OpenID Connect Discovery section 4; RFC 8414 section 3.
func (d *Discovery) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	document := d.current(r.Context())
	head := w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "public, max-age=300")
	head.Set("ETag", document.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(document.body))
}
