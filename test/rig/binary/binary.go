// Package binary builds the server for tests and measurements that run it as a process.
package binary

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build writes the program of the server into dir, built with the flags of a release,
// and returns its path.
//
// The go command keeps the programs that it links for "go run" in its cache, those of
// "go build" it links again each time, which takes 3 s of processor time. So "go run"
// starts a shell in place of the server, which copies the program.
func Build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "ostiary")
	cmd := exec.CommandContext(ctx, "go", "run", "-trimpath", "-ldflags", "-s -w",
		"-exec", `sh -c 'cp "$1" "$OSTIARY_COPY_TO.$$" && mv "$OSTIARY_COPY_TO.$$" "$OSTIARY_COPY_TO"' sh`, "github.com/ostiary/ostiary/cmd/server")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "OSTIARY_COPY_TO="+path)
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, output)
	}
	return path, nil
}
