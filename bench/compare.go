package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/ostiary/ostiary/bench/flows"
)

// compareCommand measures two servers in turn. Both are up all the time, so that
// one that idles costs the other as much as the other way round.
type compareCommand struct {
	common

	Peer    string            `help:"What to compare with, named as a target is." required:""`
	PeerEnv map[string]string `help:"A setting of a peer that is an Ostiary, over those of --env; may be repeated." placeholder:"KEY=VALUE" mapsep:"none"`
}

// pair is what both servers did in a flow, over all rounds.
type pair struct {
	flow         string
	callers      int
	ours, theirs []*result
}

// Run measures A B A B and prints medians and ratios.
func (cmd *compareCommand) Run(ctx context.Context, s streams) (err error) {
	chosen, err := flows.Select(cmd.Flows)
	if err != nil {
		return err
	}
	ours, err := cmd.enter(ctx, cmd.Target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close()) }()
	peer := cmd.common // which has a database of its own
	peer.Database, peer.Env = "", map[string]string{}
	maps.Copy(peer.Env, cmd.Env)
	maps.Copy(peer.Env, cmd.PeerEnv)
	theirs, err := peer.enter(ctx, cmd.Peer)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, theirs.close()) }()
	if ours.target.Name == theirs.target.Name {
		theirs.target.Name += " (peer)"
	}

	if err := writeHead(s.out); err != nil {
		return err
	}
	var pairs []pair
	for _, f := range chosen {
		for _, callers := range cmd.Callers {
			p := pair{flow: f.Name, callers: callers}
			if err := cmd.both(ctx, s, &p, &f, ours, theirs); err != nil {
				return err
			}
			pairs = append(pairs, p)
		}
	}
	return writePairs(s.out, ours.target.Name, theirs.target.Name, pairs)
}

// both measures a flow on both in turn. One that cannot do it is not asked again.
func (cmd *compareCommand) both(ctx context.Context, s streams, p *pair, f *flows.Flow, ours, theirs *contender) error {
	how := plan{Callers: p.callers, Duration: cmd.Duration, WarmUp: cmd.WarmUp}
	for round := 1; round <= cmd.Rounds; round++ {
		for _, who := range []struct {
			*contender
			results *[]*result
		}{{ours, &p.ours}, {theirs, &p.theirs}} {
			if len(*who.results) < round-1 {
				continue
			}
			r, err := cmd.one(ctx, s, who.contender, f, how, round)
			if err != nil {
				return err
			}
			if r != nil {
				*who.results = append(*who.results, r)
			}
		}
	}
	return nil
}

// ratios are the columns of the table of medians.
const ratios = "%-26s %4s %9s %9s %7s %8s %8s %9s %9s %7s %9s %9s %7s %7s\n"

// writePairs prints the medians of both, and ours over theirs. Total processor
// time is that of the server and its database.
func writePairs(w io.Writer, ours, theirs string, pairs []pair) error {
	_, err := fmt.Fprintf(w, "\nMedians: A is %s, B is %s.\n\n"+ratios, ours, theirs,
		"flow", "c", "A ops/s", "B ops/s", "A/B", "A p99", "B p99", "A srv cpu", "B srv cpu", "B/A", "A all cpu", "B all cpu", "B/A", "errors")
	if err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	for _, p := range pairs {
		if len(p.ours) == 0 || len(p.theirs) == 0 {
			continue
		}
		a, b := summarize(p.ours), summarize(p.theirs)
		_, err := fmt.Fprintf(w, ratios, p.flow, strconv.Itoa(p.callers), round(a.rate), round(b.rate), times(a.rate, b.rate),
			round(a.p99), round(b.p99), fmt.Sprintf("%.3f", a.server), fmt.Sprintf("%.3f", b.server), times(b.server, a.server),
			fmt.Sprintf("%.3f", a.all), fmt.Sprintf("%.3f", b.all), times(b.all, a.all), fmt.Sprintf("%d/%d", a.errors, b.errors))
		if err != nil {
			return fmt.Errorf("write table: %w", err)
		}
	}
	return nil
}

// summary are medians of several rounds.
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

// median is the middle value, or the mean of the two in the middle. It sorts the
// values, of which there must be one.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

func times(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1fx", a/b)
}
