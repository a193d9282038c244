package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// shell runs the command line in this process, over a database of its own.
type shell struct {
	t        *testing.T
	dir      string
	settings []string
	input    string
}

// said is what a command answered.
type said struct {
	out, err string
	code     int
}

// newShell returns a shell whose database has the schema.
func newShell(t *testing.T) *shell {
	t.Helper()
	sh := emptyShell(t)
	sh.must("migrate", "up")
	return sh
}

func emptyShell(t *testing.T) *shell {
	t.Helper()
	unsetEnvironment(t)
	dir := t.TempDir()
	return &shell{t: t, dir: dir, settings: []string{
		"--set=database_url=sqlite:" + filepath.Join(dir, "test.db"), "--set=system_secrets=" + servertest.SystemSecret,
		"--set=argon2_memory_mib=19", "--set=argon2_iterations=2",
	}}
}

// unsetOnce empties the environment of settings, which would be faults to a
// command line. What names the tests' PostgreSQL is among them, so that one is
// looked up before.
var unsetOnce sync.Once

func unsetEnvironment(t *testing.T) {
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

func (sh *shell) run(args ...string) said {
	sh.t.Helper()
	unsetEnvironment(sh.t)
	var out, err bytes.Buffer
	code := Run(sh.t.Context(), servertest.Version, append(append([]string{}, sh.settings...), args...),
		Streams{strings.NewReader(sh.input), &out, &err})
	return said{out.String(), err.String(), code}
}

// must returns what a command prints that has to succeed.
func (sh *shell) must(args ...string) string {
	sh.t.Helper()
	got := sh.run(args...)
	if got.code != 0 {
		sh.t.Fatalf("%v = exit code %d: %s", args, got.code, got.err)
	}
	return got.out
}

// refused returns what a command says that must not succeed.
func (sh *shell) refused(args ...string) string {
	sh.t.Helper()
	got := sh.run(args...)
	if got.code != 1 || got.out != "" {
		sh.t.Fatalf("%v = exit code %d, standard output %q; want 1 and nothing", args, got.code, got.out)
	}
	return got.err
}

// json reads what a command prints with --json.
func (sh *shell) json(into any, args ...string) {
	sh.t.Helper()
	text := sh.must(append(args, "--json")...)
	if err := json.Unmarshal([]byte(text), into); err != nil {
		sh.t.Fatalf("%v printed no JSON: %v\n%s", args, err, text)
	}
}

// file writes a file and returns its path.
func (sh *shell) file(name, text string) string {
	sh.t.Helper()
	path := filepath.Join(sh.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		sh.t.Fatal(err)
	}
	return path
}

// store opens the shell's database beside it.
func (sh *shell) store() *store.Store {
	sh.t.Helper()
	s, err := store.Open(sh.t.Context(), store.Config{URL: "sqlite:" + filepath.Join(sh.dir, "test.db"), Now: now})
	if err != nil {
		sh.t.Fatal(err)
	}
	sh.t.Cleanup(s.Close)
	return s
}

func (sh *shell) config() *config.Config {
	sh.t.Helper()
	c := config.Default()
	c.Argon2MemoryMiB = 19
	return c
}

func TestCommandsNeedTheSchema(t *testing.T) {
	t.Parallel()

	for name, args := range map[string][]string{
		"clients": {"clients", "list"}, "users": {"users", "list"}, "keys": {"keys", "list"},
		"grants": {"grants", "list"}, "sessions": {"sessions", "list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			sh := emptyShell(t)
			servertest.Contains(t, sh.refused(args...), "no database", "migrate up")
			if _, err := os.Stat(filepath.Join(sh.dir, "test.db")); err == nil {
				t.Error("a command that refused left a database file behind")
			}
			sh.file("test.db", "")
			servertest.Contains(t, sh.refused(args...), "too old", "migrate up")
			sh.settings = append(sh.settings, "--set=database_url=postgres://127.0.0.1:1/none")
			servertest.Lacks(t, sh.refused(args...), "migrate up")
		})
	}
}

func TestMigrateTakesEachStepOnce(t *testing.T) {
	t.Parallel()

	sh := emptyShell(t)
	var before, after []map[string]any
	sh.json(&before, "migrate", "status")
	servertest.Contains(t, sh.must("migrate", "up"), "00001_nouns.sql")
	servertest.Contains(t, sh.must("migrate", "up"), "up to date")
	sh.json(&after, "migrate", "status")

	if len(before) == 0 || len(after) != len(before) {
		t.Fatalf("status lists %d steps before and %d after migrating", len(before), len(after))
	}
	for i, step := range after {
		if before[i]["applied_at"] != nil {
			t.Errorf("step %v was taken before migrate up", before[i]["name"])
		}
		if step["applied_at"] == nil {
			t.Errorf("step %v was not taken by migrate up", step["name"])
		}
	}
}

func TestAListOfNothingIsAnEmptyArray(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	for _, noun := range []string{"clients", "users", "keys", "grants", "sessions"} {
		if got := sh.must(noun, "list", "--json"); got != "[]\n" {
			t.Errorf("%s list --json = %q, want []", noun, got)
		}
	}
}

func TestACommandLineThatMakesNoSenseIsExitCodeTwo(t *testing.T) {
	t.Parallel()

	sh := emptyShell(t)
	for name, args := range map[string][]string{
		"an unknown command":            {"clients", "creat"},
		"an unknown flag":               {"clients", "list", "--jsn"},
		"a missing argument":            {"clients", "get"},
		"two sources of one password":   {"users", "create", "jo", "--generate", "--password-file=x"},
		"two client secrets":            {"clients", "update", "a", "--new-secret", "--secret=x"},
		"an algorithm nobody signs":     {"keys", "rotate", "--algorithm=HS256"},
		"no command":                    {},
		"a group without its command":   {"users"},
		"a password on a command line":  {"users", "create", "jo", "--password=x"},
		"a flag of another subcommand":  {"users", "list", "--yes"},
		"an argument that is too many":  {"version", "please"},
		"a claim that has no value":     {"users", "create", "jo", "--claim=email"},
		"a setting that has no value":   {"--set=issuer", "version"},
		"a configuration not there":     {"--config=/does/not/exist.yaml", "version"},
		"a switch with a strange value": {"clients", "create", "--native=perhaps"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			sh := *sh
			sh.t = t
			if got := sh.run(args...); got.code != 2 || !strings.Contains(got.err, "ostiary: ") {
				t.Errorf("%v = exit code %d, %q; want 2 and a reason", args, got.code, got.err)
			}
		})
	}
}

func TestWhoErrsIsSentToTheHelpOfTheirCommand(t *testing.T) {
	t.Parallel()

	sh := emptyShell(t)
	for want, args := range map[string][]string{
		"Try: ostiary --help\n":              {"creat"},
		"Try: ostiary users --help\n":        {"users"},
		"Try: ostiary import hydra --help\n": {"import", "hydra", "--only=nonsense"},
		"Try: ostiary clients get --help\n":  {"clients", "get", "a", "b"},
	} {
		if got := sh.run(args...); !strings.HasSuffix(got.err, want) {
			t.Errorf("%v says %q, want %q at its end", args, got.err, want)
		}
	}
}

func TestHelpIsACommandAsWell(t *testing.T) {
	t.Parallel()

	sh := emptyShell(t)
	sh.settings = nil
	for command, words := range map[string][]string{"": {"help"}, "clients get": {"help", "clients", "get"}} {
		want := sh.must(append(strings.Fields(command), "--help")...)
		if got := sh.must(words...); got != want {
			t.Errorf("%v says\n%s\nwant\n%s", words, got, want)
		}
	}
}

func TestTimesOfFlagsMayBeDays(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	var key apiKeyView
	sh.json(&key, "apikeys", "create", "nightly", "--scope=clients:read", "--expires-in=90d")
	if left := time.Until(key.ExpiresAt); left < 89*24*time.Hour || left > 90*24*time.Hour {
		t.Errorf("a key for 90 days ends in %s", left)
	}
	for _, wrong := range []string{"90", "1y", "-1d", ""} {
		got := sh.run("apikeys", "create", "nightly", "--scope=clients:read", "--expires-in="+wrong)
		if got.code == 0 {
			t.Errorf("--expires-in=%s is taken", wrong)
		}
	}
}

func TestAFaultyConfigurationIsListed(t *testing.T) {
	t.Parallel()

	sh := &shell{t: t, settings: []string{"--set=databse_url=x", "--set=listen=nowhere"}}
	servertest.Contains(t, sh.refused("clients", "list"), "databse_url", "did you mean database_url", "listen")
	sh = &shell{t: t}
	servertest.Contains(t, sh.refused("keys", "list"), "database_url", "system_secrets")
}

func TestACommandStopsWhenItIsTold(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, err bytes.Buffer
	args := append(sh.settings, "users", "create", "jo", "--generate") //nolint:gocritic // a new command line
	if code := Run(ctx, servertest.Version, args, Streams{strings.NewReader(""), &out, &err}); code != 1 || out.Len() > 0 {
		t.Errorf("exit code %d and %q after Ctrl+C; want 1 and nothing", code, out.String())
	}
}

func TestCellsCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()

	var out bytes.Buffer
	rows := [][]string{{"a\tb\x00", "c\x1b[2Jd\u202e"}}
	if err := align(&out, rows); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "a\ufffdb\ufffd   c\ufffd[2Jd\ufffd\n"; got != want {
		t.Errorf("align(%q) = %q, want %q", rows, got, want)
	}
}

func TestVersionTellsTheToolchain(t *testing.T) {
	t.Parallel()

	var got map[string]string
	(&shell{t: t}).json(&got, "version")
	if got["version"] != servertest.Version || !strings.HasPrefix(got["go"], "go1.") {
		t.Errorf("version --json = %v", got)
	}
	servertest.Contains(t, (&shell{t: t}).must("version"), servertest.Version, got["go"])
	for _, args := range [][]string{{"--version"}, {"users", "list", "--version"}} {
		if got := (&shell{t: t}).must(args...); got != "ostiary "+servertest.Version+"\n" {
			t.Errorf("%v printed %q", args, got)
		}
	}
}
