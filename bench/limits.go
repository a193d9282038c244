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

// limitsCommand measures the limits of the machine.
type limitsCommand struct {
	Duration time.Duration `short:"d" help:"Duration of each measurement." default:"1s"`
	Out      string        `help:"Append each figure to this file, one JSON object per line." placeholder:"FILE"`
	Database string        `help:"PostgreSQL server to measure. Default: start one." placeholder:"URL"`
}

// Run measures all limits and writes a table.
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

// hello measures the minimal server in a separate process.
func (cmd *limitsCommand) hello(ctx context.Context, each func(limits.Limit) error) (err error) {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the executable: %w", err)
	}
	server := exec.CommandContext(ctx, self, "hello") //nolint:gosec // this executable
	server.SysProcAttr = attributes()
	in, err := server.StdinPipe()
	if err != nil {
		return fmt.Errorf("start the minimal server: %w", err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start the minimal server: %w", err)
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("start the minimal server: %w", err)
	}
	defer func() {
		_ = in.Close() // stops the server
		err = errors.Join(err, server.Wait())
	}()
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return fmt.Errorf("start the minimal server: %w", err)
	}
	return limits.Hello(ctx, strings.TrimSpace(address), server.Process.Pid, cmd.Duration, each)
}

// helloCommand runs the minimal server.
type helloCommand struct{}

// Run serves until the standard input is closed.
func (helloCommand) Run(ctx context.Context) error {
	return limits.ServeHello(ctx, os.Stdin, os.Stdout)
}
