package requestobject

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
)

const (
	// maxReference is the maximum length of a request_uri (OpenID Connect Core §6.2).
	maxReference = 512
	// patience is the timeout of a fetch. The client's keys may have to be fetched afterwards,
	// while the same user waits.
	patience = 4 * time.Second
)

// fetch returns the object at a request_uri, which the client must have registered: otherwise
// any client could make this server call arbitrary hosts.
//
// A fragment lets caches detect a changed object; this server caches none. For an unsigned
// object the fragment is the only proof of its origin, so it must be the hash of the object.
// Clients that sign objects may register fragments before they create the object.
//
// Spec: OpenID Connect Core §6.2, RFC 9101 §5.2, §10.4.
func (o *Opener) fetch(ctx context.Context, c *client.Client, reference string) (string, error) {
	if len(reference) > maxReference || !slices.Contains(c.RequestURIs, reference) {
		return "", newError(oauth2.CodeInvalidRequestURI, "The request_uri is not registered for this client")
	}
	address, hash, hashed := strings.Cut(reference, "#")
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	documents := o.Documents
	if c.Dynamic && o.Registered != nil {
		documents = o.Registered
	}
	text, err := documents.GetAs(ctx, address, "application/oauth-authz-req+jwt, application/jwt")
	if errors.Is(err, client.ErrBusy) {
		return "", fmt.Errorf("fetch request object: %w", err)
	}
	if err != nil {
		refused := newError(oauth2.CodeInvalidRequestURI, "The request object at the request_uri cannot be fetched")
		refused.Reason = err.Error()
		return "", refused
	}
	sum := sha256.Sum256(text)
	if hashed && c.RequestObjectSigningAlg == algNone && base64.RawURLEncoding.EncodeToString(sum[:]) != hash {
		return "", newError(oauth2.CodeInvalidRequestURI, "The request object does not match the hash in the registered request_uri")
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
