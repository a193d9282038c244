package store_test

import (
	"sync"
	"testing"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Reads that never end are ended, and nobody else waits for them.
func TestNobodyWaitsForAListThatTakesForEver(t *testing.T) {
	t.Parallel()

	s := storetest.New(t)
	furnish(t, s)
	g := insert(t, s, nil)
	var ended sync.Map
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			err := store.List(t.Context(), s, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`)
			ended.Store(i, true)
			if !isUnavailable(err) {
				t.Errorf("a list that takes for ever = %v, want it unavailable", err)
			}
		})
	}
	for range 8 {
		wantLive(t, s, g.Locator, noon, true)
		must(t, deny("jti")(t.Context(), s))
	}
	ended.Range(func(any, any) bool { t.Error("the others waited for a list"); return false })
	group.Wait()
	if _, err := s.ListClients(t.Context(), "", 1); err != nil {
		t.Errorf("the next list = %v, want it to come", err)
	}
}
