package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Attributes are stored by name, and every change is in effect in caches of scopes.
func TestAttributes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		cache := store.NewScopeCache(s, func(records []*scope.Scope) *scope.Set { return scope.NewSet(records, nil, nil) })
		released := func(claim string, want bool) {
			t.Helper()
			set, err := cache.Scopes(t.Context())
			must(t, err)
			wantSame(t, claim+" is released", set.Releases(claim), want)
		}
		released("team", false)
		a := &account.Attribute{Name: "team", CreatedAt: noon, UpdatedAt: noon}
		a.Type, a.Scope, a.Required = account.ListAttribute, "hr", true
		must(t, s.Attributes.InsertAttribute(t.Context(), a))
		wantErr(t, "InsertAttribute again", s.Attributes.InsertAttribute(t.Context(), a), account.ErrAttributeExists)
		released("team", true)
		a.Claim, a.UpdatedAt = "teams", noon.Add(time.Second)
		must(t, s.Attributes.UpdateAttribute(t.Context(), a, nil))
		list, err := s.Attributes.ListAttributes(t.Context())
		must(t, err)
		wantSame(t, "attributes", list, []*account.Attribute{a})
		released("team", false)
		released("teams", true)
		must(t, s.Attributes.DeleteAttribute(t.Context(), "team"))
		released("teams", false)
		wantErr(t, "DeleteAttribute again", s.Attributes.DeleteAttribute(t.Context(), "team"), account.ErrAttributeNotFound)
		wantErr(t, "UpdateAttribute of an unknown one", s.Attributes.UpdateAttribute(t.Context(), a, nil), account.ErrAttributeNotFound)
	})
}
