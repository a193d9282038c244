package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func aResource(identifier string) *apiresource.Resource {
	return &apiresource.Resource{
		Definition: apiresource.Definition{Identifier: identifier, Name: "API", Scopes: []string{"read"}, Lifetime: 60, Clients: []string{"rp"}},
		CreatedAt:  noon, UpdatedAt: noon,
	}
}

// Resources are stored by identifier without a slash at its end, and every change is in effect in caches.
func TestResources(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		cache := store.NewScopeCache(s, func(records []*scope.Scope) *scope.Set { return scope.NewSet(records, nil, nil) })
		name := func() string {
			t.Helper()
			set, err := cache.Scopes(t.Context())
			must(t, err)
			if r := set.Resources().Get("https://api.example/v1/"); r != nil {
				return r.Name
			}
			return ""
		}
		wantSame(t, "name", name(), "")
		r := aResource("https://api.example/v1")
		must(t, s.Resources.InsertResource(t.Context(), r))
		wantErr(t, "InsertResource with a slash", s.Resources.InsertResource(t.Context(), aResource("https://api.example/v1/")), apiresource.ErrExists)
		wantSame(t, "name", name(), "API")
		must(t, s.Resources.InsertResource(t.Context(), aResource("https://a.example")))

		seen := r.UpdatedAt
		r.Name, r.AllClients, r.UpdatedAt = "First", true, noon.Add(time.Second)
		must(t, s.Resources.UpdateResource(t.Context(), r, &seen))
		wantSame(t, "name", name(), "First")
		wantErr(t, "UpdateResource of another time", s.Resources.UpdateResource(t.Context(), r, &seen), apiresource.ErrChanged)
		list, err := s.Resources.ListResources(t.Context())
		must(t, err)
		wantSame(t, "resources", list, []*apiresource.Resource{aResource("https://a.example"), r})

		must(t, s.Resources.DeleteResource(t.Context(), "https://api.example/v1/"))
		wantSame(t, "name", name(), "")
		wantErr(t, "DeleteResource again", s.Resources.DeleteResource(t.Context(), "https://api.example/v1"), apiresource.ErrNotFound)
		wantErr(t, "UpdateResource of an unknown one", s.Resources.UpdateResource(t.Context(), r, nil), apiresource.ErrNotFound)
	})
}

// Of concurrent declarations of one resource one succeeds.
func TestConcurrentDeclarationsOfAResource(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, other := storetest.Open(t, url), storetest.Open(t, url)
		errs := fixture.Race(t, s, other, func(ctx context.Context, s *store.Store) error {
			return s.Resources.InsertResource(ctx, aResource("https://api.example"))
		})
		declared := 0
		for _, err := range errs {
			if err == nil {
				declared++
				continue
			}
			wantErr(t, "InsertResource", err, apiresource.ErrExists)
		}
		wantSame(t, "declarations", declared, 1)
	})
}
