package sqlite_test

import (
	"sync"
	"testing"

	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// Reads without an end are interrupted, and other statements do not wait for them.
func TestLongReadsAreEndedAndDelayNoOther(t *testing.T) {
	t.Parallel()

	s := open(t, storetest.SQLiteURL(t))
	fixture.Seed(t, s.Store)
	g := fixture.InsertGrant(t, s.Store, nil)
	var ended sync.Map
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			err := s.engine.LongReader().Query(t.Context(), func(db.Scanner) error { return nil }, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n`)
			ended.Store(i, true)
			if !db.IsUnavailable(err) {
				t.Errorf("a list that takes for ever = %v, want it unavailable", err)
			}
		})
	}
	for range 8 {
		fixture.WantLive(t, s.Store, g.Locator, noon, true)
		must(t, deny("jti")(t.Context(), s))
	}
	ended.Range(func(any, any) bool { t.Error("the others waited for a list"); return false })
	group.Wait()
	if _, err := s.Clients.ListClients(t.Context(), "", 1); err != nil {
		t.Errorf("the next list = %v, want it to come", err)
	}
}
