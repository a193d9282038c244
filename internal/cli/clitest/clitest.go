// Package clitest runs commands in the process of a test, over separate databases.
package clitest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Shell runs commands in this process, over its database.
type Shell struct {
	T           *testing.T
	Dir         string // for files
	DatabaseURL string
	Settings    []string // --set flags that precede each command
	Input       string   // the standard input
}

// Result is the output of a command and its exit code.
type Result struct {
	Out, Err string
	Code     int
}

// NewShell returns a shell over a database with the current schema.
func NewShell(t *testing.T) *Shell {
	t.Helper()
	sh := NewEmptyShell(t)
	url := storetest.SQLiteURL(t)
	sh.DatabaseURL, sh.Settings[0] = url, "--set=database_url="+url
	return sh
}

// NewEmptyShell returns a shell whose database does not exist yet.
func NewEmptyShell(t *testing.T) *Shell {
	t.Helper()
	UnsetEnvironment(t)
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "test.db")
	return &Shell{T: t, Dir: dir, DatabaseURL: url, Settings: []string{
		"--set=database_url=" + url, "--set=system_secrets=" + servertest.SystemSecret,
		"--set=argon2_memory_mib=19", "--set=argon2_iterations=2",
	}}
}

var unsetOnce sync.Once

// UnsetEnvironment removes the settings from the environment of the process, once. The URL
// of the tests' PostgreSQL is among them, so it is read before.
func UnsetEnvironment(t *testing.T) {
	t.Helper()
	unsetOnce.Do(func() {
		storetest.PostgresURL(t)
		for _, entry := range os.Environ() {
			if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "OSTIARY_") {
				_ = os.Unsetenv(name)
			}
		}
	})
}

// Run runs a command.
func (sh *Shell) Run(args ...string) Result {
	sh.T.Helper()
	UnsetEnvironment(sh.T)
	var out, err bytes.Buffer
	code := cli.Run(sh.T.Context(), servertest.Version, append(append([]string{}, sh.Settings...), args...),
		cli.Streams{In: strings.NewReader(sh.Input), Out: &out, Err: &err})
	return Result{out.String(), err.String(), code}
}

// Must runs a command that must succeed, and returns its standard output.
func (sh *Shell) Must(args ...string) string {
	sh.T.Helper()
	got := sh.Run(args...)
	if got.Code != 0 {
		sh.T.Fatalf("%v = exit code %d: %s", args, got.Code, got.Err)
	}
	return got.Out
}

// MustFail runs a command that must fail without output, and returns its standard error.
func (sh *Shell) MustFail(args ...string) string {
	sh.T.Helper()
	got := sh.Run(args...)
	if got.Code != 1 || got.Out != "" {
		sh.T.Fatalf("%v = exit code %d, standard output %q; want 1 and nothing", args, got.Code, got.Out)
	}
	return got.Err
}

// JSON runs a command with --json and decodes its output.
func (sh *Shell) JSON(into any, args ...string) {
	sh.T.Helper()
	text := sh.Must(append(args, "--json")...)
	if err := json.Unmarshal([]byte(text), into); err != nil {
		sh.T.Fatalf("%v printed no JSON: %v\n%s", args, err, text)
	}
}

// WriteFile writes a file and returns its path.
func (sh *Shell) WriteFile(name, text string) string {
	sh.T.Helper()
	path := filepath.Join(sh.Dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		sh.T.Fatal(err)
	}
	return path
}

// Store opens the database of the shell.
func (sh *Shell) Store() *store.Store {
	sh.T.Helper()
	s, err := store.Open(sh.T.Context(), store.Config{URL: sh.DatabaseURL, Now: time.Now})
	if err != nil {
		sh.T.Fatal(err)
	}
	sh.T.Cleanup(s.Close)
	return s
}

// Config returns a configuration with cheap password hashes.
func (sh *Shell) Config() *config.Config {
	sh.T.Helper()
	c := config.Default()
	c.Argon2MemoryMiB = 19
	return c
}
