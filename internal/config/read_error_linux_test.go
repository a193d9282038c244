package config_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/ostiary/ostiary/internal/config"
)

// Errors distinguish a missing file from an unreadable one, for every setting that is the path
// of a file.
func TestErrorsDistinguishMissingAndUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	locked := filepath.Join(dir, "locked")
	if err := os.WriteFile(locked, []byte("a secret"), 0); err != nil {
		t.Fatal(err)
	}
	unprivileged(t, dir)
	for path, want := range map[string]string{
		filepath.Join(dir, "missing"):  "does not exist",
		locked:                         "permission denied",
		filepath.Join(locked, "below"): "not a directory",
	} {
		for name, from := range map[string]config.Sources{
			"a certificate":   {Override: map[string]string{"tls_cert_file": path}},
			"the CA":          {Override: map[string]string{"outbound_ca_file": path}},
			"a secret's file": {Environ: []string{"OSTIARY_SYSTEM_SECRETS_FILE=" + path}},
			"a configuration": {File: path},
		} {
			if _, err := config.Load(from); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s at %s: %v, want %q", name, filepath.Base(path), err, want)
			}
		}
	}
}

// unprivileged opens files as another user than root for the rest of the test, which is locked
// to one thread: root can read every file. The directory of the test stays accessible.
func unprivileged(t *testing.T, dir string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	for _, path := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	if err := syscall.Setfsuid(65534); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Setfsuid(0) })
}
