package requestobject

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jws"
)

// algNone is the registered algorithm of a client that does not sign objects.
const algNone = "none"

// leeway is the tolerated clock skew of a client. It does not extend the exp of an object.
const leeway = 10 * time.Second

// Algorithms returns the supported signing algorithms of objects.
func Algorithms() []string { return jws.Algorithms() }

// read returns the parameters of an object of the client. It checks the claims first, since
// that needs no query.
func (o *Opener) read(ctx context.Context, c *client.Client, compact string) (url.Values, error) {
	object, err := jws.Parse(compact)
	if err != nil {
		return nil, invalid(err.Error())
	}
	if err := o.judgeHeader(c, object); err != nil {
		return nil, err
	}
	if err := o.judge(c, object.Payload); err != nil {
		return nil, err
	}
	if err := o.judgeByProfile(c, object); err != nil {
		return nil, err
	}
	inside, err := parameters(object)
	if err != nil {
		return nil, err
	}
	if object.Alg == algNone {
		return inside, nil
	}
	return inside, o.verify(ctx, c, object)
}

// judgeHeader checks typ and alg. An unsigned object proves nothing about its origin, and is
// accepted only if the client registered the algorithm none.
//
// Spec: RFC 8725 §3.1, §3.11, RFC 9101 §10.1, §10.8.
func (o *Opener) judgeHeader(c *client.Client, object *jws.JWS) error {
	registered := c.RequestObjectSigningAlg
	switch {
	case !object.Typed("jwt", "oauth-authz-req+jwt"):
		return invalid("has a typ that is not accepted here")
	case object.Alg == algNone && (registered != algNone || o.mustSign(c)):
		return invalid("must be signed")
	case object.Alg == algNone && object.Signed():
		return invalid("has a signature and an alg of none")
	case object.Alg != algNone && !slices.Contains(jws.Algorithms(), object.Alg):
		return invalid("must be signed with " + strings.Join(jws.Algorithms(), ", "))
	case registered != "" && registered != object.Alg:
		return invalid("has another alg than the client registered")
	}
	return nil
}

// judge checks issuer, audience and times.
//
// Spec: OpenID Connect Core §6.1, RFC 9101 §4, §10.8, RFC 7519 §4.1.
func (o *Opener) judge(c *client.Client, payload jws.Object) error {
	now := o.Now()
	switch {
	case payload.Has("iss") && payload.Text("iss") != c.ID:
		return invalid("has an iss that is not the client_id")
	case payload.Has("aud") && !names(payload["aud"], o.Issuer):
		return invalid("has an aud that does not name this server")
	case payload.Text("sub") == c.ID:
		// A client assertion has such a sub, and could then be used as a request object.
		return invalid("must not have the client_id as its sub")
	case payload.Has(byValue) || payload.Has(byReference):
		return invalid("must not contain another request object")
	}
	if payload.Has("exp") {
		if until, ok := payload.Date("exp"); !ok || !until.After(now) {
			return invalid("has expired, or has an exp that is not a number")
		}
	}
	for _, name := range []string{"iat", "nbf"} {
		if !payload.Has(name) {
			continue
		}
		if from, ok := payload.Date(name); !ok || from.After(now.Add(leeway)) {
			return invalid("has an " + name + " that is in the future or not a number")
		}
	}
	return nil
}

// names reports whether an audience, a string or a list, includes this server.
func names(audience any, us string) bool {
	if list, ok := audience.([]any); ok {
		return slices.Contains(list, any(us))
	}
	return audience == us
}

// verify checks that c signed the object with a registered key.
func (o *Opener) verify(ctx context.Context, c *client.Client, object *jws.JWS) error {
	keys, err := o.KeySets.Keys(ctx, c, object.KID)
	if errors.Is(err, client.ErrKeysUnavailable) {
		refused := invalid(jws.ErrNoKey.Error())
		refused.Reason = err.Error()
		return refused
	}
	if err != nil {
		return fmt.Errorf("find keys of client: %w", err)
	}
	if err := object.Verify(keys); err != nil {
		return invalid(err.Error())
	}
	return nil
}
