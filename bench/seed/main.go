// Command seed fills an empty database with as many live grants as asked for, so
// that it can be measured how cost grows with them:
//
//	go run ./bench/seed --database postgres://... --grants 10000000
//
// One grant is made as the server makes it, and its row multiplied: over the
// buckets of the weeks in which living grants were made, with the accounts and
// sessions behind them. In the end it says what room a grant takes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/ostiary/ostiary/internal/store"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		say(os.Stderr, "seed: %v\n", err)
		os.Exit(1)
	}
}

// say writes for whoever watches; nothing depends on their reading it.
func say(to io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(to, format, args...)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("seed", flag.ContinueOnError)
	flags.SetOutput(stderr)
	url := flags.String("database", "", "`URL` of an empty database: sqlite:PATH or postgres://...")
	grants := flags.Int("grants", 10_000, "how many live grants to make")
	refreshes := flags.Int("refreshes", 0, "how often to refresh each of a sample of them afterwards")
	sample := flags.Int("sample", 20_000, "how many grants that sample has")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *url == "" || *grants < 1 || flags.NArg() > 0 {
		return errors.New("name a --database and a positive number of --grants")
	}

	s, err := store.Open(ctx, store.Config{URL: *url, MaxConns: 4})
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Migrate(ctx); err != nil {
		return err
	}
	w, err := newWorld(ctx, s, *url, *grants, time.Now())
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.fill(ctx, progress{to: stderr, of: *grants, since: time.Now()}); err != nil {
		return err
	}
	if err := w.report(ctx, stdout, "as they were made"); err != nil || *refreshes == 0 {
		return err
	}
	if err := w.refresh(ctx, *sample, *refreshes, stdout); err != nil {
		return err
	}
	return w.report(ctx, stdout, fmt.Sprintf("after %d refreshes of %d of them", *refreshes, min(*sample, *grants)))
}

// progress says how far the work is and how long it will take.
type progress struct {
	to    io.Writer
	of    int
	since time.Time
}

func (p progress) at(done int) {
	spent := time.Since(p.since)
	left := time.Duration(float64(spent) / float64(max(done, 1)) * float64(p.of-done))
	say(p.to, "\r%d of %d grants, %v, %v to go   ", done, p.of, spent.Round(time.Second), left.Round(time.Second))
	if done == p.of {
		say(p.to, "\n")
	}
}
