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

// Result is the outcome of a command.
type Result struct {
	Stdout, Stderr string
	Code           int // -1 if it was killed
}

// Run runs a command of the command line with the environment of the replicas. It
// may be called from any goroutine.
func (c *Cluster) Run(ctx context.Context, args ...string) Result {
	ctx, cancel := context.WithTimeout(ctx, processTimeout)
	defer cancel()
	return run(ctx, Build(c.tb), c.environment(nil), args)
}

func run(ctx context.Context, binary string, env, args []string) Result {
	cmd := exec.CommandContext(ctx, binary, args...) //nolint:gosec // the binary under test
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

// Command runs a command that must succeed, and returns its standard output.
func Command(tb testing.TB, c *Cluster, args ...string) string {
	tb.Helper()
	r := c.Run(tb.Context(), args...)
	if r.Code != 0 {
		tb.Fatalf("ostiary %s: exit code %d\n%s%s", strings.Join(args, " "), r.Code, r.Stdout, r.Stderr)
	}
	return r.Stdout
}

// RunAlone runs a command without a cluster, with the variables of env only. Their
// names lack the prefix OSTIARY_.
func RunAlone(tb testing.TB, env map[string]string, args ...string) Result {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), processTimeout)
	defer cancel()
	c := &Cluster{dir: tb.TempDir(), env: env}
	return run(ctx, Build(tb), c.environment(nil), args)
}

// User is a user to import.
type User struct {
	Username string         `json:"username"`
	Password string         `json:"password"`
	Claims   map[string]any `json:"claims,omitempty"`
}

// ImportClients imports clients.
func ImportClients(tb testing.TB, c *Cluster, clients ...Client) {
	tb.Helper()
	list := make([]map[string]any, len(clients))
	for i, client := range clients {
		list[i] = client.registration()
	}
	importFile(tb, c, "clients", list)
}

// ImportMetadata imports clients that are described by RFC 7591 metadata.
func ImportMetadata(tb testing.TB, c *Cluster, clients ...map[string]any) {
	tb.Helper()
	importFile(tb, c, "clients", clients)
}

// ImportUsers imports users.
func ImportUsers(tb testing.TB, c *Cluster, users ...User) {
	tb.Helper()
	importFile(tb, c, "users", users)
}

func importFile(tb testing.TB, c *Cluster, resource string, list any) {
	tb.Helper()
	text, err := json.Marshal(list)
	if err != nil {
		tb.Fatal(err)
	}
	file, err := os.CreateTemp(tb.TempDir(), resource+"-*.json")
	if err != nil {
		tb.Fatal(err)
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Close()); err != nil {
		tb.Fatal(err)
	}
	Command(tb, c, resource, "import", file.Name())
}
