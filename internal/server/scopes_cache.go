package server

import (
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
)

// newScopeCache returns the cache of the scopes that the server works with. The scopes of
// the administrators' API are never open to clients that registered themselves.
func newScopeCache(c *config.Config, s *store.Store) *store.ScopeCache {
	return store.NewScopeCache(s, func(records []*scope.Scope) *scope.Set {
		return scope.NewSet(records, c.RegistrationScopes, apikey.Scopes())
	})
}
