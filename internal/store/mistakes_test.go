package store_test

import (
	"testing"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A programming mistake must not be reported as an unavailable database, which clients
// would retry.
func TestMistakeIsNotUnavailable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for mistake, err := range s.Mistakes(t.Context()) {
			if err == nil || isUnavailable(err) {
				t.Errorf("%s = %v, want an error that is not the database's", mistake, err)
			}
		}
	})
}
