package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Of several replacements of the version that all have seen, one succeeds.
func TestReplaceSeenVersion(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		must(t, s.Groups.InsertGroup(ctx, &account.Group{Name: "staff", CreatedAt: noon, UpdatedAt: noon}))
		text := account.AttributeDefinition{Type: account.StringAttribute}
		must(t, s.Attributes.InsertAttribute(ctx, &account.Attribute{Name: "team", AttributeDefinition: text, CreatedAt: noon, UpdatedAt: noon}))
		must(t, s.Scopes.InsertScope(ctx, &scope.Scope{Name: "hr", CreatedAt: noon, UpdatedAt: noon}))

		for name, tc := range map[string]struct {
			seen    time.Time
			replace func(seen *time.Time) error
			changed error
		}{
			"group": {noon, func(seen *time.Time) error {
				return s.Groups.UpdateGroup(ctx, &account.Group{Name: "staff", UpdatedAt: noon}, seen)
			}, account.ErrChanged},
			"attribute": {noon, func(seen *time.Time) error {
				return s.Attributes.UpdateAttribute(ctx, &account.Attribute{Name: "team", AttributeDefinition: text, UpdatedAt: noon}, seen)
			}, account.ErrChanged},
			"scope": {noon, func(seen *time.Time) error {
				return s.Scopes.UpdateScope(ctx, &scope.Scope{Name: "hr", UpdatedAt: noon}, seen)
			}, scope.ErrChanged},
			"standard scope without a record": {time.Time{}, func(seen *time.Time) error {
				return s.Scopes.UpdateScope(ctx, &scope.Scope{Name: "email", UpdatedAt: noon}, seen)
			}, scope.ErrChanged},
		} {
			var done, lost atomic.Int64
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					switch err := tc.replace(&tc.seen); {
					case err == nil:
						done.Add(1)
					case errors.Is(err, tc.changed):
						lost.Add(1)
					default:
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			all.Wait()
			if done.Load() != 1 || lost.Load() != 7 {
				t.Errorf("%s: %d replaced the version, %d did not, want 1 and 7", name, done.Load(), lost.Load())
			}
			if err := tc.replace(nil); err != nil {
				t.Errorf("%s without a version: %v", name, err)
			}
		}
		gone := noon
		wantErr(t, "an unknown group", s.Groups.UpdateGroup(context.WithoutCancel(ctx), &account.Group{Name: "none", UpdatedAt: noon}, &gone), account.ErrGroupNotFound)
	})
}
