package contract

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// TestExitCodes holds the exit codes: 0 for success, 1 for work that could not be done,
// 2 for a command line that cannot be read. It holds as well which of the standard
// streams says something.
func TestExitCodes(t *testing.T) {
	t.Parallel()

	path := serverProgram(t)
	var all []string
	for _, line := range []string{
		"", "--help", "help", "help clients", "--version", "version", "clients --help", "completion bash", "completion nonsense",
		"nonsense", "clients", "clients get", "clients list --nonsense", "clients list --format nonsense", "serve", "serve nonsense",
		"clients list", "--set nonsense=1 serve", "--config /nonexistent serve", "healthcheck", "migrate status", "migrate up --set database_url=sqlite:" + t.TempDir() + "/db",
	} {
		cmd := exec.CommandContext(t.Context(), path, strings.Fields(line)...)
		cmd.Env = []string{"HOME=" + t.TempDir(), "OSTIARY_ADMIN_LISTEN=unix:/nonexistent", "OSTIARY_LISTEN=unix:/nonexistent"}
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		code := 0
		if err := cmd.Run(); err != nil {
			failed, ok := errors.AsType[*exec.ExitError](err)
			if !ok {
				t.Fatal(err)
			}
			code = failed.ExitCode()
		}
		line, _, _ = strings.Cut(line, " --set database_url")
		all = append(all, fmt.Sprintf("%q exits %d stdout=%t stderr=%t", line, code, stdout.Len() > 0, stderr.Len() > 0))
	}
	golden(t, "exit.txt", lines(t, 20, all))
}
