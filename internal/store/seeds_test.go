package store_test

import (
	"bytes"
	"sync"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestReplicasShareASeed(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		t.Helper()
		var wait sync.WaitGroup
		seeds := make([][]byte, 16)
		for i := range seeds {
			s := storetest.Open(t, url)
			wait.Go(func() {
				var err error
				if seeds[i], err = s.Seeds.Seed(t.Context(), "a name"); err != nil {
					t.Errorf("Seed: %v", err)
				}
			})
		}
		wait.Wait()
		for _, seed := range seeds {
			if len(seed) != 32 || !bytes.Equal(seed, seeds[0]) {
				t.Errorf("replicas have seeds %x and %x, want one of 32 bytes", seed, seeds[0])
			}
		}
		other, err := storetest.Open(t, url).Seeds.Seed(t.Context(), "another name")
		if err != nil || bytes.Equal(other, seeds[0]) {
			t.Errorf("another name has the same seed: %x, %v", other, err)
		}
	})
}
