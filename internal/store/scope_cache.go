package store

import (
	"context"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/scope"
)

// ScopeCache caches the set of scopes and resources until [Changes] reports that they may have
// changed. Concurrent callers share one read.
type ScopeCache struct {
	sets *cache.Cache[struct{}, *scope.Set]
}

// NewScopeCache returns a cache of the sets that build returns for the stored scopes,
// with the attributes that they release, the stored resources and the types of authorization details.
func NewScopeCache(s *Store, build func([]*scope.Scope) *scope.Set) *ScopeCache {
	read := func(ctx context.Context, _ struct{}) (*scope.Set, error) {
		records, err := s.Scopes.ListScopes(ctx)
		if err != nil {
			return nil, err
		}
		attributes, err := s.Attributes.ListAttributes(ctx)
		if err != nil {
			return nil, err
		}
		resources, err := s.Resources.ListResources(ctx)
		if err != nil {
			return nil, err
		}
		types, err := s.DetailTypes.ListDetailTypes(ctx)
		if err != nil {
			return nil, err
		}
		return build(scope.WithAttributes(records, attributes)).WithResources(apiresource.NewSet(resources)).WithDetails(detail.NewSet(types)), nil
	}
	return &ScopeCache{cache.New(cache.Config[struct{}, *scope.Set]{Size: 1, Read: read, Changes: s.Changes()})}
}

// Scopes returns the set of scopes. Callers share it.
func (c *ScopeCache) Scopes(ctx context.Context) (*scope.Set, error) {
	return c.sets.Get(ctx, struct{}{})
}
