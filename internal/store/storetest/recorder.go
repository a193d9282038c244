package storetest

import (
	"context"
	"maps"
	"strings"
	"sync"
	"testing"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/store/sqlite"
)

// Recorder records the reads of a store outside of transactions.
type Recorder struct {
	db.Engine

	mu    sync.Mutex
	label string
	reads map[string]string
}

// OpenRecorded migrates and opens a SQLite database, and records its reads.
func OpenRecorded(tb testing.TB, url string) (*store.Store, *Recorder) {
	tb.Helper()
	engine, err := sqlite.Open(tb.Context(), strings.TrimPrefix(url, "sqlite:"))
	if err != nil {
		tb.Fatal(err)
	}
	r := &Recorder{Engine: engine, reads: map[string]string{}}
	s := store.New(r, store.Config{})
	tb.Cleanup(s.Close)
	if _, err := s.Migrate(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s, r
}

// Label records the reads from now on with a label.
func (r *Recorder) Label(label string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.label = label
}

// Reads returns the statements that were recorded with a label, and their last labels.
func (r *Recorder) Reads() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.reads)
}

// Reader implements [db.Engine].
func (r *Recorder) Reader() db.Runner { return recorded{r.Engine.Reader(), r} }

// LongReader implements [db.Engine].
func (r *Recorder) LongReader() db.Runner { return recorded{r.Engine.LongReader(), r} }

type recorded struct {
	db.Runner

	to *Recorder
}

// Query implements [db.Runner].
func (r recorded) Query(ctx context.Context, visit func(db.Scanner) error, statement string, args ...any) error {
	r.to.mu.Lock()
	if r.to.label != "" {
		r.to.reads[statement] = r.to.label
	}
	r.to.mu.Unlock()
	return r.Runner.Query(ctx, visit, statement, args...)
}
