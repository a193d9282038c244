//go:build e2e

package e2e

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/test/rig"
)

// Messages arrive in the mailbox of an Exim that accepts them only over TLS, after authentication.
func TestMailThroughExim(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"smtp", "smtps"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			server := startExim(t, scheme == "smtps")
			s := startService(t, rig.SQLite, map[string]string{
				"MAIL_URL": scheme + "://ostiary:correct-horse@" + server.address, "MAIL_CA_FILE": server.path("ca.pem"),
			})
			p := newBrowser(t)
			p.open(s.demo)
			p.press("#signin")
			p.press("#forgot")
			p.write("#email", adasAddress)
			p.press("#send")
			m, text := server.awaitMessage()
			if m.Get("To") != "<"+adasAddress+">" || m.Get("From") != `"Ostiary" <no-reply@example.com>` || m.Get("Auto-Submitted") == "" {
				t.Errorf("the header of the message is %v", m)
			}
			p.openLink(regexp.MustCompile(regexp.QuoteMeta(s.issuer) + `/recover\?token=\S+`).FindString(text))
			p.wantFocus("password")
			if log := server.read("mainlog"); !strings.Contains(log, "esmtpsa X=TLS") {
				t.Errorf("the message did not arrive over TLS with authentication:\n%s", log)
			}
		})
	}
}

// exim is a mail server that keeps all messages in one mailbox.
type exim struct {
	t            *testing.T
	dir, address string
}

// startExim starts a mail server on a free port: a process for each connection, as under inetd. Its
// certificate is in ca.pem.
func startExim(t *testing.T, implicitTLS bool) *exim {
	t.Helper()
	// Exim runs as another user, which cannot reach a folder of t.TempDir.
	dir, err := os.MkdirTemp("", "ostiary-exim-") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e := &exim{t, dir, l.Addr().String()}
	tlsPort := ""
	if implicitTLS {
		_, tlsPort, _ = net.SplitHostPort(e.address)
	}
	name := e.owner()
	e.writeCertificate()
	e.write("exim.conf", strings.NewReplacer("DIR", dir, "USER", name, "PORT", tlsPort).Replace(eximConfig))
	var connections sync.WaitGroup
	connections.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			connections.Go(func() { e.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		connections.Wait()
	})
	return e
}

const eximConfig = `
primary_hostname = localhost
exim_user = USER
spool_directory = DIR
log_file_path = DIR/%slog
tls_advertise_hosts = *
tls_certificate = DIR/ca.pem
tls_privatekey = DIR/key.pem
tls_on_connect_ports = PORT
auth_advertise_hosts = ${if def:tls_in_cipher{*}}
rfc1413_query_timeout = 0s
deliver_drop_privilege = true
acl_smtp_rcpt = recipient
acl_smtp_data = message
keep_environment =
begin acl
recipient:
  accept authenticated = *
  deny message = authenticate first
message:
  accept
begin routers
all:
  driver = accept
  transport = mailbox
begin transports
mailbox:
  driver = appendfile
  directory = DIR/mailbox
  maildir_format
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${if and{{eq{$auth2}{ostiary}}{eq{$auth3}{correct-horse}}}}
`

// owner gives the folder to the user that Exim runs as, and returns the name of that user.
func (e *exim) owner() string {
	e.t.Helper()
	who, err := user.Current()
	if err == nil && who.Uid == "0" {
		who, err = user.Lookup("Debian-exim")
	}
	if err != nil {
		e.t.Fatalf("the user of Exim (package exim4-daemon-light): %v", err)
	}
	uid, _ := strconv.Atoi(who.Uid)
	if err := os.Chown(e.dir, uid, -1); err != nil {
		e.t.Fatal(err)
	}
	return who.Username
}

// writeCertificate writes the certificate for 127.0.0.1 that package httptest has.
func (e *exim) writeCertificate() {
	e.t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(server.TLS.Certificates[0].PrivateKey)
	if err != nil {
		e.t.Fatal(err)
	}
	e.write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	e.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
}

// serve serves one connection.
func (e *exim) serve(c net.Conn) {
	defer c.Close()
	socket, err := c.(*net.TCPConn).File()
	if err != nil {
		e.t.Error(err)
		return
	}
	defer socket.Close()
	// -odf delivers each message before the response to the next command.
	server := exec.Command("/usr/sbin/exim4", "-C", e.path("exim.conf"), "-bs", "-odf")
	server.Stdin, server.Stdout = socket, socket
	if err := server.Run(); err != nil {
		e.t.Errorf("exim: %v\n%s", err, e.read("mainlog"))
	}
}

// awaitMessage waits for a message, and returns its header and its text.
func (e *exim) awaitMessage() (mail.Header, string) {
	e.t.Helper()
	for began := time.Now(); time.Since(began) < timeout; time.Sleep(20 * time.Millisecond) {
		files, _ := filepath.Glob(e.path("mailbox/new/*"))
		if len(files) == 0 {
			continue
		}
		file, err := os.Open(files[0])
		if err != nil {
			e.t.Fatal(err)
		}
		defer file.Close()
		m, err := mail.ReadMessage(file)
		if err != nil {
			e.t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil {
			e.t.Fatal(err)
		}
		return m.Header, string(text)
	}
	e.t.Fatalf("no message arrived:\n%s", e.read("mainlog"))
	return nil, ""
}

func (e *exim) path(name string) string { return filepath.Join(e.dir, name) }

func (e *exim) write(name, text string) {
	e.t.Helper()
	if err := os.WriteFile(e.path(name), []byte(text), 0o644); err != nil {
		e.t.Fatal(err)
	}
}

// read returns the text of a file, or why there is none.
func (e *exim) read(name string) string {
	text, err := os.ReadFile(e.path(name))
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(text)
}
