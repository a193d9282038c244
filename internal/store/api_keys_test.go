package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		one := &apikey.Key{ID: "one", Name: "an app", Hash: []byte{1, 2}, Scopes: []string{"a:read", "a:write"}, CreatedAt: noon}
		two := &apikey.Key{ID: "two", Hash: []byte{3}, Scopes: []string{"a:read"}, CreatedAt: noon}
		two.ExpiresAt = noon.Add(time.Hour)
		must(t, s.APIKeys.InsertAPIKey(ctx, one))
		must(t, s.APIKeys.InsertAPIKey(ctx, two))
		got, err := s.APIKeys.APIKey(ctx, "two")
		must(t, err)
		wantSame(t, "a key", got, two)
		all, err := s.APIKeys.ListAPIKeys(ctx, "", 10)
		must(t, err)
		wantSame(t, "the keys", len(all), 2)
		must(t, s.APIKeys.DeleteAPIKey(ctx, "one"))
		wantErr(t, "deleting it again", s.APIKeys.DeleteAPIKey(ctx, "one"), apikey.ErrNotFound)
		_, err = s.APIKeys.APIKey(ctx, "one")
		wantErr(t, "a key that was deleted", err, apikey.ErrNotFound)
	})
}
