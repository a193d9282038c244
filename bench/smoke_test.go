package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/bench/flows"
	"github.com/ostiary/ostiary/bench/target"
)

// sources makes the cached result of a test depend on the server's source files,
// since the go command does not know that the test builds them.
func sources(t *testing.T) {
	t.Helper()
	for _, root := range []string{"../cmd", "../internal", "../migrations"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				_, err = os.Stat(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryFlowSucceedsWithoutErrors(t *testing.T) {
	t.Parallel()
	sources(t)
	c, err := openTarget(t.Context(), "ostiary", instanceOptions{Engine: "sqlite", IDTokenAlg: "ES256"}, target.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	for _, f := range flows.All() {
		r, err := c.measure(t.Context(), &f, plan{Callers: 2, Duration: 50 * time.Millisecond, WarmUp: 10 * time.Millisecond})
		if err != nil {
			t.Error(err)
			continue
		}
		if r.Ops == 0 || r.Errors > 0 || r.Refused > 0 {
			t.Errorf("%s: %d operations, %d refused, %d errors: %q", f.Name, r.Ops, r.Refused, r.Errors, r.Shown)
		}
	}
}

func TestEachResultIsOneLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "results.jsonl")
	for round := 1; round <= 2; round++ {
		if err := record(path, &result{Flow: "jwks", Round: round}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var r result
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Flow != "jwks" {
			t.Errorf("line %q: %v", line, err)
		}
	}
	if got := strings.Count(string(text), "\n"); got != 2 {
		t.Errorf("%d lines, want 2", got)
	}
}
