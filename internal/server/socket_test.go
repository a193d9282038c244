package server_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/test/rig"
)

func TestUnixSocketModeAndGroup(t *testing.T) {
	t.Parallel()
	group := os.Getgid()
	if os.Geteuid() == 0 {
		group = 65534 // only root can set any group
	}
	for name, tc := range map[string]struct {
		settings map[string]string
		mode     os.FileMode
	}{
		"a mode":             {map[string]string{"socket_mode": "0666"}, 0o666},
		"a group":            {map[string]string{"socket_group": strconv.Itoa(group)}, 0o660},
		"both":               {map[string]string{"socket_mode": "0620", "socket_group": strconv.Itoa(group)}, 0o620},
		"for the owner only": {map[string]string{"socket_mode": "0600"}, 0o600},
		"without a zero":     {map[string]string{"socket_mode": "640"}, 0o640},
		"a mode for group":   {map[string]string{"socket_mode": "0o660"}, 0o660},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Load(config.Sources{Override: tc.settings})
			servertest.Must(t, err)
			path := filepath.Join(t.TempDir(), "s")
			l, err := server.ListenUnix(t.Context(), c, path)
			servertest.Must(t, err)
			defer l.Close()
			info, err := os.Stat(path)
			servertest.Must(t, err)
			if got := info.Mode().Perm(); got != tc.mode {
				t.Errorf("mode %o, want %o", got, tc.mode)
			}
			if owner, ok := info.Sys().(*syscall.Stat_t); tc.settings["socket_group"] != "" && (!ok || int(owner.Gid) != group) {
				t.Errorf("group %d, want %d", owner.Gid, group)
			}
		})
	}
	t.Run("an unknown group", func(t *testing.T) {
		t.Parallel()
		c, err := config.Load(config.Sources{Override: map[string]string{"socket_group": "nosuchgroup"}})
		servertest.Must(t, err)
		if _, err := server.ListenUnix(t.Context(), c, filepath.Join(t.TempDir(), "s")); err == nil {
			t.Error("a socket of an unknown group is open")
		} else {
			servertest.Contains(t, err.Error(), "socket_group", "nosuchgroup")
		}
	})
}

// A database file of another owner is used if it is writable.
func TestDatabaseFileOfAnotherOwnerIsUsed(t *testing.T) {
	t.Parallel()
	dir := sharedFolder(t)
	url := "sqlite:" + filepath.Join(dir, "ostiary.db")
	first := runUnprivileged(t, url, "migrate", "up")
	if first.Code != 0 {
		t.Fatalf("in a new file: %d %s", first.Code, first.Stderr)
	}
	path := filepath.Join(dir, "ostiary.db")
	if os.Geteuid() == 0 {
		for _, file := range []string{path, path + "-wal", path + "-shm"} {
			if err := os.Chown(file, 0, 0); err == nil {
				servertest.Must(t, os.Chmod(file, 0o666))
			}
		}
	}
	if r := runUnprivileged(t, url, "clients", "list"); r.Code != 0 {
		t.Errorf("in a file of somebody else: %d %s", r.Code, r.Stderr)
	}
}

// sharedFolder returns a directory that every account can write to.
func sharedFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ostiary-shared-") //nolint:usetesting // other users cannot enter the directory of the test
	servertest.Must(t, err)
	t.Cleanup(func() { servertest.Must(t, os.RemoveAll(dir)) })
	servertest.Must(t, os.Chmod(dir, 0o777))
	return dir
}

// runUnprivileged runs a command as an unprivileged account if this process is root.
func runUnprivileged(t *testing.T, url string, args ...string) rig.Result {
	t.Helper()
	env := map[string]string{"DATABASE_URL": url}
	if os.Geteuid() != 0 {
		return rig.RunAlone(t, env, args...)
	}
	binary := filepath.Join(sharedFolder(t), "ostiary")
	text, err := os.ReadFile(rig.Build(t))
	servertest.Must(t, err)
	servertest.Must(t, os.WriteFile(binary, text, 0o755))
	cmd := exec.CommandContext(t.Context(), binary, args...)
	cmd.Env, cmd.Dir = []string{"OSTIARY_DATABASE_URL=" + url}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	output, err := cmd.CombinedOutput()
	result := rig.Result{Stderr: string(output)}
	if err != nil {
		result.Code, result.Stderr = 1, err.Error()+"\n"+string(output)
	}
	return result
}
