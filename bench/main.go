// Command bench is the load generator behind docs/performance.md:
//
//	go run ./bench run                            Ostiary, every flow
//	go run ./bench compare --peer peer.json       Ostiary and a peer in turn
//	go run ./bench limits                         the limits of this machine
//
// It uses only the protocol, so it can measure any OpenID provider. It builds and
// starts Ostiary with a separate database; any other server must be running and
// is described by a file (see target.Spec).
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
	Compare compareCommand `cmd:"" help:"Measure two servers in turn, A B B A, and print medians, ratios and intervals."`
	Limits  limitsCommand  `cmd:"" help:"Measure the limits of this machine: signing, hashing, commits, bare HTTP."`
	Start   startCommand   `cmd:"" help:"Measure the start of Ostiary: time to the first response, idle memory, size of the binary."`
	Timing  timingCommand  `cmd:"" help:"Compare the response times for known and unknown names."`
	Hello   helloCommand   `cmd:"" hidden:""`
}

// streams are the outputs of a command: results and progress.
type streams struct{ out, err io.Writer }

// progress writes a progress message. A failed write is ignored.
func (s streams) progress(format string, args ...any) {
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
		panic(err) // the command line above is malformed
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
		s.progress("bench: %v\n", err)
		return 1
	}
	return 0
}
