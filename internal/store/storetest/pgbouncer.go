package storetest

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PgBouncerURL starts a PgBouncer of the test's own in transaction mode, with nothing set
// beyond what it needs to start, and returns the URL of the database at address through
// it. It ends with the test.
func PgBouncerURL(tb testing.TB, address string) string {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	host := u.Query().Get("host")
	if host == "" {
		host = u.Hostname()
	}
	dir, err := os.MkdirTemp("", "pgb-") //nolint:usetesting // the path of a socket is short
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			tb.Error(err)
		}
	})
	binary, err := findPgBouncer()
	if err != nil {
		tb.Fatal(err)
	}
	database := strings.TrimPrefix(u.Path, "/")
	user := u.User.Username()
	server := fmt.Sprintf("host=%s user=%s", host, user)
	if port := u.Query().Get("port") + u.Port(); port != "" {
		server += " port=" + port
	}
	settings := fmt.Sprintf("[databases]\n%s = %s\n[pgbouncer]\nunix_socket_dir = %s\nlisten_addr =\nlisten_port = 6432\n"+
		"auth_type = any\npool_mode = transaction\nlogfile = %s/log\n", database, server, dir, dir)
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, []byte(settings), 0o644); err != nil { //nolint:gosec // another operating system user reads it
		tb.Fatal(err)
	}
	cmd := exec.Command(binary, file) //nolint:gosec,noctx // ended below
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() == 0 { // PgBouncer does not run as root, which may enter everywhere
		cmd.Args = append(cmd.Args, "-u", "postgres")
		if output, err := exec.Command("chown", "postgres", dir).CombinedOutput(); err != nil { //nolint:gosec,noctx // a directory of the test
			tb.Fatalf("chown: %v %s", err, output)
		}
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = cmd.Process.Kill() // it keeps nothing
		_ = cmd.Wait()
	})
	socket := filepath.Join(dir, ".s.PGSQL.6432")
	for until := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) { //nolint:forbidigo // waits for another program
		conn, err := net.Dial("unix", socket) //nolint:noctx // a local socket
		if err == nil {
			_ = conn.Close()
			break
		}
		if time.Now().After(until) { //nolint:forbidigo // see above
			log, _ := os.ReadFile(filepath.Join(dir, "log")) //nolint:gosec // a file of this program
			tb.Fatalf("PgBouncer does not answer: %v\n%s", err, log)
		}
	}
	return "postgres:///" + database + "?host=" + dir + "&port=6432&user=" + user
}

// findPgBouncer returns the program, which Debian keeps where only root looks.
func findPgBouncer() (string, error) {
	if found, err := exec.LookPath("pgbouncer"); err == nil {
		return found, nil
	}
	const debian = "/usr/sbin/pgbouncer"
	if _, err := os.Stat(debian); err == nil {
		return debian, nil
	}
	return "", errors.New("this machine lacks pgbouncer: run tools/need pgbouncer")
}
