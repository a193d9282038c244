// Package discovery serves the provider metadata of OpenID Connect Discovery and RFC 8414.
package discovery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/scope"
)

// Handler serves the metadata from memory. It includes the scopes and claims in the
// database. While the database is unavailable, it serves the latest document.
type Handler struct {
	capabilities Capabilities
	scopes       scope.Source
	now          func() time.Time

	mu        sync.Mutex
	published published
	retryAt   time.Time
}

// published is the encoded document for a set of scopes.
type published struct {
	scopes *scope.Set
	body   []byte
	etag   string
}

const (
	scopesTimeout = 500 * time.Millisecond // for reading the scopes
	scopesRetry   = 2 * time.Second        // after a failed read
)

// New returns a handler with the document for the current scopes. It returns an error if
// the issuer is invalid or the scopes cannot be read.
func New(ctx context.Context, c Capabilities, scopes scope.Source, now func() time.Time) (*Handler, error) {
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Host == "" || issuer.RawQuery != "" || issuer.Fragment != "" {
		return nil, errors.New("build discovery: the issuer must be a URL without query and fragment")
	}
	known, err := scopes.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("build discovery: %w", err)
	}
	h := &Handler{capabilities: c, scopes: scopes, now: now}
	h.published, err = h.publish(known)
	return h, err
}

func (h *Handler) publish(known *scope.Set) (published, error) {
	c := h.capabilities
	extra := slices.DeleteFunc(slices.Clone(c.Scopes), func(name string) bool { return known.Get(name) != nil })
	c.Scopes, c.claims = append(known.Names(), extra...), known.Claims(scope.IDToken, scope.Userinfo)
	c.details = known.Details().Names()
	body, err := json.Marshal(c.document())
	if err != nil {
		return published{}, fmt.Errorf("build discovery: %w", err)
	}
	sum := sha256.Sum256(body)
	return published{scopes: known, body: body, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

// current returns the document for the current scopes, or the latest if they cannot be read.
func (h *Handler) current(ctx context.Context) published {
	h.mu.Lock()
	latest, wait := h.published, h.now().Before(h.retryAt)
	h.mu.Unlock()
	if wait {
		return latest
	}
	ctx, cancel := context.WithTimeout(ctx, scopesTimeout)
	defer cancel()
	known, err := h.scopes.Scopes(ctx)
	if err == nil && known == latest.scopes {
		return latest
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		latest, err = h.publish(known)
	}
	if err != nil {
		h.retryAt = h.now().Add(scopesRetry)
		return h.published
	}
	h.published = latest
	return latest
}

// ServeHTTP serves GET /.well-known/openid-configuration and GET
// /.well-known/oauth-authorization-server.
//
// Spec: OpenID Connect Discovery §4, RFC 8414 §3.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	document := h.current(r.Context())
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "public, max-age=300")
	header.Set("ETag", document.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(document.body))
}
