package storetest_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestEverythingContainsStoredData(t *testing.T) {
	t.Parallel()

	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		key := jwks.Record{KID: "the-name-of-a-key", Algorithm: jwks.ES256, State: jwks.Current, Sealed: []byte("x")}
		if err := s.Keys.SaveKeys(t.Context(), 0, []jwks.Record{key}, nil); err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(storetest.Everything(t, url), []byte(key.KID)) {
			t.Error("what was stored is not among everything")
		}
	})
}

func TestHeldKeysChangeOnlyAfterwards(t *testing.T) {
	t.Parallel()

	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		key := jwks.Record{KID: "kid", Algorithm: jwks.ES256, State: jwks.Current, Sealed: []byte("x")}
		saved := make(chan error, 1)
		storetest.HoldKeys(t, url, func() {
			go func() { saved <- s.Keys.SaveKeys(t.Context(), 0, []jwks.Record{key}, nil) }()
			time.Sleep(50 * time.Millisecond) // enough for it to happen, if it could
			if version, _, err := s.Keys.LoadKeys(t.Context()); version != 0 || err != nil {
				t.Errorf("meanwhile the keys have version %d, %v, want 0", version, err)
			}
		})
		if err := <-saved; err != nil {
			t.Errorf("save: %v", err)
		}
	})
}
