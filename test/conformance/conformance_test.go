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
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

var (
	update = flag.Bool("update", false, "write the results to docs/conformance.md")
	only   = flag.String("plans", "", "run only plans whose name and variant contain this")
)

// maxConcurrent is the number of concurrent modules.
const maxConcurrent = 6

// TestOpenIDProvider runs every plan for OpenID Providers. OSTIARY_CONFORMANCE_SUITE is
// the URL of the suite.
func TestOpenIDProvider(t *testing.T) {
	base := strings.TrimSuffix(cmp.Or(os.Getenv("OSTIARY_CONFORMANCE_SUITE"), "https://localhost.emobix.co.uk:8443"), "/")
	suite, certificate, err := reach(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	version, err := suite.version(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range rig.Engines() {
		results := &results{version: version, engine: engine}
		passed := t.Run(string(engine), func(t *testing.T) {
			t.Cleanup(func() { t.Log("\n" + results.table("")) })
			run := &run{suite: suite, site: serve(t, engine, suite, certificate), slots: make(chan struct{}, maxConcurrent)}
			for _, p := range plans() {
				if !strings.Contains(p.title()+" "+p.variants(), *only) {
					continue
				}
				row := results.row(p)
				t.Run(p.title()+"/"+p.variants(), func(t *testing.T) {
					t.Parallel()
					outcomes := run.plan(t, p)
					checkOutcomes(t, outcomes)
					row.count(outcomes)
				})
			}
		})
		if !*update || !passed || len(results.rows) == 0 {
			continue
		}
		if err := results.write("../../docs/conformance.md"); err != nil {
			t.Error(err)
		}
	}
}

// run is a server with the suite that tests it.
type run struct {
	suite *suite
	site  *site
	slots chan struct{}
	// staticPlans has a lock for each group of plans with static clients: these share a
	// callback address, so only one module can run at a time.
	staticPlans sync.Map
}

// plan runs all modules of a plan.
func (r *run) plan(t *testing.T, p plan) []outcome {
	t.Helper()
	id, modules, err := r.suite.open(t.Context(), p, r.site.config(p))
	if err != nil {
		t.Fatal(err)
	}
	lock, _ := r.staticPlans.LoadOrStore(p.static, new(sync.Mutex))
	outcomes := make([]outcome, len(modules))
	var all sync.WaitGroup
	for i, m := range modules {
		all.Go(func() {
			if lock, ok := lock.(sync.Locker); ok && p.static != "" {
				lock.Lock()
				defer lock.Unlock()
			}
			r.slots <- struct{}{}
			defer func() { <-r.slots }()
			outcomes[i] = r.module(t, id, m)
		})
	}
	all.Wait()
	return outcomes
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
	t.Logf("%-7s %s", o.Result, m.Name)
	return o
}

// checkOutcomes fails the test for every module that failed or has warnings.
func checkOutcomes(t *testing.T, outcomes []outcome) {
	t.Helper()
	for _, o := range outcomes {
		if !slices.Contains([]string{"PASSED", "REVIEW", "SKIPPED"}, o.Result) {
			t.Errorf("%s (%s) has the result %s", o.Name, o.ID, o.Result)
		}
		for _, e := range o.Faults {
			if e.Result != "REVIEW" {
				t.Errorf("%s (%s): %s of %s: %s", o.Name, o.ID, e.Result, e.Source, e.Message)
			}
		}
	}
}
