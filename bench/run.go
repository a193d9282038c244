package main

import (
	"context"
	"errors"
	"time"

	"github.com/ostiary/ostiary/bench/flows"
	"github.com/ostiary/ostiary/bench/target"
)

// common are the flags of all measurements.
type common struct {
	Target     string            `help:"Server to measure: 'ostiary' is built from this checkout and started; or the path of a built binary, a JSON file that describes a running server, or an issuer." default:"ostiary"`
	Flows      string            `help:"Comma-separated flows to measure; a name may end in *. Default: all." placeholder:"NAMES"`
	Callers    []int             `short:"c" help:"Number of concurrent callers." default:"32"`
	Duration   time.Duration     `short:"d" help:"Duration of each measurement." default:"2s"`
	WarmUp     time.Duration     `help:"Duration of the warm-up before each measurement." default:"300ms"`
	Rounds     int               `short:"n" help:"Number of rounds." default:"1"`
	Out        string            `help:"Append each result to this file, one JSON object per line." placeholder:"FILE"`
	Engine     string            `help:"Database engine of a started Ostiary." enum:"postgres,sqlite" default:"postgres"`
	Env        map[string]string `help:"Setting of a started Ostiary; may be repeated." placeholder:"KEY=VALUE" mapsep:"none"`
	Count      bool              `help:"Count SQL statements with pg_stat_statements. Adds a small overhead."`
	LoginApp   bool              `help:"Sign users in as a custom login app, through the admin API, without passwords."`
	Database   string            `help:"Existing database of a started Ostiary, for instance one that ./bench/seed has filled. To reuse it, pass the same --env SYSTEM_SECRETS." placeholder:"URL"`
	Variant    string            `help:"Name of the settings in the results if they are not the default, for instance RS256 or SQLite." placeholder:"NAME"`
	Grants     int64             `help:"Number of live grants in --database, for the results." placeholder:"COUNT"`
	IDTokenAlg string            `help:"Signing algorithm that clients register for their ID tokens." default:"ES256" name:"id-token-alg"`
}

func (c *common) open(ctx context.Context, name string) (*measuredTarget, error) {
	o := instanceOptions{Engine: c.Engine, Env: c.Env, Count: c.Count, IDTokenAlg: c.IDTokenAlg, LoginApp: c.LoginApp, Database: c.Database}
	return openTarget(ctx, name, o, target.Options{IDTokenAlg: c.IDTokenAlg})
}

// runCommand measures one server.
type runCommand struct {
	common

	Rate        rates `help:"Also measure open loops at these rates: operations per second, or multiples of the closed-loop rate as in 0.5x,1x,2x." placeholder:"RATES"`
	OpenCallers int   `help:"Maximum concurrent operations of an open loop." default:"512"`
}

// Run measures every selected flow and writes a table of results.
func (cmd *runCommand) Run(ctx context.Context, s streams) (err error) {
	chosen, err := flows.Select(cmd.Flows)
	if err != nil {
		return err
	}
	c, err := cmd.open(ctx, cmd.Target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := writeHeader(s.out); err != nil {
		return err
	}
	for _, f := range chosen {
		for _, callers := range cmd.Callers {
			for round := 1; round <= cmd.Rounds; round++ {
				p := plan{Callers: callers, Duration: cmd.Duration, WarmUp: cmd.WarmUp}
				if err := cmd.measureRates(ctx, s, c, &f, p, round); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// measureOnce measures a flow once, prints the result and appends it to the file of
// results. If the target does not support the flow, it returns nil and no error.
func (c *common) measureOnce(ctx context.Context, s streams, t *measuredTarget, f *flows.Flow, p plan, round int) (*result, error) {
	s.progress("%s at %s, %d callers, round %d\n", f.Name, t.target.Name, p.Callers, round)
	r, err := t.measure(ctx, f, p)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		s.progress("skipped: %v\n", err)
		return nil, nil
	}
	r.Round, r.Variant, r.Grants = round, c.Variant, c.Grants
	if err := writeRow(s.out, r); err != nil {
		return nil, err
	}
	return r, record(c.Out, r)
}
