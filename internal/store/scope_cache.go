package store

import (
	"context"

	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/scope"
)

// ScopeCache caches the scopes until [Changes] reports a change.
type ScopeCache struct {
	sets *cache.Cache[struct{}, *scope.Set]
}

// NewScopeCache returns a cache of the set that build returns for the records.
func NewScopeCache(s *Store, build func([]*scope.Scope) *scope.Set) *ScopeCache {
	read := func(ctx context.Context, _ struct{}) (*scope.Set, error) {
		records, err := s.Scopes.ListScopes(ctx)
		if err != nil {
			return nil, err
		}
		return build(records), nil
	}
	return &ScopeCache{cache.New(cache.Config[struct{}, *scope.Set]{Size: 1, Read: read, Changes: s.Changes()})}
}

// Scopes returns the scopes.
func (c *ScopeCache) Scopes(ctx context.Context) (*scope.Set, error) {
	return c.sets.Get(ctx, struct{}{})
}
