package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/ostiary/ostiary/bench/flows"
)

// compareCommand measures two servers in turn. Both run all the time, so that each
// is measured with the other one idle.
type compareCommand struct {
	common

	Peer    string            `help:"Server to compare with, in the form of --target." required:""`
	PeerEnv map[string]string `help:"Setting of a peer that is an Ostiary, overrides --env; may be repeated." placeholder:"KEY=VALUE" mapsep:"none"`
}

// pair has the results of both servers for a flow, over all rounds.
type pair struct {
	flow    string
	callers int
	a, b    []*result
}

// Run measures A B B A and prints medians and ratios.
func (cmd *compareCommand) Run(ctx context.Context, s streams) (err error) {
	chosen, err := flows.Select(cmd.Flows)
	if err != nil {
		return err
	}
	a, err := cmd.open(ctx, cmd.Target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.close()) }()
	peer := cmd.common // with a separate database
	peer.Database, peer.Env = "", map[string]string{}
	maps.Copy(peer.Env, cmd.Env)
	maps.Copy(peer.Env, cmd.PeerEnv)
	b, err := peer.open(ctx, cmd.Peer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if a.target.Name == b.target.Name {
		b.target.Name += " (peer)"
	}

	if err := writeHeader(s.out); err != nil {
		return err
	}
	var pairs []pair
	for _, f := range chosen {
		for _, callers := range cmd.Callers {
			p := pair{flow: f.Name, callers: callers}
			if err := cmd.measureBoth(ctx, s, &p, &f, a, b); err != nil {
				return err
			}
			pairs = append(pairs, p)
		}
	}
	return writePairs(s.out, a.target.Name, b.target.Name, pairs)
}

// measureBoth measures a flow on both servers in turn. The order changes with each
// round, so that a slow change of the machine affects both alike. A server that does
// not support the flow is skipped in later rounds.
func (cmd *compareCommand) measureBoth(ctx context.Context, s streams, p *pair, f *flows.Flow, a, b *measuredTarget) error {
	settings := plan{Callers: p.callers, Duration: cmd.Duration, WarmUp: cmd.WarmUp}
	for round := 1; round <= cmd.Rounds; round++ {
		order := []struct {
			*measuredTarget
			results *[]*result
		}{{a, &p.a}, {b, &p.b}}
		if round%2 == 0 {
			slices.Reverse(order)
		}
		for _, server := range order {
			if len(*server.results) < round-1 {
				continue
			}
			r, err := cmd.measureOnce(ctx, s, server.measuredTarget, f, settings, round)
			if err != nil {
				return err
			}
			if r != nil {
				*server.results = append(*server.results, r)
			}
		}
	}
	return nil
}

// ratios is the format of a row of the table of medians.
const ratios = "%-26s %4s %9s %9s %7s %8s %8s %9s %9s %7s %9s %9s %7s %7s  %-21s %-21s\n"

// writePairs prints the medians of both servers and their ratios. Total processor
// time is that of the server and its database. The last two columns are the median of
// the rounds' ratios A/B with its 95 % interval: a change from B to A is slower only if
// the whole interval is above 1.
func writePairs(w io.Writer, nameA, nameB string, pairs []pair) error {
	_, err := fmt.Fprintf(w, "\nMedians: A is %s, B is %s.\n\n"+ratios, nameA, nameB,
		"flow", "c", "A ops/s", "B ops/s", "A/B", "A p99", "B p99", "A srv cpu", "B srv cpu", "B/A", "A all cpu", "B all cpu", "B/A", "errors", "A/B srv cpu (95 %)", "A/B all cpu (95 %)")
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	for _, p := range pairs {
		if len(p.a) == 0 || len(p.b) == 0 {
			continue
		}
		a, b := summarize(p.a), summarize(p.b)
		_, err := fmt.Fprintf(w, ratios, p.flow, strconv.Itoa(p.callers), round(a.rate), round(b.rate), times(a.rate, b.rate),
			round(a.p99), round(b.p99), fmt.Sprintf("%.3f", a.server), fmt.Sprintf("%.3f", b.server), times(b.server, a.server),
			fmt.Sprintf("%.3f", a.all), fmt.Sprintf("%.3f", b.all), times(b.all, a.all), fmt.Sprintf("%d/%d", a.errors, b.errors),
			ratioOf(p, func(r *result) float64 { return r.ServerCPU }), ratioOf(p, func(r *result) float64 { return r.ServerCPU + r.DatabaseCPU }))
		if err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	return nil
}

// summary has the medians of several rounds.
type summary struct {
	rate, p99, server, all float64
	errors                 uint64
}

func summarize(results []*result) summary {
	s := summary{
		rate: medianOf(results, func(r *result) float64 { return r.PerSecond }), p99: medianOf(results, func(r *result) float64 { return r.P99 }),
		server: medianOf(results, func(r *result) float64 { return r.ServerCPU }),
		all:    medianOf(results, func(r *result) float64 { return r.ServerCPU + r.DatabaseCPU }),
	}
	for _, r := range results {
		s.errors += r.Errors + r.Refused
	}
	return s
}

func medianOf(results []*result, of func(*result) float64) float64 {
	values := make([]float64, len(results))
	for i, r := range results {
		values[i] = of(r)
	}
	return median(values)
}

// median returns the middle value, or the mean of the two in the middle. It sorts
// values, which must not be empty.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// ratioOf returns the median of the ratios A/B of a value in each round, followed by its
// 95 % interval. Fewer than six rounds have no interval.
func ratioOf(p pair, value func(*result) float64) string {
	var all []float64
	for i := range min(len(p.a), len(p.b)) {
		if below := value(p.b[i]); below > 0 {
			all = append(all, value(p.a[i])/below)
		}
	}
	if len(all) == 0 {
		return "-"
	}
	middle := median(all) // sorts all
	skip := outside95(len(all))
	if skip == 0 {
		return fmt.Sprintf("%.3f", middle)
	}
	return fmt.Sprintf("%.3f (%.3f-%.3f)", middle, all[skip-1], all[len(all)-skip])
}

// outside95 returns the rank k, from 1, for which the k-th smallest and the k-th largest
// of n measurements enclose the median of their distribution with a probability of at
// least 95 % for any distribution, since each measurement is below the median with a
// probability of one half. It returns 0 if n is too small.
func outside95(n int) int {
	probability, below := math.Pow(0.5, float64(n)), 0.0
	for k := range n {
		below += probability // the probability that at most k measurements are below
		if below > 0.025 {
			return k
		}
		probability *= float64(n-k) / float64(k+1)
	}
	return 0
}

func times(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1fx", a/b)
}
