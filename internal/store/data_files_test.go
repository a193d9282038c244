package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/datafile"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// The files of all accounts are bounded; an account with a file may replace it.
func TestDataFilesAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		ctx := t.Context()
		request := func(subject string, at time.Time) error { return s.DataFiles.RequestDataFile(ctx, subject, at, 1) }
		must(t, request("alice", noon))
		wantErr(t, "a second account", request("bob", noon), datafile.ErrTooMany)
		wantErr(t, "an unknown account", request("nobody", noon), datafile.ErrNotFound)

		f, err := s.DataFiles.ClaimDataFile(ctx, noon, noon.Add(time.Minute))
		must(t, err)
		f.MadeAt, f.ExpiresAt = noon, noon.Add(datafile.Lifetime)
		must(t, s.DataFiles.SaveDataFile(ctx, f, []byte("first")))
		must(t, request("alice", noon.Add(time.Second)))
		must(t, s.DataFiles.SaveDataFile(ctx, f, []byte("late")))
		_, err = s.DataFiles.DataFileContent(ctx, "alice", noon)
		wantErr(t, "the first file after the second request", err, datafile.ErrNotFound)

		_, err = s.Purge(ctx, noon.Add(datafile.Lifetime+2*time.Hour))
		must(t, err)
		must(t, request("bob", noon.Add(datafile.Lifetime+2*time.Hour)))
	})
}
