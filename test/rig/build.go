package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// Build returns the path of the server's binary, which the first call builds. It
// lies beside the test's own, in a folder that go removes after the tests.
func Build(tb testing.TB) string {
	tb.Helper()
	path, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

var build = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // once per process
	test, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the folder of the tests: %w", err)
	}
	path := filepath.Join(filepath.Dir(test), "ostiary")
	cmd := exec.Command("go", "build", "-o", path, "github.com/ostiary/ostiary/cmd/server") //nolint:gosec // bounded by the tests' own timeout
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the server: %w\n%s", err, output)
	}
	return path, nil
})
