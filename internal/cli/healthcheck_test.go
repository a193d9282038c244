package cli_test

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/dev"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// serveHealth responds to health checks on l with the status.
func serveHealth(t *testing.T, l net.Listener, status int) {
	t.Helper()
	server := &http.Server{
		ReadHeaderTimeout: time.Second,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/health/ready" {
				status = http.StatusNotFound
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "a body\n")
		}),
	}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
}

func listenOn(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestHealthcheckConnectsToListener(t *testing.T) {
	t.Parallel()

	t.Run("over TCP, whatever interface it listens on", func(t *testing.T) {
		t.Parallel()

		l := listenOn(t, "tcp", "127.0.0.1:0")
		serveHealth(t, l, http.StatusOK)
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		for _, host := range []string{"", "0.0.0.0", "localhost", "127.0.0.1"} {
			sh := &clitest.Shell{T: t, Settings: []string{"--set=listen=" + host + ":" + port}}
			if got := sh.Must("healthcheck"); got != "ready\n" {
				t.Errorf("healthcheck of %q says %q, want ready", host, got)
			}
		}
	})
	t.Run("over a Unix socket", func(t *testing.T) {
		t.Parallel()

		dir, err := os.MkdirTemp("", "o") //nolint:usetesting // a socket's path must be short
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		socket := filepath.Join(dir, "s")
		serveHealth(t, listenOn(t, "unix", socket), http.StatusOK)
		(&clitest.Shell{T: t, Settings: []string{"--set=listen=unix:" + socket}}).Must("healthcheck")
	})
	t.Run("over TLS with a certificate for the public name", func(t *testing.T) {
		t.Parallel()

		sh := &clitest.Shell{T: t, Dir: t.TempDir()}
		certPEM, keyPEM, err := dev.SelfSigned(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		pair, err := tls.X509KeyPair(certPEM, keyPEM)
		if err != nil {
			t.Fatal(err)
		}
		l := listenOn(t, "tcp", "127.0.0.1:0")
		serveHealth(t, tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), http.StatusOK)
		sh.Settings = []string{
			"--set=listen=" + l.Addr().String(), "--set=issuer=https://id.example.com",
			"--set=tls_cert_file=" + sh.WriteFile("cert.pem", string(certPEM)), "--set=tls_key_file=" + sh.WriteFile("key.pem", string(keyPEM)),
		}
		sh.Must("healthcheck")
	})
	t.Run("and fails where nobody is ready", func(t *testing.T) {
		t.Parallel()

		l := listenOn(t, "tcp", "127.0.0.1:0")
		serveHealth(t, l, http.StatusServiceUnavailable)
		sh := &clitest.Shell{T: t, Settings: []string{"--set=listen=" + l.Addr().String()}}
		servertest.Contains(t, sh.MustFail("healthcheck"), "not ready: 503 a body")
	})
	t.Run("and fails where nobody listens", func(t *testing.T) {
		t.Parallel()

		l := listenOn(t, "tcp", "127.0.0.1:0")
		_ = l.Close()
		sh := &clitest.Shell{T: t, Settings: []string{"--set=listen=" + l.Addr().String()}}
		servertest.Contains(t, sh.MustFail("healthcheck"), "not reached")
	})
	t.Run("and fails where nobody answers in time", func(t *testing.T) {
		t.Parallel()

		l := listenOn(t, "tcp", "127.0.0.1:0")
		t.Cleanup(func() { _ = l.Close() })
		sh := &clitest.Shell{T: t, Settings: []string{"--set=listen=" + l.Addr().String()}}
		servertest.Contains(t, sh.MustFail("healthcheck"), "did not respond within 2s")
	})
}

func TestHealthcheckTrustsAnyCertificateOnlyOnLoopback(t *testing.T) {
	t.Parallel()

	for listen, want := range map[string]struct {
		address string
		own     bool
	}{
		":4444":           {"127.0.0.1:4444", true},
		"0.0.0.0:4444":    {"127.0.0.1:4444", true},
		"[::]:4444":       {"[::1]:4444", true},
		"127.0.0.2:4444":  {"127.0.0.2:4444", true},
		"localhost:4444":  {"localhost:4444", true},
		"10.0.0.5:4444":   {"10.0.0.5:4444", false},
		"id.example:4444": {"id.example:4444", false},
	} {
		address, own, err := cli.DialAddress(listen)
		if address != want.address || own != want.own || err != nil {
			t.Errorf("Reachable(%q) = %q, %v, %v; want %q, %v", listen, address, own, err, want.address, want.own)
		}
	}
}
