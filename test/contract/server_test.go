package contract

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/test/rig/binary"
)

const issuer = "https://id.example"

// serverProgram returns the path of the server, which the first call builds.
func serverProgram(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var build = sync.OnceValues(func() (string, error) {
	test, err := os.Executable()
	if err != nil {
		return "", err
	}
	return binary.Build(context.Background(), filepath.Dir(test)) // go removes the directory after the tests
})

// server is a running process with its two listeners.
type server struct{ public, admin endpoint }

// shortDir creates a temporary directory for Unix sockets, whose paths are limited to about 100 bytes. The
// path of [testing.T.TempDir] can be longer.
func shortDir() (string, error) { return os.MkdirTemp("", "contract") }

// start runs the server on an empty database, with the defaults, the settings that a test
// requires, and the settings given as KEY=VALUE.
func start(t *testing.T, settings ...string) server {
	t.Helper()
	path := serverProgram(t)
	dir, err := shortDir()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	public, admin := filepath.Join(dir, "public"), filepath.Join(dir, "admin")
	args := []string{"serve", "--migrate"}
	for _, setting := range append([]string{
		"issuer=" + issuer, "system_secrets=" + strings.Repeat("0123456789abcdef", 2), "database_url=sqlite:" + filepath.Join(dir, "db"),
		"listen=unix:" + public, "admin_listen=unix:" + admin, "rate_limits=off", "shutdown_delay=0s", "argon2_memory_mib=19", "log_level=warn",
	}, settings...) {
		args = append(args, "--set", setting)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	process := exec.CommandContext(t.Context(), path, args...)
	process.Stdout, process.Stderr, process.Env = log, log, []string{"HOME=" + dir}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = process.Wait()
	}()
	t.Cleanup(func() {
		_ = process.Process.Kill()
		<-ended
	})
	s := server{newEndpoint(public), newEndpoint(admin)}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		resp, err := s.admin.client.Get(urlOf("/health/ready"))
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return s
			}
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("the server ended while starting:\n%s", text)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server is not ready: %v", err)
		}
	}
}

// urlOf returns the address of a path for a client of a socket.
func urlOf(path string) string { return "http://id.example" + path }

// endpoint sends requests to a socket and follows no redirect.
type endpoint struct{ client *http.Client }

func newEndpoint(socket string) endpoint {
	return endpoint{&http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}},
	}}
}

// answer is a response with its body.
type answer struct {
	*http.Response
	body string
}

// do sends a request. The header is in pairs of names and values.
func (e endpoint) do(t *testing.T, method, path, body string, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, urlOf(path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := e.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, string(content)}
}
