// Package requestobject opens request objects: authorization requests as a JWT, by value in
// the parameter request or by reference in request_uri.
//
// It returns plain parameters. Callers do not see that there was an object, and no object is
// stored or verified again. It fetches only registered request URIs, and accepts only
// registered keys.
package requestobject

import (
	"context"
	"maps"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/profile"
)

// The parameters for request objects.
const (
	byValue     = "request"
	byReference = "request_uri"
)

// KeySets returns the public keys of clients.
type KeySets interface {
	// Keys returns the keys of c, from its jwks or its jwks_uri. If kid is not empty and not
	// cached, it may fetch the keys again.
	Keys(ctx context.Context, c *client.Client, kid string) ([]jose.JSONWebKey, error)
}

// Documents fetches documents of clients.
type Documents interface {
	// GetAs returns the body of a document from an allowed address, with limits on size and
	// time.
	GetAs(ctx context.Context, rawURL, accept string) ([]byte, error)
}

// Opener opens request objects. All fields but Registered, Profile and RequireSigned are required.
type Opener struct {
	Issuer    string
	KeySets   KeySets
	Documents Documents
	// Registered fetches for dynamically registered clients, separately from other clients,
	// since their servers may hang. Nil uses Documents.
	Registered Documents
	// Profile is the security profile of the server. RequireSigned requires signed objects of all clients.
	Profile       profile.Profile
	RequireSigned bool
	Replay        Replay // of backchannel requests
	Now           func() time.Time
}

// Open returns the parameters of a request of c, whose own form is the query or body of the
// request. A request without an object is returned unchanged.
//
// Parameters in the object take precedence. Parameters outside of it are used if the object
// lacks them, unless the client must sign its requests: it registered require_signed_request_object, or the
// server or its security profile require it.
//
// It returns an [*oauth2.Error], or another error for a failure of the server.
//
// Spec: OpenID Connect Core §6, RFC 9101 §5, §6.
func (o *Opener) Open(ctx context.Context, c *client.Client, form url.Values) (url.Values, error) {
	var compact string
	switch value, reference := form.Get(byValue), form.Get(byReference); {
	case value != "" && reference != "":
		return nil, newError(oauth2.CodeInvalidRequest, "The parameters request and request_uri exclude each other")
	case value != "":
		compact = value
	case reference != "":
		var err error
		if compact, err = o.fetch(ctx, c, reference); err != nil {
			return nil, err
		}
	case o.mustSign(c):
		return nil, o.errUnsigned(c)
	default:
		return form, nil
	}
	inside, err := o.read(ctx, c, compact)
	if err != nil {
		return nil, err
	}
	return together(c, form, inside, o.mustSign(c))
}

// together joins the parameters outside and inside an object, or returns only those inside.
func together(c *client.Client, outside, inside url.Values, onlyInside bool) (url.Values, error) {
	id, kind := inside.Get("client_id"), inside.Get("response_type")
	if id != "" && id != c.ID {
		return nil, invalid("has another client_id")
	}
	if beside := outside.Get("response_type"); kind != "" && beside != "" && client.ResponseType(kind) != client.ResponseType(beside) {
		return nil, invalid("has another response_type than the request")
	}
	all := url.Values{}
	if !onlyInside {
		all = maps.Clone(outside)
		all.Del(byValue)
		all.Del(byReference)
		if inside.Has("resource") || inside.Has("audience") { // two names for one thing
			all.Del("resource")
			all.Del("audience")
		}
	}
	maps.Copy(all, inside)
	all.Set("client_id", c.ID)
	return all, nil
}
