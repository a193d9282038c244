package clientauth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/client"
)

const (
	// maxAhead is how far ahead an assertion may expire: until then its jti must
	// be remembered.
	maxAhead = 5 * time.Minute
	// leeway is how far ahead of ours a client's clock may be. An assertion gets
	// no time beyond its exp.
	leeway = 10 * time.Second
	// maxJTI is the greatest number of characters of a jti.
	maxJTI = 256
	// replayKind tells the one-time values of assertions from others.
	replayKind = "client_assertion"
)

// claims are what an assertion says.
type claims struct {
	subject string
	jti     string
	expires time.Time
}

// byAssertion authenticates with private_key_jwt.
//
// What the assertion says is judged first, since that costs nothing and tells
// nothing; its jti is spent last, so that nobody but the client can spend it.
//
// Spec: RFC 7523 §3, OpenID Connect Core §9, RFC 8725 §3.
func (a *Authenticator) byAssertion(ctx context.Context, cred credentials) (*client.Client, error) {
	now := a.cfg.Now()
	jws, err := parseJWS(cred.assertion)
	if err != nil {
		return nil, err
	}
	said, err := a.judge(jws.payload, now)
	if err != nil {
		return nil, err
	}
	if cred.id != "" && cred.id != said.subject {
		return nil, malformed("client_id is not the client of the assertion")
	}
	c, err := a.lookup(ctx, said.subject)
	if err != nil {
		return nil, err
	}
	if err := a.verify(ctx, c, jws); err != nil {
		return nil, err
	}
	if err := a.spend(ctx, said, now); err != nil {
		return nil, err
	}
	return c, nil
}

// judge checks what can be known of the claims without knowing the client.
func (a *Authenticator) judge(payload object, now time.Time) (claims, error) {
	subject, jti, audience := payload.text("sub"), payload.text("jti"), payload.text("aud")
	expires, timed := payload.date("exp")
	switch {
	case !validID(subject) || payload.text("iss") != subject:
		return claims{}, unacceptable("iss and sub of the assertion must be the client_id")
	case audience == "" || audience != a.cfg.Issuer && audience != a.cfg.TokenEndpoint:
		// One string: an assertion for several could be replayed by any of them.
		return claims{}, unacceptable("aud of the assertion must be the issuer or the token endpoint, as a single string")
	case !timed:
		return claims{}, unacceptable("exp of the assertion must be a number")
	case !expires.After(now):
		return claims{}, unacceptable("the assertion has expired")
	case expires.After(now.Add(maxAhead + leeway)):
		return claims{}, unacceptable("the assertion expires more than 5 minutes ahead")
	case jti == "" || utf8.RuneCountInString(jti) > maxJTI:
		return claims{}, unacceptable("jti of the assertion must have 1 to 256 characters")
	}
	for _, name := range []string{"iat", "nbf"} {
		if !payload.has(name) {
			continue
		}
		if from, ok := payload.date(name); !ok || from.After(now.Add(leeway)) {
			return claims{}, unacceptable(name + " of the assertion must be a number and not in the future")
		}
	}
	return claims{subject: subject, jti: jti, expires: expires}, nil
}

// verify tells whether c signed the assertion with a key it registered.
func (a *Authenticator) verify(ctx context.Context, c *client.Client, jws jws) error {
	if registered(c) != client.AuthPrivateKeyJWT {
		return failed("the client sent an assertion and registered another method")
	}
	if alg := c.TokenEndpointAuthSigningAlg; alg != "" && alg != jws.alg {
		return failed("the client registered another alg for its assertions")
	}
	keys, err := a.cfg.KeySets.Keys(ctx, c, jws.kid)
	if errors.Is(err, client.ErrNoKeys) {
		return failed(err.Error())
	}
	if err != nil {
		return fmt.Errorf("find keys of client: %w", err)
	}
	tried := 0
	for i := range keys {
		if !usable(&keys[i], jws.alg, jws.kid) {
			continue
		}
		if jws.signedBy(keys[i].Key) {
			return nil
		}
		if tried++; tried == maxTries {
			break
		}
	}
	if tried == 0 {
		return failed("the client has no key that fits the header of the assertion")
	}
	return failed("the signature of the assertion does not verify")
}

// spend uses up the assertion. It stays remembered for longer than it lives,
// because the clocks of two replicas differ.
func (a *Authenticator) spend(ctx context.Context, said claims, now time.Time) error {
	sum := sha256.Sum256([]byte(said.jti))
	key := base64.RawURLEncoding.EncodeToString(sum[:])
	first, err := a.cfg.Replay.ClaimOnce(ctx, replayKind, said.subject, key, said.expires.Add(leeway), now)
	if err != nil {
		return fmt.Errorf("spend assertion: %w", err)
	}
	if !first {
		return unacceptable("the assertion has been used before")
	}
	return nil
}
