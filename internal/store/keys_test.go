package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		want := func(wantVersion int64, wantRecords []jwks.Record) {
			t.Helper()
			version, records, err := s.Keys.LoadKeys(t.Context())
			must(t, err)
			wantSame(t, "version", version, wantVersion)
			wantSame(t, "keys", records, wantRecords)
		}
		a := jwks.Record{KID: "a", Algorithm: jwks.ES256, State: jwks.Current, Sealed: []byte{1}, PublishedAt: noon, ActivatedAt: noon}
		b := jwks.Record{KID: "b", Algorithm: jwks.RS256, State: jwks.Past, Sealed: []byte{2}, PublishedAt: noon, ActivatedAt: noon, RetiredAt: noon, TokenLifetime: 36 * time.Hour, RemoveAfter: noon}
		want(0, nil)

		must(t, s.Keys.SaveKeys(t.Context(), 0, []jwks.Record{b, a}, nil))
		want(1, []jwks.Record{a, b})
		wantErr(t, "SaveKeys on an old version", s.Keys.SaveKeys(t.Context(), 0, nil, []string{"a"}), jwks.ErrConflict)
		want(1, []jwks.Record{a, b})

		a.State, a.RetiredAt = jwks.Past, noon
		must(t, s.Keys.SaveKeys(t.Context(), 1, []jwks.Record{a}, []string{"b", "unknown"}))
		want(2, []jwks.Record{a})
	})
}
