// Command withpostgres runs a command with one PostgreSQL for all the test
// processes below it:
//
//	go run ./internal/store/storetest/withpostgres go test ./...
//
// It sets OSTIARY_TEST_POSTGRES_URL, and OSTIARY_TEST_FILES to a directory for the
// SQLite databases of the tests. If the environment names a server already, it starts
// none and sets nothing. Its exit status is the command's.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/ostiary/ostiary/internal/store/storetest/pgserver"
)

const (
	variable      = "OSTIARY_TEST_POSTGRES_URL"
	filesVariable = "OSTIARY_TEST_FILES"
)

func main() {
	status, err := run(context.Background(), os.Args[1:], os.Environ(), os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpostgres:", err)
	}
	os.Exit(status)
}

func run(ctx context.Context, args, environ []string, stdout io.Writer) (status int, err error) {
	const usage = 2
	if len(args) == 0 {
		return usage, errors.New("name a command to run")
	}
	if !namesServer(environ) {
		server, err := pgserver.Start(ctx, false)
		if err != nil {
			return 1, err
		}
		defer func() { err = errors.Join(err, server.Close()) }()
		files, err := server.FilesDir()
		if err != nil {
			return 1, err
		}
		environ = append(environ, variable+"="+server.URL("postgres"), filesVariable+"="+files)
	}

	// An interrupt from the keyboard reaches the command too. It decides when to
	// end, and the server outlasts it.
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	terminated, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()

	cmd := exec.CommandContext(terminated, args[0], args[1:]...) //nolint:gosec // the command is from the command line
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = environ
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			return max(1, exit.ExitCode()), nil
		}
		return 1, fmt.Errorf("run %s: %w", args[0], err)
	}
	return 0, nil
}

func namesServer(environ []string) bool {
	return slices.ContainsFunc(environ, func(entry string) bool {
		name, value, _ := strings.Cut(entry, "=")
		return name == variable && value != ""
	})
}
