package server

import (
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
)

// newScopeCache returns the scope cache. The scopes of the admin API are never available to
// self-registered clients.
func newScopeCache(c *config.Config, s *store.Store) *store.ScopeCache {
	return store.NewScopeCache(s, func(records []*scope.Scope) *scope.Set {
		return scope.NewSet(records, c.RegistrationScopes, apikey.Scopes())
	})
}
