package jwks

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"
)

// KeySet returns the published key set as JSON, its entity tag, and the time for which it may
// be cached. The caller must not change the body.
//
// Spec: RFC 7517 §5.
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
		// If the store is unavailable the old key set still verifies the tokens that its
		// keys signed. It is served, but may not be cached.
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
