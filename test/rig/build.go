package rig

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/ostiary/ostiary/test/rig/binary"
)

// Build returns the path of the server's binary, which the first call builds. It is
// in the directory of the test binary, which the go command removes after the tests.
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
		return "", fmt.Errorf("find the test binary: %w", err)
	}
	return binary.Build(context.Background(), filepath.Dir(test))
})
