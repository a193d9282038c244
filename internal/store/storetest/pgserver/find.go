package pgserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// superuser is the role the server is made with.
const superuser = "postgres"

// ErrMissing reports a machine without PostgreSQL, and what to do about it.
var ErrMissing = errors.New("PostgreSQL is not on this machine: install it (Debian, Ubuntu: apt-get install postgresql; " +
	"macOS: brew install postgresql) or name a running server in OSTIARY_TEST_POSTGRES_URL")

// find returns the directory of PostgreSQL's programs: that of the initdb in the
// PATH, else the newest where distributions keep several versions side by side.
func find() (string, error) {
	if initdb, err := exec.LookPath("initdb"); err == nil {
		initdb, err = filepath.EvalSymlinks(initdb)
		if err != nil {
			return "", fmt.Errorf("find initdb: %w", err)
		}
		return filepath.Dir(initdb), nil
	}
	return newest("/usr/lib/postgresql/*/bin")
}

// newest returns the directory among those matching pattern whose parent, a
// version number, is highest and which holds initdb.
func newest(pattern string) (string, error) {
	dirs, err := filepath.Glob(pattern)
	if err != nil {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	var best string
	var highest float64
	for _, dir := range dirs {
		version, err := strconv.ParseFloat(filepath.Base(filepath.Dir(dir)), 64)
		if err != nil || version <= highest {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			best, highest = dir, version
		}
	}
	if best == "" {
		return "", ErrMissing
	}
	return best, nil
}

// unprivileged returns an account to run the server under, because PostgreSQL
// refuses to run as root. Other accounts run it themselves: the result is nil.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read the account %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read the account %s: %w", name, err)
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root, and this machine has neither a postgres nor a nobody account")
}
