// Package dpop verifies DPoP proofs: JWTs with which a client proves that it has the private key to
// which its tokens are bound.
//
// Spec: RFC 9449.
package dpop

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/onetime"
	"github.com/ostiary/ostiary/internal/profile"
	"github.com/ostiary/ostiary/internal/refusal"
)

const (
	// Header is the name of the HTTP header with the proof.
	Header = "DPoP"
	// NonceHeader is the name of the header of responses with the nonce for the next proof.
	NonceHeader = "DPoP-Nonce"
	// Scheme is the authentication scheme of bound access tokens, and their token_type.
	Scheme = "DPoP"

	// maxAge and maxAhead bound the iat of a proof without a nonce.
	maxAge   = time.Minute
	maxAhead = 10 * time.Second
	// replicaSkew is the difference of the clocks of replicas for which a used proof is kept longer.
	replicaSkew = 10 * time.Second
	// longestUse is the longest time for which a proof is kept.
	longestUse = 2*nonceLifetime + maxAhead + replicaSkew
	// maxJTI is the maximum length of a jti in characters.
	maxJTI = 128
	// replayKind separates used proofs from other one-time values.
	replayKind = "dpop_proof"
)

var (
	// ErrInvalid reports a proof that is malformed, not for this request, or used before.
	ErrInvalid = errors.New("the DPoP proof is not valid")
	// ErrNonce reports a proof without a current nonce.
	ErrNonce = errors.New("the DPoP proof needs a nonce of this server")
)

// Algorithms returns the algorithms of proofs.
func Algorithms() []string { return jws.Algorithms() }

// Proof is a verified proof.
type Proof struct {
	// Thumbprint is the SHA-256 thumbprint of the key (RFC 7638), in base64url.
	Thumbprint string
	// Algorithm is the algorithm of the signature.
	Algorithm string
}

// Replay holds the proofs that were used.
type Replay = onetime.Claimer

// Need has the requirements of a request for its proof.
type Need struct {
	// URL is the URL of the endpoint that is published to clients.
	URL string
	// AccessToken is the token that the request presents; empty at the authorization server.
	AccessToken string
	// Nonce requires a nonce.
	Nonce bool
	// Profile is the security profile of the client.
	Profile profile.Profile
}

// Verifier verifies proofs. All of its members but Alias are set.
type Verifier struct {
	Nonces *Nonces
	Replay Replay
	// Alias returns the URL of an endpoint for clients with a certificate, which a proof may have too;
	// empty for none. It is nil without mutual TLS.
	Alias func(endpoint string) string
	Now   func() time.Time
}

// Verify returns the proof of a request, nil if there is no DPoP header. Its errors are [ErrInvalid] and
// [ErrNonce], and those of Replay. A proof is used up by it: the second call with one is an error.
//
// Spec: RFC 9449 §4.3, §8, §9, §11.1.
func (v *Verifier) Verify(ctx context.Context, r *http.Request, need Need) (*Proof, error) {
	headers := r.Header.Values(Header)
	switch len(headers) {
	case 0:
		return nil, nil
	case 1:
	default:
		return nil, invalid(refusal.DPoPInvalid, "the request has more than one DPoP header")
	}
	proof, err := jws.Parse(headers[0])
	if err != nil {
		return nil, invalid(refusal.DPoPInvalid, "the DPoP proof "+err.Error())
	}
	now := v.Now()
	if err := v.checkClaims(proof, r.Method, need); err != nil {
		return nil, err
	}
	if rule, required := need.Profile.Requires(profile.Algorithms); required && !need.Profile.AllowsAlgorithm(proof.Alg) {
		return nil, refusal.ByProfile(rule).WithError(ErrInvalid)
	}
	until, err := v.checkTime(proof, need.Nonce, now)
	if err != nil {
		return nil, err
	}
	thumbprint, err := verifySignature(proof)
	if err != nil {
		return nil, err
	}
	err = onetime.Claim(ctx, v.Replay, &onetime.Value{
		Kind: replayKind, Owner: thumbprint, Key: proof.Payload.Text("jti"), Until: until,
		Used: invalid(refusal.DPoPReplayed, "the DPoP proof was used before"),
	}, now)
	if err != nil {
		return nil, err
	}
	return &Proof{Thumbprint: thumbprint, Algorithm: proof.Alg}, nil
}

// checkClaims checks what does not depend on the time.
func (v *Verifier) checkClaims(proof *jws.JWS, method string, need Need) error {
	jti, htu := proof.Payload.Text("jti"), proof.Payload.Text("htu")
	switch {
	case !strings.EqualFold(proof.Header.Text("typ"), "dpop+jwt"):
		return invalid(refusal.DPoPInvalid, "the typ of the DPoP proof is not dpop+jwt")
	case jti == "" || utf8.RuneCountInString(jti) > maxJTI:
		return invalid(refusal.DPoPInvalid, "the jti of the DPoP proof does not have 1 to 128 characters")
	case proof.Payload.Text("htm") != method:
		return invalid(refusal.DPoPInvalid, "the htm of the DPoP proof is not the method of the request")
	case !v.isEndpoint(htu, need.URL):
		return invalid(refusal.DPoPInvalid, "the htu of the DPoP proof is not the URL of the endpoint",
			refusal.Received("received_htu", htu), refusal.Registered("endpoint_url", need.URL))
	case need.AccessToken != "" && proof.Payload.Text("ath") != hash(need.AccessToken):
		return invalid(refusal.DPoPInvalid, "the ath of the DPoP proof is not the hash of the access token")
	}
	return nil
}

// checkTime checks iat or, if a nonce is required, the nonce: the client then needs no clock. It
// returns until when the proof could be used again.
func (v *Verifier) checkTime(proof *jws.JWS, nonceRequired bool, now time.Time) (until time.Time, err error) {
	at, ok := proof.Payload.Date("iat")
	switch {
	case !ok:
		return time.Time{}, invalid(refusal.DPoPInvalid, "the DPoP proof has no iat")
	case nonceRequired && !v.Nonces.isValid(proof.Payload.Text("nonce")):
		return time.Time{}, refusal.Wrap(ErrNonce, refusal.DPoPNonce, "the DPoP proof has no current nonce of this server")
	case nonceRequired:
		return now.Add(longestUse), nil
	case at.Before(now.Add(-maxAge)) || at.After(now.Add(maxAhead)):
		return time.Time{}, invalid(refusal.DPoPInvalid, "the iat of the DPoP proof is more than 60 s ago, or more than 10 s ahead",
			refusal.At("issued_at", at), refusal.At("received_at", now))
	}
	return at.Add(maxAge + replicaSkew), nil
}

// verifySignature returns the thumbprint of the key in the header, which made the signature.
func verifySignature(proof *jws.JWS) (thumbprint string, err error) {
	members, _ := proof.Header["jwk"].(map[string]any)
	key, thumbprint, ok := publicKey(members)
	if !ok {
		return "", invalid(refusal.DPoPInvalid, "the jwk of the DPoP proof is not a public key that is supported: EC P-256, Ed25519 or RSA")
	}
	if alg := jws.Object(members).Text("alg"); alg != "" && alg != proof.Header.Text("alg") {
		return "", invalid(refusal.DPoPInvalid, "the alg of the DPoP proof is not that of its jwk")
	}
	if err := proof.Verify([]jose.JSONWebKey{{Key: key, KeyID: proof.KID}}); err != nil {
		if errors.Is(err, jws.ErrNoKey) {
			return "", invalid(refusal.DPoPInvalid, "the alg of the DPoP proof is not supported, or not that of its key: "+strings.Join(Algorithms(), ", "))
		}
		return "", invalid(refusal.DPoPInvalid, "the DPoP proof "+err.Error())
	}
	return thumbprint, nil
}

// isEndpoint reports whether htu is the URL of the endpoint, or its alias for clients with a certificate.
func (v *Verifier) isEndpoint(htu, endpoint string) bool {
	return isURL(htu, endpoint) || v.Alias != nil && isURL(htu, v.Alias(endpoint))
}

// isURL reports whether htu is the URL of the endpoint, without regard to query, fragment, default
// port, and the case of scheme and host.
//
// Spec: RFC 9449 §4.3, RFC 3986 §6.2.2, §6.2.3.
func isURL(htu, endpoint string) bool {
	got, err := url.Parse(htu)
	if err != nil || got.User != nil || got.Opaque != "" {
		return false
	}
	want, err := url.Parse(endpoint)
	return err == nil && want.Host != "" && strings.EqualFold(got.Scheme, want.Scheme) && strings.EqualFold(got.Hostname(), want.Hostname()) &&
		portOf(got) == portOf(want) && got.EscapedPath() == want.EscapedPath()
}

func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	default:
		return "80"
	}
}

func invalid(rule refusal.Rule, text string, attrs ...refusal.Attr) error {
	return refusal.Wrap(ErrInvalid, rule, text, attrs...)
}
