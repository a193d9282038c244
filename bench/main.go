// Command bench is the load generator behind docs/performance.md:
//
//	go run ./bench run                            Ostiary alone, every flow
//	go run ./bench compare --peer peer.json       Ostiary and a peer in turn
//	go run ./bench limits                         what this machine can do at all
//
// It speaks only the protocol, so it runs unchanged against any OpenID provider.
// Ostiary itself it builds and starts, with a database of its own; any other
// server runs already and is described by a file (see target.Spec).
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli is the command line.
type cli struct {
	Run     runCommand     `cmd:"" help:"Measure one server."`
	Compare compareCommand `cmd:"" help:"Measure two servers in turn, A B A B, and print medians and ratios."`
	Limits  limitsCommand  `cmd:"" help:"Measure what this machine can do at all: sign, hash, commit, answer."`
	Start   startCommand   `cmd:"" help:"Measure the start of Ostiary: time to the first answer, idle memory, size of the binary."`
	Hello   helloCommand   `cmd:"" hidden:""`
}

// streams are where a command writes: results, and how far it is.
type streams struct{ out, err io.Writer }

// remark tells whoever watches; nothing depends on their reading it.
func (s streams) remark(format string, args ...any) {
	_, _ = fmt.Fprintf(s.err, format, args...)
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, s streams) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c,
		kong.Name("bench"), kong.Description("Load an authorization server and measure it."),
		kong.Writers(s.out, s.err), kong.Exit(func(code int) { exit = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(s), kong.UsageOnError(),
	)
	if err != nil {
		panic(err) // the command line above makes no sense
	}
	parsed, err := parser.Parse(args)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		parser.FatalIfErrorf(err)
		return 2
	}
	if err := parsed.Run(); err != nil {
		s.remark("bench: %v\n", err)
		return 1
	}
	return 0
}
