package storetest_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestSomebodyOutsideSeesWhatTheStoreKeeps(t *testing.T) {
	t.Parallel()

	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		key := jwks.Record{KID: "the-name-of-a-key", Algorithm: jwks.ES256, State: jwks.Current, Sealed: []byte("x")}
		if err := s.SaveKeys(t.Context(), 0, []jwks.Record{key}, nil); err != nil {
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
		done := make(chan error, 1)
		storetest.HoldKeys(t, url, func() {
			go func() { done <- s.SaveKeys(t.Context(), 7, nil, nil) }()
			if _, _, err := s.LoadKeys(t.Context()); err != nil {
				t.Errorf("load: %v", err)
			}
			select {
			case err := <-done:
				t.Errorf("saved meanwhile: %v", err)
			default:
			}
		})
		if err := <-done; !errors.Is(err, jwks.ErrRaced) {
			t.Errorf("saved afterwards: %v, want ErrRaced", err)
		}
	})
}
