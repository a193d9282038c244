package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// All grants are live, in as many partitions as live grants can have.
func TestSeed(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		const many = 600
		var out, progress bytes.Buffer
		args := []string{"--database", url, "--grants", "600", "--refreshes", "2", "--sample", "10"}
		if err := run(t.Context(), args, &out, &progress); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"600 live grants, before any refresh", "grants_session", "after 2 refreshes of 10 of them"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the report lacks %q:\n%s", want, out.String())
			}
		}
		if !strings.Contains(progress.String(), "600 of 600 grants") {
			t.Errorf("progress = %q, want it to end with all grants", progress.String())
		}

		s := storetest.Open(t, url)
		list, err := s.Grants.ListGrants(t.Context(), store.GrantFilter{}, grant.Locator{}, 2*many, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		buckets := map[grant.Partition]int{}
		for _, g := range list {
			buckets[g.Partition]++
		}
		if len(list) != many || len(buckets) < weeks {
			t.Errorf("%d grants live, in %d buckets: %v", len(list), len(buckets), buckets)
		}
		if err := run(t.Context(), args, &out, &progress); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("a second run = %v, want an error", err)
		}
	})
}
