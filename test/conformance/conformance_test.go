//go:build conformance

// Package conformance runs the OpenID Foundation's conformance suite against the whole
// server, on both engines, and records the results.
//
// The suite is a separate program that must be running; see docs/conformance.md. The
// test creates the rest: a TLS proxy on a free port, a user, clients, and the
// instructions for the suite's browser.
package conformance

import (
	"cmp"
	"context"
	"flag"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

var (
	update = flag.Bool("update", false, "write the results to docs/conformance.md")
	only   = flag.String("plans", "", "run only the plans that match one of these patterns, separated by commas")
	fresh  = flag.Bool("fresh", false, "also run the plans that passed at the same commit before")
)

// maxConcurrent is the number of concurrent modules of a plan that registers clients.
const maxConcurrent = 6

// TestPlans runs the plans, up to -parallel of them concurrently. OSTIARY_CONFORMANCE_SUITE
// is the URL of the suite.
func TestPlans(t *testing.T) {
	base := strings.TrimSuffix(cmp.Or(os.Getenv("OSTIARY_CONFORMANCE_SUITE"), "https://localhost.emobix.co.uk:8443"), "/")
	suite, certificate, err := reach(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	version, err := suite.version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	page := ""
	if *update {
		page = "../../docs/conformance.md"
	}
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			list, err := selected(engine, *only)
			if err != nil {
				t.Fatal(err)
			}
			record, err := newRecord(t.Context(), engine, version, page)
			if err == nil && *fresh {
				err = record.forget()
			}
			if err != nil {
				t.Fatal(err)
			}
			list = slices.DeleteFunc(list, func(p plan) bool {
				r, found := record.kept(p)
				if found {
					t.Logf("%s: passed before, with commit %s", p.id(), r.Commit)
				}
				return found
			})
			if len(list) == 0 {
				return
			}
			run := &run{suite: suite, site: serve(t, engine, list, suite, certificate), record: record, slots: make(chan struct{}, maxConcurrent)}
			for _, p := range list {
				t.Run(p.id(), func(t *testing.T) {
					t.Parallel()
					run.plan(t, p)
				})
			}
		})
	}
}

// run is a server with the suite that tests it.
type run struct {
	suite  *suite
	site   *site
	record *record
	slots  chan struct{}
}

// plan runs all modules of a plan, and records the result if all of them passed. The
// modules of a plan with static clients share a callback address, so they run one after
// another.
func (r *run) plan(t *testing.T, p plan) {
	t.Helper()
	config, err := r.site.config(p)
	if err != nil {
		t.Fatal(err)
	}
	id, modules, err := r.suite.open(t.Context(), p, config)
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make([]outcome, len(modules))
	var ended atomic.Int64
	one := func(i int) {
		outcomes[i] = r.module(t, id, modules[i])
		t.Logf("%s: %d of %d: %-7s %s", p.id(), ended.Add(1), len(modules), outcomes[i].Result, modules[i].Name)
	}
	if p.static != "" {
		for i := range modules {
			one(i)
		}
	} else {
		var all sync.WaitGroup
		for i := range modules {
			all.Go(func() {
				r.slots <- struct{}{}
				defer func() { <-r.slots }()
				one(i)
			})
		}
		all.Wait()
	}
	checkOutcomes(t, outcomes)
	var result result
	for _, o := range outcomes {
		result.add(o.Result)
	}
	if t.Failed() {
		return
	}
	if err := r.record.keep(p, result); err != nil {
		t.Error(err)
	}
}

func (r *run) module(t *testing.T, planID string, m module) outcome {
	t.Helper()
	var before func() error
	if m.Name == "oidcc-server-rotate-keys" {
		before = func() error { return r.site.rotate(t.Context()) }
	}
	o, err := r.suite.run(context.WithoutCancel(t.Context()), planID, m, before)
	if err != nil {
		t.Errorf("%s: %v", m.Name, err)
		o.module, o.Result = m, "FAILED"
	}
	return o
}

// checkOutcomes fails the test for every module that failed or has a warning that is not
// explained.
func checkOutcomes(t *testing.T, outcomes []outcome) {
	t.Helper()
	for _, o := range outcomes {
		if !slices.Contains([]string{"PASSED", "REVIEW", "SKIPPED", "WARNING"}, o.Result) {
			t.Errorf("%s (%s) has the result %s", o.Name, o.ID, o.Result)
		}
		for _, e := range o.Faults {
			if e.Result != "REVIEW" && !e.isExplained() {
				t.Errorf("%s (%s): %s of %s: %s (%s)", o.Name, o.ID, e.Result, e.Source, e.Message, strings.Join(e.details, ", "))
			}
		}
		if o.Result == "WARNING" && len(o.Faults) == 0 {
			t.Errorf("%s (%s) has a warning without an entry in its log", o.Name, o.ID)
		}
	}
}
