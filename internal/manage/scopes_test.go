package manage_test

import (
	"context"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func (o *operator) scope(t *testing.T, name string) *scope.Scope {
	t.Helper()
	for _, s := range o.records(t).Scopes {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("the scope %s is not stored", name)
	return nil
}

// A new scope has the times of its creation, and an update keeps the first of them.
func TestCreateAndUpdateScope(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		created := withClaims("files", "department")
		created.Title, created.SelfRegistration = "Your files", true
		must(t, o.scopes.Create(t.Context(), created))
		evening := later.Add(time.Hour)
		m := manage.Scopes{Store: o.Scopes, Now: func() time.Time { return evening }}
		for _, step := range []struct {
			change  func() error
			claims  []string
			title   string
			updated time.Time
		}{
			{func() error { return nil }, []string{"department"}, "Your files", later},
			{func() error { return m.Update(t.Context(), &scope.Scope{Name: "files", Title: "Renamed"}) }, nil, "Renamed", evening},
		} {
			must(t, step.change())
			want := withClaims("files", step.claims...)
			want.Title, want.SelfRegistration = step.title, step.title == "Your files"
			want.CreatedAt, want.UpdatedAt = later, step.updated
			wantSame(t, "scope", o.scope(t, "files"), want)
		}
		must(t, m.Update(t.Context(), withClaims("email", "email", "email_verified", "department")))
		stored := o.scope(t, "email")
		wantSame(t, "claims of a changed standard scope", len(stored.Claims), 3)
		wantSame(t, "a standard scope has no creation time", stored.CreatedAt.IsZero(), true)
	})
}

// Of concurrent creations of one scope one succeeds.
func TestConcurrentCreationsOfAScope(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		errs := fixture.Race(t, o.Store, o.Store, func(ctx context.Context, _ *store.Store) error {
			return o.scopes.Create(ctx, &scope.Scope{Name: "files"})
		})
		fixture.WantOneWinner(t, errs, scope.ErrExists)
	})
}
