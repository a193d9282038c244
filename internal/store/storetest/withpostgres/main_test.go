package main

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestCommandFindsAServerInItsEnvironment(t *testing.T) {
	t.Parallel()

	var out bytes.Buffer
	status, err := run(t.Context(), []string{"sh", "-c", `echo "$OSTIARY_TEST_POSTGRES_URL"`}, withoutServer(), &out)
	if status != 0 || err != nil {
		t.Fatalf("run = %d, %v, want 0 and no error", status, err)
	}
	const want = "postgres://postgres@/postgres?host="
	if got := out.String(); !strings.HasPrefix(got, want) {
		t.Errorf("the command sees the server %q, want one beginning with %q", got, want)
	}
}

func TestCommandFindsADirectoryThatIsRemovedAfterIt(t *testing.T) {
	t.Parallel()

	var out bytes.Buffer
	status, err := run(t.Context(), []string{"sh", "-c", `touch "$OSTIARY_TEST_FILES/file" && echo "$OSTIARY_TEST_FILES"`}, withoutServer(), &out)
	if status != 0 || err != nil {
		t.Fatalf("run = %d, %v, want 0 and no error", status, err)
	}
	if _, err := os.Stat(strings.TrimSpace(out.String())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("stat of the directory %q = %v, want %v", out.String(), err, os.ErrNotExist)
	}
}

func TestAServerAlreadyNamedIsLeftAlone(t *testing.T) {
	t.Parallel()

	const given = "postgres://somewhere.test/else"
	var out bytes.Buffer
	environ := append(withoutServer(), variable+"="+given)
	status, err := run(t.Context(), []string{"sh", "-c", `echo "$OSTIARY_TEST_POSTGRES_URL"`}, environ, &out)
	if status != 0 || err != nil {
		t.Fatalf("run = %d, %v, want 0 and no error", status, err)
	}
	if got := strings.TrimSpace(out.String()); got != given {
		t.Errorf("the command sees the server %q, want %q", got, given)
	}
}

func TestExitStatusIsThatOfTheCommand(t *testing.T) {
	t.Parallel()

	environ := append(withoutServer(), variable+"=postgres://unused.test/")
	for name, tc := range map[string]struct {
		args      []string
		want      int
		wantError bool
	}{
		"success is success":               {[]string{"true"}, 0, false},
		"its status is passed on":          {[]string{"sh", "-c", "exit 7"}, 7, false},
		"an end by signal is a failure":    {[]string{"sh", "-c", "kill -9 $$"}, 1, false},
		"a command that is not there":      {[]string{"./no-such-command"}, 1, true},
		"no command at all is a wrong use": {nil, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			got, err := run(t.Context(), tc.args, environ, &bytes.Buffer{})
			if got != tc.want || (err != nil) != tc.wantError {
				t.Errorf("run(%q) = %d, %v, want %d and error %t", tc.args, got, err, tc.want, tc.wantError)
			}
		})
	}
}

// withoutServer is the environment of a developer who named no server, even when
// these tests run under withpostgres themselves.
func withoutServer() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool { return strings.HasPrefix(entry, variable+"=") })
}
