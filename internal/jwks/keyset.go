package jwks

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"
)

// KeySet returns the published key set (RFC 7517 §5), its entity tag, and for
// how long it may be cached from now. The body must not be changed.
func (m *Manager) KeySet() (body []byte, etag string, maxAge time.Duration) {
	v := m.keys.current.Load()
	if v == nil {
		return nil, "", 0
	}
	return v.body, v.etag, max(0, m.config.CacheLifetime-m.keys.staleness(v))
}

// Handler serves GET and HEAD /.well-known/jwks.json.
//
// Spec: RFC 7517 §5, RFC 9110 §13.1.2. The media type is application/json,
// which clients expect, rather than RFC 7517's own.
func (m *Manager) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
			return
		}
		// Without the store the old key set still verifies every token that was
		// signed with its keys, so it is served, though not to be kept.
		ctx, cancel := context.WithTimeout(r.Context(), retryDelay)
		defer cancel()
		_, _ = m.keys.usableSnapshot(ctx)
		body, etag, maxAge := m.KeySet()
		if body == nil {
			w.Header().Set("Retry-After", "1")
			http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
			return
		}
		header := w.Header()
		header.Set("Content-Type", "application/json")
		header.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(maxAge/time.Second)))
		header.Set("ETag", etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	})
}
