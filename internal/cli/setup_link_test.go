package cli_test

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func setupToken(t *testing.T, text string) string {
	t.Helper()
	found := regexp.MustCompile(`http://localhost:4444/setup\?token=([\w-]{43})\s`).FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no set-up link in %q", text)
	}
	return found[1]
}

func wantSetupLink(t *testing.T, sh *clitest.Shell, token string) {
	t.Helper()
	links := sh.Store().SetupLinks
	if err := links.SetupLink(t.Context(), onetimelink.Hash(token), time.Now().Add(29*time.Minute)); err != nil {
		t.Errorf("the link is not valid for 29 minutes: %v", err)
	}
	if err := links.SetupLink(t.Context(), onetimelink.Hash(token), time.Now().Add(31*time.Minute)); err == nil {
		t.Error("the link is valid for 31 minutes")
	}
}

func TestSetupLink(t *testing.T) {
	t.Parallel()
	sh := clitest.NewShell(t)
	const issuer = "--set=issuer=http://localhost:4444"
	servertest.Contains(t, sh.MustFail("setup-link"), "issuer: is required")
	wantSetupLink(t, sh, setupToken(t, sh.Must("setup-link", issuer)))
	sh.Input = servertest.Password + "\n"
	sh.Must("users", "create", "root", "--password-file=-")
	sh.Must("users", "update", "root", "--admin-role=owner")
	servertest.Contains(t, sh.MustFail("setup-link", issuer), "an administrator exists")
}

// serve prints a set-up link to standard output, and never to the log, while the server is empty. Once it
// has users, an output that others may read has only the name of the command; once it has an
// administrator, nothing.
func TestServeOffersASetupLink(t *testing.T) {
	t.Parallel()
	sh := clitest.NewShell(t)
	out, log := serveOnce(t, sh)
	token := setupToken(t, out)
	wantSetupLink(t, sh, token)
	if strings.Contains(log, token) || strings.Contains(log, "/setup") {
		t.Errorf("the log has the link: %s", log)
	}

	sh.Input = servertest.Password + "\n"
	sh.Must("users", "create", "root", "--password-file=-")
	out, _ = serveOnce(t, sh)
	servertest.Contains(t, out, "ostiary setup-link")
	if strings.Contains(out, "token=") {
		t.Errorf("a server with users prints %q, want no link", out)
	}

	sh.Must("users", "update", "root", "--admin-role=owner")
	if out, _ = serveOnce(t, sh); out != "" {
		t.Errorf("a server with an administrator prints %q, want nothing", out)
	}
}

// serveOnce runs serve until it logs that it serves, and returns its output.
func serveOnce(t *testing.T, sh *clitest.Shell) (out, log string) {
	t.Helper()
	var printed bytes.Buffer
	read, write := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() {
		code := cli.Run(ctx, servertest.Version, append(append([]string{}, sh.Settings...),
			"serve", "--set=issuer=http://localhost:4444", "--set=listen=127.0.0.1:0", "--set=admin_listen=off", "--set=shutdown_delay=0s",
		), cli.Streams{In: strings.NewReader(""), Out: &printed, Err: write})
		_ = write.CloseWithError(io.EOF) // the reader is here
		ended <- code
	}()
	var logged bytes.Buffer
	some := make([]byte, 4096)
	for {
		n, err := read.Read(some)
		logged.Write(some[:n])
		if bytes.Contains(logged.Bytes(), []byte("msg=serving")) {
			stop()
		}
		if err != nil {
			break
		}
	}
	if code := <-ended; code != 0 {
		t.Fatalf("serve = exit code %d: %s", code, logged.String())
	}
	return printed.String(), logged.String()
}
