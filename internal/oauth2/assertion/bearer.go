// Package assertion reads the assertions that issuers make whom the operator trusts, and
// for which clients get access tokens.
//
// It knows what an assertion must say, whose key must have signed it, and that it
// serves once. Whose word counts for what is the operator's decision: an
// [trustedissuer.Trust].
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

	"github.com/ostiary/ostiary/internal/oauth2/jws"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

const (
	// leeway is how far ahead of ours an issuer's clock may be. An assertion gets no
	// time beyond its exp.
	leeway = 10 * time.Second
	// maxJTI is the greatest number of characters of a jti, maxSubject of bytes of a sub.
	maxJTI     = 256
	maxSubject = 255
	// replayKind tells the one-time values of these assertions from others.
	replayKind = "jwt_bearer"
)

// Trusts finds whose word counts.
type Trusts interface {
	// TrustsFor returns what there is of trust in what an issuer says of a subject, and
	// whether that is barred: a disabled account or a client_id.
	TrustsFor(ctx context.Context, iss, subject string, now time.Time) (list []*trustedissuer.Trust, barred bool, err error)
}

// Replay remembers what serves once.
type Replay interface {
	ClaimOnce(ctx context.Context, kind, owner, key string, until, now time.Time) (bool, error)
}

// Reader reads assertions.
type Reader struct {
	Issuer, TokenEndpoint string // whom an assertion must be for
	Trusts                Trusts
	Replay                Replay
	MaxTTL                time.Duration // from its iat, or now, to its exp
	NoIAT                 bool          // it may come without
}

// Assertion is one that a trusted issuer has made. Until it is spent it may come again.
type Assertion struct {
	Subject string
	Trust   *trustedissuer.Trust

	jti     string
	expires time.Time
}

// Open reads an assertion. What it says is judged first, since that costs nothing.
//
// Spec: RFC 7521 section 5.2; RFC 7523 section 3; RFC 8725 section 3.
func (r *Reader) Open(ctx context.Context, compact string, now time.Time) (*Assertion, error) {
	assertion, err := jws.Parse(compact)
	switch {
	case err != nil:
		return nil, invalid(err.Error())
	case !slices.Contains(jws.Algorithms(), assertion.Alg):
		return nil, invalid("has an alg other than " + strings.Join(jws.Algorithms(), ", "))
	case !assertion.Typed("jwt"):
		return nil, invalid("has a typ for another use")
	}
	said, err := r.judge(assertion.Payload, now)
	if err != nil {
		return nil, err
	}
	trusts, barred, err := r.Trusts.TrustsFor(ctx, assertion.Payload.Text("iss"), said.Subject, now)
	if err != nil {
		return nil, fmt.Errorf("find trust in issuer: %w", err)
	}
	if said.Trust, err = signer(assertion, trusts); err != nil {
		return nil, err
	}
	if barred {
		return nil, invalid("is for a subject whose account is disabled, or that is the client_id of a client")
	}
	return said, nil
}

// judge checks what can be known of the claims without knowing the issuer.
func (r *Reader) judge(payload jws.Object, now time.Time) (*Assertion, error) {
	subject, jti := payload.Text("sub"), payload.Text("jti")
	expires, timed := payload.Date("exp")
	switch {
	case payload.Text("iss") == "":
		return nil, invalid("lacks an iss")
	case subject == "" || len(subject) > maxSubject:
		return nil, invalid("must have a sub of 1 to 255 bytes")
	case !r.meant(payload["aud"]):
		// One alone: an assertion for several could be used here by any of them.
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
		return nil, invalid("lasts longer than is taken here, " + r.MaxTTL.String())
	}
	if from, ok := payload.Date("nbf"); payload.Has("nbf") && (!ok || from.After(now.Add(leeway))) {
		return nil, invalid("is not good yet")
	}
	return &Assertion{Subject: subject, jti: jti, expires: expires}, nil
}

// meant reports whether an assertion is for this server and nobody else.
func (r *Reader) meant(audience any) bool {
	if list, ok := audience.([]any); ok && len(list) == 1 {
		audience = list[0]
	}
	return audience == r.Issuer || audience == r.TokenEndpoint
}

// signer returns the trust whose key made the signature: that in the subject alone
// before that in anybody. Whatever else there is of trust, the key decides how far the
// word goes.
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
		return nil, invalid("comes of an issuer, subject or key that is not trusted")
	}
	return nil, invalid(why.Error())
}

// Spend uses up the assertion: of any number of callers one succeeds. It stays
// remembered for longer than it lives, because the clocks of two replicas differ.
func (r *Reader) Spend(ctx context.Context, a *Assertion, now time.Time) error {
	first, err := r.Replay.ClaimOnce(ctx, replayKind, a.Trust.Issuer, a.jti, a.expires.Add(leeway), now)
	if err != nil {
		return fmt.Errorf("spend assertion: %w", err)
	}
	if !first {
		return invalid("has been used before")
	}
	return nil
}
