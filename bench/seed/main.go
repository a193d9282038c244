// Command seed fills an empty database with a number of live grants, to measure how
// costs grow with it:
//
//	go run ./bench/seed --database postgres://... --grants 10000000
//
// It creates one grant through the store and copies its row to the partitions of
// the weeks from which grants can be live, with accounts and sessions. Then it
// reports the size of a grant.
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
		printf(os.Stderr, "seed: %v\n", err)
		os.Exit(1)
	}
}

// printf writes a message. A failed write is ignored.
func printf(to io.Writer, format string, args ...any) {
	_, _ = fmt.Fprintf(to, format, args...)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("seed", flag.ContinueOnError)
	flags.SetOutput(stderr)
	url := flags.String("database", "", "`URL` of an empty database: sqlite:PATH or postgres://...")
	grants := flags.Int("grants", 10_000, "`number` of live grants")
	refreshes := flags.Int("refreshes", 0, "`number` of refreshes of each grant in a sample")
	sample := flags.Int("sample", 20_000, "`number` of grants in the sample")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *url == "" || *grants < 1 || flags.NArg() > 0 {
		return errors.New("--database is required, and --grants must be positive")
	}

	s, err := store.Open(ctx, store.Config{URL: *url, MaxConns: 4})
	if err != nil {
		return err
	}
	defer s.Close()
	if _, err := s.Migrate(ctx); err != nil {
		return err
	}
	w, err := newSeeder(ctx, s, *url, *grants, time.Now())
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.fill(ctx, progress{to: stderr, of: *grants, since: time.Now()}); err != nil {
		return err
	}
	if err := w.report(ctx, stdout, "before any refresh"); err != nil || *refreshes == 0 {
		return err
	}
	if err := w.refresh(ctx, *sample, *refreshes, stdout); err != nil {
		return err
	}
	return w.report(ctx, stdout, fmt.Sprintf("after %d refreshes of %d of them", *refreshes, min(*sample, *grants)))
}

// progress writes the number of finished grants and the estimated remaining time.
type progress struct {
	to    io.Writer
	of    int
	since time.Time
}

func (p progress) at(done int) {
	spent := time.Since(p.since)
	left := time.Duration(float64(spent) / float64(max(done, 1)) * float64(p.of-done))
	printf(p.to, "\r%d of %d grants, %v, %v to go   ", done, p.of, spent.Round(time.Second), left.Round(time.Second))
	if done == p.of {
		printf(p.to, "\n")
	}
}
