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
	// maxReference is the greatest length of a request_uri (OpenID Connect Core
	// section 6.2).
	maxReference = 512
	// patience is how long a fetch may take. The client's keys may have to be
	// fetched after it, while the same person waits.
	patience = 4 * time.Second
)

// fetch returns the object at a request_uri, which must be one that the client
// registered: whoever could name others could make us call anybody.
//
// A fragment is there for caches, which see by it that the object has changed; we
// keep none. Of an unsigned object it is the one thing that says who made it, so
// that it must be the object's hash. A signature says it by itself, and clients that
// sign register fragments before they know what they will ask.
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
		refused := newError(oauth2.CodeInvalidRequestURI, "There is no request object to be had at the request_uri")
		refused.Reason = err.Error()
		return "", refused
	}
	sum := sha256.Sum256(text)
	if hashed && c.RequestObjectSigningAlg == algNone && base64.RawURLEncoding.EncodeToString(sum[:]) != hash {
		return "", newError(oauth2.CodeInvalidRequestURI, "The request object is not the one that the request_uri was registered for")
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
