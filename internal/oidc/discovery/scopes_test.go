package discovery

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// scopesOf returns the scopes of a store.
func scopesOf(s *store.Store) *store.ScopeCache {
	return store.NewScopeCache(s, func(records []*scope.Scope) *scope.Set { return scope.NewSet(records, nil, nil) })
}

func newDiscovery(tb testing.TB, c Capabilities) (*Handler, error) {
	tb.Helper()
	return New(tb.Context(), c, scopesOf(storetest.New(tb)), time.Now)
}
