package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/bench/limits"
	"github.com/ostiary/ostiary/internal/store/storetest/pgserver"
)

// limitsCommand measures the machine.
type limitsCommand struct {
	Duration time.Duration `short:"d" help:"How long to measure each." default:"1s"`
	Out      string        `help:"Append each figure to this file, a JSON object a line." placeholder:"FILE"`
	Database string        `help:"A PostgreSQL to measure; one like Ostiary's is started otherwise." placeholder:"URL"`
}

// Run measures.
func (cmd *limitsCommand) Run(ctx context.Context, s streams) error {
	const columns = "%-28s %4s %10s %9s %9s\n"
	if _, err := fmt.Fprintf(s.out, columns, "limit", "c", "per second", "p99 ms", "cpu ms"); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	each := func(l limits.Limit) error {
		_, err := fmt.Fprintf(s.out, columns, l.Name, strconv.Itoa(l.Callers), round(l.PerSecond), fmt.Sprintf("%.3f", l.P99), fmt.Sprintf("%.4f", l.CPU))
		if err != nil {
			return fmt.Errorf("write table: %w", err)
		}
		return record(cmd.Out, l)
	}
	if err := limits.Processor(ctx, cmd.Duration, each); err != nil {
		return err
	}
	if err := cmd.hello(ctx, each); err != nil {
		return err
	}
	return cmd.database(ctx, each)
}

func (cmd *limitsCommand) database(ctx context.Context, each func(limits.Limit) error) (err error) {
	url := cmd.Database
	if url == "" {
		server, err := pgserver.Start(ctx, true)
		if err != nil {
			return fmt.Errorf("start PostgreSQL: %w", err)
		}
		defer func() { err = errors.Join(err, server.Close()) }()
		url = server.URL("postgres")
	}
	return limits.Database(ctx, url, cmd.Duration, each)
}

// hello runs the bare server in a process of its own.
func (cmd *limitsCommand) hello(ctx context.Context, each func(limits.Limit) error) (err error) {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the generator: %w", err)
	}
	server := exec.CommandContext(ctx, self, "hello") //nolint:gosec // ourselves
	server.SysProcAttr = attributes()
	in, err := server.StdinPipe()
	if err != nil {
		return fmt.Errorf("start the bare server: %w", err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start the bare server: %w", err)
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("start the bare server: %w", err)
	}
	defer func() {
		_ = in.Close() // ends it
		err = errors.Join(err, server.Wait())
	}()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("start the bare server: %w", err)
	}
	return limits.Hello(ctx, strings.TrimSpace(address), server.Process.Pid, cmd.Duration, each)
}

// helloCommand is the bare server.
type helloCommand struct{}

// Run serves.
func (helloCommand) Run(ctx context.Context) error {
	return limits.ServeHello(ctx, os.Stdin, os.Stdout)
}
