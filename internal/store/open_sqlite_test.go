package store_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/ostiary/ostiary/internal/store"
)

func TestNewFileIsOpenedConcurrently(t *testing.T) {
	t.Parallel()

	for range 40 {
		url := "sqlite:" + filepath.Join(t.TempDir(), "ostiary.db")
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				s, err := store.Open(t.Context(), store.Config{URL: url})
				if err != nil {
					t.Error(err)
					return
				}
				s.Close()
			})
		}
		wait.Wait()
	}
}
