//go:build conformance

// Package conformance runs the OpenID Foundation's conformance suite against the
// whole server, on both engines, and writes down how it went.
//
// The suite is somebody else's program and runs beside this one; docs/conformance.md
// says how. Everything that it needs of a server under test is made here: a TLS
// front on a free port, a person, clients, and what the suite's browser has to do
// on our pages.
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
	update = flag.Bool("update", false, "write what came of it into docs/conformance.md")
	only   = flag.String("plans", "", "run the plans alone whose name and variant hold this")
)

// maxConcurrent is how many modules run at the same time.
const maxConcurrent = 6

// TestOpenIDProvider runs every plan of an OpenID Provider. OSTIARY_CONFORMANCE_SUITE
// is where the suite answers.
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

// run is one server before the suite.
type run struct {
	suite *suite
	site  *site
	slots chan struct{}
	// staticPlans is for the plans of each kind that bring their clients: those share an
	// address, at which one module can be answered at a time.
	staticPlans sync.Map
}

// plan runs all modules of a plan.
func (r *run) plan(t *testing.T, p plan) []outcome {
	t.Helper()
	id, modules, err := r.suite.open(t.Context(), p, r.site.config(p))
	if err != nil {
		t.Fatal(err)
	}
	turn, _ := r.staticPlans.LoadOrStore(p.static, new(sync.Mutex))
	outcomes := make([]outcome, len(modules))
	var all sync.WaitGroup
	for i, m := range modules {
		all.Go(func() {
			if lock, ok := turn.(sync.Locker); ok && p.static != "" {
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

// checkOutcomes fails the test for every module that failed, or warned of anything.
func checkOutcomes(t *testing.T, outcomes []outcome) {
	t.Helper()
	for _, o := range outcomes {
		if !slices.Contains([]string{"PASSED", "REVIEW", "SKIPPED"}, o.Result) {
			t.Errorf("%s (%s) ended as %s", o.Name, o.ID, o.Result)
		}
		for _, e := range o.Faults {
			if e.Result != "REVIEW" {
				t.Errorf("%s (%s): %s of %s: %s", o.Name, o.ID, e.Result, e.Source, e.Message)
			}
		}
	}
}
