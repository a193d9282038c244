package store_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func aScope(name string) *scope.Scope {
	return &scope.Scope{
		Name: name, Title: "See your département", Description: "Where you work.", SelfRegistration: true,
		Claims:    map[string][]scope.Destination{"department": {scope.IDToken, scope.AccessToken}},
		CreatedAt: noon, UpdatedAt: noon,
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		names := func(want string) []*scope.Scope {
			t.Helper()
			list, err := s.Scopes.ListScopes(ctx)
			must(t, err)
			var got []string
			for _, r := range list {
				got = append(got, r.Name)
			}
			wantSame(t, "scopes", strings.Join(got, " "), want)
			return list
		}
		wantSame(t, "groups, from the start", names("groups roles")[0].Claims, map[string][]scope.Destination{"groups": {scope.IDToken, scope.Userinfo}})

		must(t, s.Scopes.InsertScope(ctx, aScope("hr")))
		wantSame(t, "an added scope", names("groups hr roles")[1], aScope("hr"))
		wantErr(t, "adding it again", s.Scopes.InsertScope(ctx, aScope("hr")), scope.ErrExists)
		wantErr(t, "adding a standard scope", s.Scopes.InsertScope(ctx, aScope("profile")), scope.ErrExists)

		changed := &scope.Scope{Name: "hr", UpdatedAt: noon.Add(time.Hour)}
		must(t, s.Scopes.UpdateScope(ctx, changed, nil))
		changed.CreatedAt, changed.Claims = noon, map[string][]scope.Destination{}
		wantSame(t, "a changed scope", names("groups hr roles")[1], changed)
		wantErr(t, "changing an unknown scope", s.Scopes.UpdateScope(ctx, aScope("other"), nil), scope.ErrNotFound)
		for range 2 {
			must(t, s.Scopes.UpdateScope(ctx, aScope("email"), nil))
		}
		email := aScope("email")
		email.CreatedAt, email.UpdatedAt = time.Time{}, email.UpdatedAt.Add(time.Microsecond) // the second change at this time
		wantSame(t, "a changed standard scope", names("email groups hr roles")[0], email)

		must(t, s.Scopes.DeleteScope(ctx, "hr"))
		must(t, s.Scopes.DeleteScope(ctx, "roles"))
		names("email groups")
		wantErr(t, "deleting it again", s.Scopes.DeleteScope(ctx, "hr"), scope.ErrNotFound)
		wantErr(t, "deleting a standard scope", s.Scopes.DeleteScope(ctx, "email"), scope.ErrStandard)
	})
}

func TestScopesAreCached(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		storetest.Follow(t, s)
		cache := store.NewScopeCache(s, func(records []*scope.Scope) *scope.Set {
			return scope.NewSet(records, nil, nil)
		})
		reads := func() int64 {
			t.Helper()
			before := s.Statements()
			if _, err := cache.Scopes(t.Context()); err != nil {
				t.Fatal(err)
			}
			return s.Statements() - before
		}
		got := []int64{reads(), reads()}
		must(t, s.Scopes.InsertScope(t.Context(), &scope.Scope{Name: "hr"}))
		got = append(got, reads(), reads())
		wantSame(t, "statements: at first, again, after a change, and again", got, []int64{4, 0, 4, 0})
	})
}
