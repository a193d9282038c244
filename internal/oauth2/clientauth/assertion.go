package clientauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/onetime"
	"github.com/ostiary/ostiary/internal/refusal"
)

const (
	// maxAhead is the maximum time for which an assertion can be used, and its jti is stored.
	// An assertion with a later exp ends maxAhead after its iat.
	maxAhead = 5 * time.Minute
	// maxLifetime is the maximum time between iat and exp. Authlib and zitadel/oidc create
	// assertions of one hour.
	maxLifetime = time.Hour
	// leeway is the tolerated clock skew of a client. It does not extend the exp of an
	// assertion.
	leeway = 10 * time.Second
	// maxJTI is the maximum length of a jti in characters.
	maxJTI = 256
	// replayKind separates the one-time values of assertions from others.
	replayKind = "client_assertion"
)

// claims are the checked claims of an assertion.
type claims struct {
	subject string
	jti     string
	expires time.Time
}

// byAssertion authenticates with private_key_jwt or client_secret_jwt.
//
// It checks the claims first, since that needs no query, and redeems the jti last, so that
// only the client can redeem it.
//
// Spec: RFC 7523 §3, OpenID Connect Core §9, RFC 8725 §3.
func (a *Authenticator) byAssertion(ctx context.Context, cred credentials) (*client.Client, error) {
	now := a.cfg.Now()
	assertion, err := parse(cred.assertion)
	if err != nil {
		return nil, err
	}
	parsed, err := a.judge(assertion.Payload, now)
	if err != nil {
		return nil, err
	}
	if cred.id != "" && cred.id != parsed.subject {
		return nil, malformed("client_id is not the client of the assertion", refusal.AuthMalformed)
	}
	c, err := a.lookup(ctx, parsed.subject)
	if err != nil {
		return nil, err
	}
	if err := a.verify(ctx, c, assertion); err != nil {
		return nil, err
	}
	if err := a.checkAssertionProfile(c, assertion); err != nil {
		return nil, err
	}
	if err := a.spend(ctx, parsed, now); err != nil {
		return nil, err
	}
	return c, nil
}

// parse parses an assertion and checks its header.
//
// Spec: RFC 8725 §3.1, §3.11.
func parse(compact string) (*jws.JWS, error) {
	assertion, err := jws.Parse(compact)
	switch {
	case err != nil:
		return nil, unacceptable("the assertion "+err.Error(), refusal.AuthFailed)
	case !assertion.MAC() && !slices.Contains(jws.Algorithms(), assertion.Alg):
		return nil, unacceptable("alg of the assertion must be "+strings.Join(slices.Concat(jws.Algorithms(), jws.MACs()), ", "), refusal.AuthFailed)
	case !assertion.Typed("jwt", "client-authentication+jwt"): // the second is rfc7523bis's
		return nil, unacceptable("typ of the assertion is not accepted here", refusal.AuthFailed)
	}
	return assertion, nil
}

// judge checks the claims that do not depend on the client.
//
// Spec: RFC 7523 §3, RFC 10070.
func (a *Authenticator) judge(payload jws.Object, now time.Time) (claims, error) {
	subject, jti := payload.Text("sub"), payload.Text("jti")
	switch {
	case !validID(subject) || payload.Text("iss") != subject:
		return claims{}, unacceptable("iss and sub of the assertion must be the client_id", refusal.AuthFailed)
	case !a.isAudience(payload["aud"]):
		return claims{}, unacceptable("aud of the assertion must be the issuer"+a.otherAudiences()+", and nothing else", refusal.AssertionAudience)
	case jti == "" || utf8.RuneCountInString(jti) > maxJTI:
		return claims{}, unacceptable("jti of the assertion must have 1 to 256 characters", refusal.AuthFailed)
	}
	for _, name := range []string{"iat", "nbf"} {
		if !payload.Has(name) {
			continue
		}
		if from, ok := payload.Date(name); !ok || from.After(now.Add(leeway)) {
			return claims{}, unacceptable(name+" of the assertion must be a number and not in the future", refusal.AuthFailed)
		}
	}
	expires, err := end(payload, now)
	if err != nil {
		return claims{}, err
	}
	return claims{subject: subject, jti: jti, expires: expires}, nil
}

// end returns the time after which an assertion cannot be used: its exp or, if it has an iat
// and a lifetime above maxAhead, maxAhead after its iat. The result does not depend on now, so
// that an assertion cannot be replayed between the removal of its jti and its exp.
func end(payload jws.Object, now time.Time) (time.Time, error) {
	expires, timed := payload.Date("exp")
	if !timed {
		return time.Time{}, unacceptable("exp of the assertion must be a number", refusal.AuthFailed)
	}
	issued, dated := payload.Date("iat")
	far := expires.After(now.Add(maxAhead + leeway))
	long := dated && expires.After(issued.Add(maxLifetime))
	switch {
	case far && !dated:
		return time.Time{}, unacceptable("the assertion expires more than 5 minutes ahead and has no iat", refusal.AuthFailed)
	case far && long:
		return time.Time{}, unacceptable("the assertion lasts longer than an hour", refusal.AuthFailed)
	case dated && !long && expires.After(issued.Add(maxAhead)):
		expires = issued.Add(maxAhead)
	}
	if !expires.After(now) {
		return time.Time{}, unacceptable("the assertion has expired, or its iat is more than 5 minutes ago", refusal.AssertionExpired)
	}
	return expires, nil
}

// isAudience reports whether this server is the only audience: another audience could replay
// the assertion here. The aud is a string or a list, or only a list if the issuer must be the
// only audience.
func (a *Authenticator) isAudience(aud any) bool {
	list, several := aud.([]any)
	if !several {
		list = []any{aud}
	}
	if len(list) == 0 || len(list) > 1 && a.cfg.IssuerAudience {
		return false
	}
	return !slices.ContainsFunc(list, func(one any) bool {
		text, ok := one.(string)
		ours := text == a.cfg.Issuer || !a.cfg.IssuerAudience && slices.Contains(a.cfg.Endpoints, text)
		return !ok || text == "" || !ours
	})
}

// otherAudiences returns the accepted audiences other than the issuer, for the error message.
func (a *Authenticator) otherAudiences() string {
	if a.cfg.IssuerAudience {
		return ""
	}
	return " or one of its endpoints"
}

// verify checks that c signed the assertion with a registered key or with its secret. The
// registered method decides which one, and never the header: otherwise a public key could be
// used as a secret (RFC 8725 §2.1).
func (a *Authenticator) verify(ctx context.Context, c *client.Client, assertion *jws.JWS) error {
	method := client.AuthPrivateKeyJWT
	if assertion.MAC() {
		method = client.AuthSecretJWT
	}
	if registered(c) != method {
		return failed("the client sent an assertion and registered another method", refusal.AuthMethodMismatch, methods(c, method)...)
	}
	if alg := c.TokenEndpointAuthSigningAlg; alg != "" && alg != assertion.Alg {
		return failed("the client registered another alg for its assertions", refusal.AuthFailed)
	}
	if method == client.AuthSecretJWT {
		return a.verifyMAC(c, assertion)
	}
	keys, err := a.cfg.KeySets.Keys(ctx, c, assertion.KID)
	if errors.Is(err, client.ErrKeysUnavailable) {
		return failed(err.Error(), refusal.KeysUnavailable)
	}
	if err != nil {
		return fmt.Errorf("find keys of client: %w", err)
	}
	if err := assertion.Verify(keys); err != nil {
		return failed("the assertion "+err.Error(), refusal.AssertionSignature)
	}
	return nil
}

// verifyMAC checks that c signed the assertion with its secret.
func (a *Authenticator) verifyMAC(c *client.Client, assertion *jws.JWS) error {
	if !c.Secret.IsSealed() {
		return failed("the client has no secret for signatures", refusal.AuthFailed)
	}
	var wrong error
	for _, kept := range append([]client.Secret{c.Secret}, c.PreviousSecrets(a.cfg.Now())...) {
		secret, err := kept.Reveal(a.cfg.Sealer, c.ID)
		if err != nil {
			return err
		}
		err = assertion.VerifyMAC([]byte(secret))
		if err == nil {
			a.used(c, kept)
			return nil
		}
		if wrong == nil {
			wrong = failed("the assertion "+err.Error(), refusal.AuthFailed)
		}
	}
	return wrong
}

// spend redeems the assertion. Its jti is kept for longer than the assertion is valid, to
// tolerate clock skew between replicas.
func (a *Authenticator) spend(ctx context.Context, parsed claims, now time.Time) error {
	sum := sha256.Sum256([]byte(parsed.jti))
	key := base64.RawURLEncoding.EncodeToString(sum[:])
	return onetime.Claim(ctx, a.cfg.Replay, &onetime.Value{
		Kind: replayKind, Owner: parsed.subject, Key: key, Until: parsed.expires.Add(leeway),
		Used: unacceptable("the assertion has been used before", refusal.AssertionReplayed),
	}, now)
}
