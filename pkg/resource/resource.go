// Package resource validates OAuth 2.0 access tokens in services, the resource servers of OAuth.
//
// A [Server] checks requests to one protected resource: that the token is active and meant for the
// resource, that the sender has the key to which the token is bound (DPoP or mutual TLS), that it has
// the scopes, and that its user has authenticated strongly and recently enough. Whether a token is
// active is decided by a [Lookup]: [JWT] verifies signed tokens with the keys of the issuer, and
// [Introspection] asks the issuer.
//
// [Server.Require] is middleware. [Server.Authenticate] and [Server.Authorize] are its two halves, for
// services with a router of another kind.
//
// Spec: RFC 6750, RFC 7662, RFC 8705, RFC 9068, RFC 9449, RFC 9470, RFC 9728.
package resource

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Replay holds the DPoP proofs that were used.
type Replay interface {
	// ClaimOnce reports whether this is the first call with the key of an owner and kind. It needs to
	// remember the call until the time until.
	ClaimOnce(ctx context.Context, kind, owner, key string, until, now time.Time) (bool, error)
}

// Config configures a [Server]. Resource and Tokens are required.
type Config struct {
	// Resource is the identifier of the resource, an absolute URL without fragment. Clients name it in
	// the parameter resource (RFC 8707 section 2), and it is the start of the URLs of the service.
	Resource string
	// Audience are the accepted values of aud: a token has one of them. The default is Resource alone.
	Audience []string
	// Tokens finds out whether tokens are active.
	Tokens Lookup

	// FormBody also accepts the token as the parameter access_token of a POST form (RFC 6750 section
	// 2.2), which the caller has parsed.
	FormBody bool
	// RequireBinding rejects tokens that are not bound to a key.
	RequireBinding bool

	// NonceKeys are secrets of 32 bytes for the nonces of DPoP proofs: the first makes them, and all are
	// accepted, so that replicas share them and they can be rotated. Without keys, proofs need no nonce.
	//
	// Spec: RFC 9449 §9.
	NonceKeys [][]byte
	// RequiresNonce reports whether the proofs for a token need a nonce. The default is all.
	RequiresNonce func(context.Context, *Token) (bool, error)
	// AllowsProof returns [ErrInactive] if the algorithm of the proof for a token is not allowed. The default
	// allows PS256, ES256, EdDSA and RS256.
	AllowsProof func(ctx context.Context, token *Token, algorithm string) error
	// Replay holds the used proofs. The default is a bounded set in this process.
	Replay Replay
	// URL returns the URL of a request as clients know it, for htu of DPoP proofs. The default is the
	// scheme and host of Resource with the path of the request. The Host header is never used. For an empty URL the resource rejects
	// tokens that are bound to a key of proofs.
	URL func(*http.Request) string
	// Alias returns another URL of an endpoint that htu may have, such as that for clients with a
	// certificate; empty for none. It may be nil.
	Alias func(url string) string

	// Certificate returns the client certificate of a request, nil for none. The default is that of the
	// TLS connection. Behind a proxy it reads the header of the proxy, which must remove the header of
	// other senders.
	Certificate func(*http.Request) *x509.Certificate

	// SatisfiesACR reports whether the acr of a token satisfies one of the values. The default compares
	// them for equality.
	SatisfiesACR func(acr string, values []string) bool

	// Realm is the realm of challenges. It may be empty.
	Realm string
	// AuthorizationServers are the issuer identifiers of the servers whose tokens the resource accepts.
	// They are for the metadata of the resource, as are the members below. If there are any, challenges
	// name the URL of the metadata, at which the service mounts [Server.MetadataHandler].
	//
	// Spec: RFC 9728 §2, §5.1.
	AuthorizationServers []string
	Scopes               []string // that clients may need
	Name                 string   // for users
	Documentation        string   // a URL for developers
	// CertificateBoundTokens announces that the resource checks tokens that are bound to a client
	// certificate: its connections ask for one.
	CertificateBoundTokens bool
	// Now returns the time. The default is [time.Now].
	Now func() time.Time
}

// nonceKeySize is the minimum size of a nonce key, in bytes.
const nonceKeySize = 32

// Server checks the requests to a protected resource. It is safe for concurrent use.
type Server struct {
	config      Config
	origin      string // of Resource
	metadataURL string // empty without metadata
	proofs      *dpop.Verifier
}

// Need is what an operation requires of the token of a request.
type Need struct {
	// Scopes are required all together.
	Scopes []string
	// ACRValues are the accepted authentication context classes, in order of preference; empty for any.
	ACRValues []string
	// MaxAge is the longest time since the user authenticated; nil for any.
	MaxAge *time.Duration
}

// New returns a server for a resource.
func New(c Config) (*Server, error) {
	at, err := url.Parse(c.Resource)
	if err != nil || at.Scheme == "" || at.Host == "" || at.Fragment != "" {
		return nil, fmt.Errorf("invalid resource %q: it must be an absolute URL without fragment", c.Resource)
	}
	if c.Tokens == nil {
		return nil, errors.New("invalid configuration: Tokens is not set")
	}
	if slices.ContainsFunc(c.NonceKeys, func(key []byte) bool { return len(key) < nonceKeySize }) {
		return nil, fmt.Errorf("invalid NonceKeys: a key has less than %d bytes", nonceKeySize)
	}
	s := &Server{config: c, origin: at.Scheme + "://" + at.Host}
	if len(c.Audience) == 0 {
		s.config.Audience = []string{c.Resource}
	}
	if len(c.AuthorizationServers) > 0 {
		s.metadataURL = MetadataURL(c.Resource)
	}
	if c.Now == nil {
		s.config.Now = time.Now //nolint:forbidigo // the default of the injected clock
	}
	if c.Replay == nil {
		s.config.Replay = &dpop.Seen{}
	}
	if c.URL == nil {
		s.config.URL = func(r *http.Request) string { return s.origin + r.URL.EscapedPath() }
	}
	if c.Certificate == nil {
		s.config.Certificate = connectionCertificate
	}
	if c.SatisfiesACR == nil {
		s.config.SatisfiesACR = func(acr string, values []string) bool { return slices.Contains(values, acr) }
	}
	s.proofs = &dpop.Verifier{Replay: s.config.Replay, Alias: c.Alias, Now: s.config.Now}
	if len(c.NonceKeys) > 0 {
		s.proofs.Nonces = dpop.NewNonces(c.NonceKeys, s.config.Now)
	}
	return s, nil
}

// connectionCertificate returns the client certificate of the TLS connection, nil for none.
func connectionCertificate(r *http.Request) *x509.Certificate {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return nil
	}
	return r.TLS.PeerCertificates[0]
}

// Authenticate returns the access token of a request: active, meant for this resource, and sent by the
// holder of the key to which it is bound. It sets headers of the response in header, such as the nonce
// for the next DPoP proof. A rejected request is an [*Error]; other errors mean that it cannot be
// decided now.
//
// Spec: RFC 6750 §2, RFC 9068 §4, RFC 9449 §7, RFC 8705 §3.
func (s *Server) Authenticate(header http.Header, r *http.Request) (*Token, error) {
	presented, err := s.presented(r)
	if err != nil {
		return nil, err
	}
	token, err := s.config.Tokens.Lookup(r.Context(), presented.Token)
	switch {
	case errors.Is(err, ErrInactive):
		return nil, s.invalidToken(presented.DPoP, err)
	case err != nil:
		return nil, fmt.Errorf("look up token: %w", err)
	}
	if !slices.ContainsFunc(token.Audience, func(a string) bool { return slices.Contains(s.config.Audience, a) }) {
		return nil, s.invalidToken(presented.DPoP, refusal.Wrap(ErrInactive, refusal.TokenAudience, "the token is for another resource, and not for this one",
			refusal.Registered("audience", strings.Join(token.Audience, " "))))
	}
	if err := s.checkPossession(header, r, token, presented); err != nil {
		return nil, err
	}
	return token, nil
}

// presented returns the token of a request.
func (s *Server) presented(r *http.Request) (httpapi.Presented, error) {
	if s.config.FormBody {
		presented, err := httpapi.AccessToken(r)
		return presented, s.unpresented(err)
	}
	if r.URL.Query().Has("access_token") {
		return httpapi.Presented{}, s.unpresented(httpapi.ErrAmbiguousToken)
	}
	presented, err := httpapi.PresentedToken(r)
	return presented, s.unpresented(err)
}

// Authorize returns an [*Error] unless an authenticated token satisfies need. A token without auth_time
// is too old for any age.
//
// Spec: RFC 6750 §3.1, RFC 9470 §3, §5, §6.
func (s *Server) Authorize(token *Token, need Need) error {
	switch {
	case !token.Allows(need.Scopes...):
		return s.insufficientScope(token, need)
	case len(need.ACRValues) > 0 && !s.config.SatisfiesACR(token.ACR, need.ACRValues):
		return s.insufficientAuthentication(token, need, "A stronger authentication of the user is required.")
	case need.MaxAge != nil && (token.AuthTime.IsZero() || s.config.Now().Unix()-token.AuthTime.Unix() > int64(need.MaxAge.Seconds())):
		return s.insufficientAuthentication(token, need, "A more recent authentication of the user is required.")
	}
	return nil
}
