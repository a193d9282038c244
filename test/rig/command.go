package rig

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Result is what a command did.
type Result struct {
	Stdout, Stderr string
	Code           int // -1 if it did not end by itself
}

// Run runs a command of the command line beside the replicas, with what they
// are given. It may be called from any goroutine.
func (c *Cluster) Run(ctx context.Context, args ...string) Result {
	ctx, cancel := context.WithTimeout(ctx, processTimeout)
	defer cancel()
	return run(ctx, Build(c.tb), c.environment(nil), args)
}

func run(ctx context.Context, binary string, env, args []string) Result {
	cmd := exec.CommandContext(ctx, binary, args...) //nolint:gosec // our own binary
	cmd.Env, cmd.SysProcAttr, cmd.WaitDelay = env, attributes(), time.Second
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	r := Result{Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.Code = exit.ExitCode()
	case err != nil:
		r.Code, r.Stderr = -1, r.Stderr+err.Error()
	}
	return r
}

// Command runs a command that must succeed, and returns what it printed.
func Command(tb testing.TB, c *Cluster, args ...string) string {
	tb.Helper()
	r := c.Run(tb.Context(), args...)
	if r.Code != 0 {
		tb.Fatalf("ostiary %s: exit code %d\n%s%s", strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// RunAlone runs a command with no other variables than env, whose names lack the
// prefix OSTIARY_, without a cluster.
func RunAlone(tb testing.TB, env map[string]string, args ...string) Result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), processTimeout)
	defer cancel()
	alone := &Cluster{dir: tb.TempDir(), env: env}
	return run(ctx, Build(tb), alone.environment(nil), args)
}

// User is a person to import.
type User struct {
	Username string         `json:"username"`
	Password string         `json:"password"`
	Claims   map[string]any `json:"claims,omitempty"`
}

// ImportClients makes the clients known to the server.
func ImportClients(tb testing.TB, c *Cluster, clients ...Client) {
	tb.Helper()
	list := make([]map[string]any, len(clients))
	for i, client := range clients {
		list[i] = client.registration()
	}
	importFile(tb, c, "clients", list)
}

// ImportMetadata is ImportClients for clients under the names of RFC 7591.
func ImportMetadata(tb testing.TB, c *Cluster, clients ...map[string]any) {
	tb.Helper()
	importFile(tb, c, "clients", clients)
}

// ImportUsers makes the people known to the server.
func ImportUsers(tb testing.TB, c *Cluster, users ...User) {
	tb.Helper()
	importFile(tb, c, "users", users)
}

func importFile(tb testing.TB, c *Cluster, noun string, list any) {
	tb.Helper()
	text, err := json.Marshal(list)
	if err != nil {
		tb.Fatal(err)
	}
	file, err := os.CreateTemp(tb.TempDir(), noun+"-*.json")
	if err != nil {
		tb.Fatal(err)
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Close()); err != nil {
		tb.Fatal(err)
	}
	Command(tb, c, noun, "import", file.Name())
}
