// Package requestobject opens request objects: authorization requests that come
// as a JWT, by value in the parameter request or by reference in request_uri.
//
// What comes out is plain parameters. Nothing behind this room knows that there
// was an object, and none is ever kept or verified again. Only an address that the
// client registered is fetched, and only a key that the client registered is
// believed.
package requestobject

import (
	"context"
	"maps"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
)

// The parameters that bring an object.
const (
	byValue     = "request"
	byReference = "request_uri"
)

// KeySets gives the public keys of clients.
type KeySets interface {
	// Keys returns the keys of c, from its jwks or its jwks_uri. When kid is not
	// empty and not among those at hand, it may fetch them again.
	Keys(ctx context.Context, c *client.Client, kid string) ([]jose.JSONWebKey, error)
}

// Documents fetches what clients published.
type Documents interface {
	// GetAs returns the body of a small document from a safe address, in a bounded
	// time.
	GetAs(ctx context.Context, rawURL, accept string) ([]byte, error)
}

// Opener opens request objects. All of its members but Registered are set.
type Opener struct {
	Issuer    string
	KeySets   KeySets
	Documents Documents
	// Registered fetches for clients that registered themselves, apart from those of
	// the operator's: anybody can register a server that hangs. Nil is Documents.
	Registered Documents
	Now        func() time.Time
}

// Open returns the parameters of a request of c, whose own form is the query or
// body that it came in. A request without an object is returned as it is.
//
// What the object says counts. Parameters beside it fill in what it leaves out,
// unless the client registered that it always signs: then they are as good as
// absent.
//
// Its error is an [*oauth2.Error] or a failure of the server.
//
// Spec: OpenID Connect Core §6; RFC 9101 §5, §6.
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
	case c.RequireSignedRequestObject:
		return nil, newError(oauth2.CodeInvalidRequest, "This client must send its requests as signed request objects")
	default:
		return form, nil
	}
	inside, err := o.read(ctx, c, compact)
	if err != nil {
		return nil, err
	}
	return together(c, form, inside)
}

// together joins the parameters outside an object and inside it.
func together(c *client.Client, outside, inside url.Values) (url.Values, error) {
	id, kind := inside.Get("client_id"), inside.Get("response_type")
	if id != "" && id != c.ID {
		return nil, invalid("is of another client")
	}
	if beside := outside.Get("response_type"); kind != "" && beside != "" && client.ResponseType(kind) != client.ResponseType(beside) {
		return nil, invalid("has another response_type than the request")
	}
	all := url.Values{}
	if !c.RequireSignedRequestObject {
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
