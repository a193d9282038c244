// Package assertion verifies the JWT bearer assertions of trusted issuers, for which clients
// get access tokens.
//
// It checks the claims, the signing key and that an assertion is used once. The operator
// decides which issuers are trusted and for what: see [trustedissuer.Trust].
package assertion

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

const (
	// leeway is the tolerated clock skew of an issuer. It does not extend the exp of an
	// assertion.
	leeway = 10 * time.Second
	// maxJTI is the maximum length of a jti in characters, maxSubject of a sub in bytes.
	maxJTI     = 256
	maxSubject = 255
	// replayKind separates the one-time values of these assertions from others.
	replayKind = "jwt_bearer"
)

// Trusts finds trusted issuers.
type Trusts interface {
	// TrustsFor returns the trusts for an issuer and a subject, and whether the subject is
	// blocked: a disabled account or a client_id.
	TrustsFor(ctx context.Context, iss, subject string, now time.Time) (list []*trustedissuer.Trust, rejected bool, err error)
}

// Replay records one-time values.
type Replay interface {
	ClaimOnce(ctx context.Context, kind, owner, key string, until, now time.Time) (bool, error)
}

// Reader verifies assertions.
type Reader struct {
	Issuer, TokenEndpoint string // accepted audiences
	Trusts                Trusts
	Replay                Replay
	MaxTTL                time.Duration // from its iat, or now, to its exp
	NoIAT                 bool          // it may come without
}

// Assertion is a verified assertion of a trusted issuer. It can be sent again until it is
// redeemed.
type Assertion struct {
	Subject string
	Trust   *trustedissuer.Trust
	Expires time.Time

	jti string
}

// Open verifies an assertion. It checks the claims first, since that needs no query.
//
// Spec: RFC 7521 §5.2, RFC 7523 §3, RFC 8725 §3.
func (r *Reader) Open(ctx context.Context, compact string, now time.Time) (*Assertion, error) {
	assertion, err := jws.Parse(compact)
	switch {
	case err != nil:
		return nil, invalid(err.Error())
	case !slices.Contains(jws.Algorithms(), assertion.Alg):
		return nil, invalid("has an alg other than " + strings.Join(jws.Algorithms(), ", "))
	case !assertion.Typed("jwt"):
		return nil, invalid("has a typ that is not accepted here")
	}
	parsed, err := r.judge(assertion.Payload, now)
	if err != nil {
		return nil, err
	}
	trusts, rejected, err := r.Trusts.TrustsFor(ctx, assertion.Payload.Text("iss"), parsed.Subject, now)
	if err != nil {
		return nil, fmt.Errorf("find trusted issuer: %w", err)
	}
	if parsed.Trust, err = signer(assertion, trusts); err != nil {
		return nil, err
	}
	if rejected {
		return nil, invalid("is for a subject whose account is disabled, or that is the client_id of a client")
	}
	return parsed, nil
}

// judge checks the claims that do not depend on the issuer.
func (r *Reader) judge(payload jws.Object, now time.Time) (*Assertion, error) {
	subject, jti := payload.Text("sub"), payload.Text("jti")
	expires, timed := payload.Date("exp")
	switch {
	case payload.Text("iss") == "":
		return nil, invalid("lacks an iss")
	case subject == "" || len(subject) > maxSubject:
		return nil, invalid("must have a sub of 1 to 255 bytes")
	case !r.meant(payload["aud"]):
		// Only one audience: any other audience could replay the assertion here.
		return nil, invalid("must have the issuer or the token endpoint, and nothing else, as aud")
	case !timed:
		return nil, invalid("must have a number as exp")
	case !expires.After(now):
		return nil, invalid("has expired")
	case jti == "" || utf8.RuneCountInString(jti) > maxJTI:
		return nil, invalid("must have a jti of 1 to 256 characters")
	}
	issuedAt, dated := payload.Date("iat")
	switch {
	case !dated && (payload.Has("iat") || !r.NoIAT):
		return nil, invalid("must have a number as iat")
	case !dated:
		issuedAt = now
	case issuedAt.After(now.Add(leeway)):
		return nil, invalid("has an iat in the future")
	}
	if expires.Sub(issuedAt) > r.MaxTTL {
		return nil, invalid("has a lifetime above the maximum of " + r.MaxTTL.String())
	}
	if from, ok := payload.Date("nbf"); payload.Has("nbf") && (!ok || from.After(now.Add(leeway))) {
		return nil, invalid("is not valid yet")
	}
	return &Assertion{Subject: subject, Expires: expires, jti: jti}, nil
}

// meant reports whether this server is the only audience of an assertion.
func (r *Reader) meant(audience any) bool {
	if list, ok := audience.([]any); ok && len(list) == 1 {
		audience = list[0]
	}
	return audience == r.Issuer || audience == r.TokenEndpoint
}

// signer returns the trust whose key made the signature. A trust for the subject takes
// precedence over one for any subject. The key decides which scopes are allowed.
func signer(assertion *jws.JWS, trusts []*trustedissuer.Trust) (*trustedissuer.Trust, error) {
	why, tried := jws.ErrNoKey, 0
	for _, t := range trusts {
		err := assertion.Verify([]jose.JSONWebKey{t.Key})
		if err == nil {
			return t, nil
		}
		if errors.Is(err, jws.ErrSignature) {
			why = err
			if tried++; tried == jws.MaxTries {
				break
			}
		}
	}
	if errors.Is(why, jws.ErrNoKey) {
		return nil, invalid("has an issuer, subject or key that is not trusted")
	}
	return nil, invalid(why.Error())
}

// Spend redeems the assertion: of concurrent calls one succeeds. The jti is kept for longer
// than the assertion is valid, to tolerate clock skew between replicas.
func (r *Reader) Spend(ctx context.Context, a *Assertion, now time.Time) error {
	first, err := r.Replay.ClaimOnce(ctx, replayKind, a.Trust.Issuer, a.jti, a.Expires.Add(leeway), now)
	if err != nil {
		return fmt.Errorf("redeem assertion: %w", err)
	}
	if !first {
		return invalid("has been used before")
	}
	return nil
}
