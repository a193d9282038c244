package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestCommandsNeedCurrentSchema(t *testing.T) {
	t.Parallel()

	for name, args := range map[string][]string{
		"clients": {"clients", "list"}, "users": {"users", "list"}, "keys": {"keys", "list"},
		"grants": {"grants", "list"}, "sessions": {"sessions", "list"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			sh := clitest.NewEmptyShell(t)
			servertest.Contains(t, sh.MustFail(args...), "no database", "migrate up")
			if _, err := os.Stat(filepath.Join(sh.Dir, "test.db")); err == nil {
				t.Error("a command that refused left a database file behind")
			}
			sh.WriteFile("test.db", "")
			servertest.Contains(t, sh.MustFail(args...), "too old", "migrate up")
			sh.Settings = append(sh.Settings, "--set=database_url=postgres://127.0.0.1:1/none")
			servertest.Lacks(t, sh.MustFail(args...), "migrate up")
		})
	}
}

func TestMigrateAppliesEachStepOnce(t *testing.T) {
	t.Parallel()

	sh := clitest.NewEmptyShell(t)
	var before, after []map[string]any
	sh.JSON(&before, "migrate", "status")
	servertest.Contains(t, sh.Must("migrate", "up"), "00001_domain_tables.sql")
	servertest.Contains(t, sh.Must("migrate", "up"), "up to date")
	sh.JSON(&after, "migrate", "status")

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

func TestEmptyListIsEmptyArray(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	for _, noun := range []string{"clients", "users", "keys", "grants", "sessions"} {
		if got := sh.Must(noun, "list", "--json"); got != "[]\n" {
			t.Errorf("%s list --json = %q, want []", noun, got)
		}
	}
}

func TestInvalidCommandLineExitsWithTwo(t *testing.T) {
	t.Parallel()

	sh := clitest.NewEmptyShell(t)
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
			sh.T = t
			if got := sh.Run(args...); got.Code != 2 || !strings.Contains(got.Err, "ostiary: ") {
				t.Errorf("%v = exit code %d, %q; want 2 and a reason", args, got.Code, got.Err)
			}
		})
	}
}

func TestUsageErrorPointsToCommandHelp(t *testing.T) {
	t.Parallel()

	sh := clitest.NewEmptyShell(t)
	for want, args := range map[string][]string{
		"Try: ostiary --help\n":              {"creat"},
		"Try: ostiary users --help\n":        {"users"},
		"Try: ostiary import hydra --help\n": {"import", "hydra", "--only=nonsense"},
		"Try: ostiary clients get --help\n":  {"clients", "get", "a", "b"},
	} {
		if got := sh.Run(args...); !strings.HasSuffix(got.Err, want) {
			t.Errorf("%v says %q, want %q at its end", args, got.Err, want)
		}
	}
}

func TestHelpCommand(t *testing.T) {
	t.Parallel()

	sh := clitest.NewEmptyShell(t)
	sh.Settings = nil
	for command, words := range map[string][]string{"": {"help"}, "clients get": {"help", "clients", "get"}} {
		want := sh.Must(append(strings.Fields(command), "--help")...)
		if got := sh.Must(words...); got != want {
			t.Errorf("%v says\n%s\nwant\n%s", words, got, want)
		}
	}
}

func TestDurationFlagsAcceptDays(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	var key cli.APIKeyView
	sh.JSON(&key, "apikeys", "create", "nightly", "--scope=clients:read", "--expires-in=90d")
	if left := time.Until(key.ExpiresAt); left < 89*24*time.Hour || left > 90*24*time.Hour {
		t.Errorf("a key for 90 days ends in %s", left)
	}
	for _, wrong := range []string{"90", "1y", "-1d", ""} {
		got := sh.Run("apikeys", "create", "nightly", "--scope=clients:read", "--expires-in="+wrong)
		if got.Code == 0 {
			t.Errorf("--expires-in=%s is taken", wrong)
		}
	}
}

func TestConfigurationErrorsAreListed(t *testing.T) {
	t.Parallel()

	sh := &clitest.Shell{T: t, Settings: []string{"--set=databse_url=x", "--set=listen=nowhere"}}
	servertest.Contains(t, sh.MustFail("clients", "list"), "databse_url", "did you mean database_url", "listen")
	sh = &clitest.Shell{T: t}
	servertest.Contains(t, sh.MustFail("keys", "list"), "database_url", "system_secrets")
}

func TestCommandStopsWhenInterrupted(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, err bytes.Buffer
	args := append(sh.Settings, "users", "create", "jo", "--generate") //nolint:gocritic // a new command line
	if code := cli.Run(ctx, servertest.Version, args, cli.Streams{strings.NewReader(""), &out, &err}); code != 1 || out.Len() > 0 {
		t.Errorf("exit code %d and %q after Ctrl+C; want 1 and nothing", code, out.String())
	}
}

func TestTableReplacesControlCharacters(t *testing.T) {
	t.Parallel()

	var out bytes.Buffer
	rows := [][]string{{"a\tb\x00", "c\x1b[2Jd\u202e"}}
	if err := cli.PrintTable(&out, rows); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "a\ufffdb\ufffd   c\ufffd[2Jd\ufffd\n"; got != want {
		t.Errorf("align(%q) = %q, want %q", rows, got, want)
	}
}

func TestVersionShowsToolchain(t *testing.T) {
	t.Parallel()

	var got map[string]string
	(&clitest.Shell{T: t}).JSON(&got, "version")
	if got["version"] != servertest.Version || !strings.HasPrefix(got["go"], "go1.") {
		t.Errorf("version --json = %v", got)
	}
	servertest.Contains(t, (&clitest.Shell{T: t}).Must("version"), servertest.Version, got["go"])
	for _, args := range [][]string{{"--version"}, {"users", "list", "--version"}} {
		if got := (&clitest.Shell{T: t}).Must(args...); got != "ostiary "+servertest.Version+"\n" {
			t.Errorf("%v printed %q", args, got)
		}
	}
}
