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
	Target     string            `help:"What to measure: 'ostiary' is built from this checkout and started; or a built binary of it, a JSON file that describes a running server, or an issuer." default:"ostiary"`
	Flows      string            `help:"Only these, comma separated; * at the end stands for any." placeholder:"NAMES"`
	Callers    []int             `short:"c" help:"How many callers at once." default:"32"`
	Duration   time.Duration     `short:"d" help:"How long to measure each." default:"2s"`
	WarmUp     time.Duration     `help:"How long to call before that." default:"300ms"`
	Rounds     int               `short:"n" help:"How often." default:"1"`
	Out        string            `help:"Append each result to this file, a JSON object a line." placeholder:"FILE"`
	Engine     string            `help:"Database of an Ostiary that is started." enum:"postgres,sqlite" default:"postgres"`
	Env        map[string]string `help:"A setting of an Ostiary that is started; may be repeated." placeholder:"KEY=VALUE" mapsep:"none"`
	Count      bool              `help:"Count statements, with pg_stat_statements in an Ostiary's database. It costs a little."`
	LoginApp   bool              `help:"Sign people in as an Ostiary's login app, over the administrators' API, in place of its pages: without a password."`
	Database   string            `help:"Database of an Ostiary that is started, in place of a fresh one, for instance one that ./bench/seed has filled. To use it again, keep --env SYSTEM_SECRETS." placeholder:"URL"`
	Variant    string            `help:"Call the settings this in the results, where they are not the usual ones: RS256, SQLite." placeholder:"NAME"`
	Grants     int64             `help:"Note in the results how many live grants --database holds." placeholder:"COUNT"`
	IDTokenAlg string            `help:"What clients register for their ID tokens." default:"ES256" name:"id-token-alg"`
}

func (c *common) enter(ctx context.Context, what string) (*contender, error) {
	o := standOptions{Engine: c.Engine, Env: c.Env, Count: c.Count, IDTokenAlg: c.IDTokenAlg, LoginApp: c.LoginApp, Database: c.Database}
	return enter(ctx, what, o, target.Options{IDTokenAlg: c.IDTokenAlg})
}

// runCommand measures one server.
type runCommand struct {
	common

	Rate        rates `help:"Measure an open loop at these rates too: a number a second, or times what the callers reach, as in 0.5x,1x,2x." placeholder:"RATES"`
	OpenCallers int   `help:"How many operations of an open loop may go on at once." default:"512"`
}

// Run measures.
func (cmd *runCommand) Run(ctx context.Context, s streams) (err error) {
	chosen, err := flows.Select(cmd.Flows)
	if err != nil {
		return err
	}
	c, err := cmd.enter(ctx, cmd.Target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := writeHead(s.out); err != nil {
		return err
	}
	for _, f := range chosen {
		for _, callers := range cmd.Callers {
			for round := 1; round <= cmd.Rounds; round++ {
				p := plan{Callers: callers, Duration: cmd.Duration, WarmUp: cmd.WarmUp}
				if err := cmd.sweep(ctx, s, c, &f, p, round); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// one measures once, prints and records. A flow that a server does not have is
// passed over with a remark, and no result.
func (c *common) one(ctx context.Context, s streams, who *contender, f *flows.Flow, p plan, round int) (*result, error) {
	s.remark("%s at %s, %d callers, round %d\n", f.Name, who.target.Name, p.Callers, round)
	r, err := who.measure(ctx, f, p)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		s.remark("passed over: %v\n", err)
		return nil, nil
	}
	r.Round, r.Variant, r.Grants = round, c.Variant, c.Grants
	if err := writeRow(s.out, r); err != nil {
		return nil, err
	}
	return r, record(c.Out, r)
}
