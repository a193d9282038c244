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

// atOnce is how many modules run at the same time.
const atOnce = 3

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
	tally := &tally{version: version}
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			site := serve(t, engine, suite, certificate)
			for _, p := range plans() {
				if !strings.Contains(p.title()+" "+p.variants(), *only) {
					continue
				}
				t.Run(p.title()+"/"+p.variants(), func(t *testing.T) {
					outcomes := runPlan(t, suite, site, p)
					judge(t, outcomes)
					tally.add(engine, p, outcomes)
				})
			}
		})
	}
	t.Log("\n" + tally.tables())
	if *update && *only == "" {
		if err := tally.write("../../docs/conformance.md"); err != nil {
			t.Error(err)
		}
	}
}

// runPlan runs all modules of a plan, several at once where each registers clients
// of its own.
func runPlan(t *testing.T, suite *suite, site *site, p plan) []outcome {
	t.Helper()
	id, modules, err := suite.open(t.Context(), p, site.config(p))
	if err != nil {
		t.Fatal(err)
	}
	width := atOnce
	if p.static != "" {
		width = 1 // its modules share an address
	}
	outcomes := make([]outcome, len(modules))
	slots := make(chan struct{}, width)
	var all sync.WaitGroup
	for i, m := range modules {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			outcomes[i] = runModule(t, suite, site, id, m)
		})
	}
	all.Wait()
	return outcomes
}

func runModule(t *testing.T, suite *suite, site *site, planID string, m module) outcome {
	t.Helper()
	before := func() error {
		if m.Name != "oidcc-server-rotate-keys" {
			return nil
		}
		return site.rotate(t.Context())
	}
	o, err := suite.run(context.WithoutCancel(t.Context()), planID, m, before)
	if err != nil {
		t.Errorf("%s: %v", m.Name, err)
		o.module, o.Result = m, "FAILED"
	}
	t.Logf("%-7s %s", o.Result, m.Name)
	return o
}

// judge fails the test for every module that failed, or warned of what nobody has
// explained.
func judge(t *testing.T, outcomes []outcome) {
	t.Helper()
	for _, o := range outcomes {
		if !slices.Contains([]string{"PASSED", "REVIEW", "SKIPPED", "WARNING"}, o.Result) {
			t.Errorf("%s (%s) ended as %s", o.Name, o.ID, o.Result)
		}
		for _, e := range o.Faults {
			if e.Result == "REVIEW" || e.Result == "WARNING" && explained(o.Name, e) {
				continue
			}
			t.Errorf("%s (%s): %s of %s: %s", o.Name, o.ID, e.Result, e.Source, e.Message)
		}
	}
}

// explained reports whether a warning is one that docs/conformance.md explains.
func explained(string, entry) bool { return false }
