package mail_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/mail/mailurl"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

const (
	user     = "ostiary"
	password = "correct/horse@battery"
	noLink   = "no link"
)

// server is a mail server with a private CA.
type server struct {
	t      *testing.T
	smtp   *smtp.Server
	at     net.Addr
	caFile string

	mu       sync.Mutex
	received []letter
	// rcpt and data return the response to the command, nil for success.
	rcpt, data func(to string) error
}

// letter is a received message.
type letter struct {
	from, to, raw string
	utf8          bool // SMTPUTF8 was requested
}

// startServer starts a mail server. Its certificate is for localhost.
func startServer(t *testing.T, security mailurl.TLS) *server {
	t.Helper()
	return startServerAt(t, security, "localhost:0")
}

func startServerAt(t *testing.T, security mailurl.TLS, address string) *server {
	t.Helper()
	s := &server{t: t}
	certificate, pemCA := certify(t)
	s.caFile = filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(s.caFile, pemCA, 0o600))
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		_, encrypted := c.TLSConnectionState()
		return &session{server: s, encrypted: encrypted}, nil
	}))
	s.smtp.Domain = "localhost"
	s.smtp.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	settings := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if security == mailurl.StartTLS {
		s.smtp.TLSConfig = settings
	}
	s.listen(address, func(l net.Listener) net.Listener {
		if security == mailurl.Implicit {
			return tls.NewListener(l, settings)
		}
		return l
	})
	return s
}

func (s *server) listen(address string, wrap func(net.Listener) net.Listener) {
	s.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", address)
	must(s.t, err)
	s.at = l.Addr()
	served := make(chan error, 1)
	go func() { served <- s.smtp.Serve(wrap(l)) }()
	s.t.Cleanup(func() {
		must(s.t, s.smtp.Close())
		if err := l.Close(); err != nil && !errors.Is(err, net.ErrClosed) { // unknown to a server that has just begun
			s.t.Error(err)
		}
		if err := <-served; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			s.t.Error(err)
		}
	})
}

// url returns the URL of the server, with its host as localhost.
func (s *server) url(scheme string) mailurl.Server {
	s.t.Helper()
	_, port, err := net.SplitHostPort(s.at.String())
	must(s.t, err)
	credentials := "ostiary:correct%2Fhorse%40battery@"
	if scheme == "smtp+plain" {
		credentials = ""
	}
	parsed, err := mailurl.Parse(scheme + "://" + credentials + "localhost:" + port)
	must(s.t, err)
	return parsed
}

func (s *server) letters() []letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]letter(nil), s.received...)
}

// session is an SMTP session.
type session struct {
	server    *server
	encrypted bool
	letter    letter
	signedIn  bool
}

func (s *session) AuthMechanisms() []string {
	if s.encrypted {
		return []string{sasl.Plain}
	}
	return nil
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, given string) error {
		if username != user || given != password {
			return smtp.ErrAuthFailed
		}
		s.signedIn = true
		return nil
	}), nil
}

func (s *session) Mail(from string, options *smtp.MailOptions) error {
	if s.encrypted && !s.signedIn {
		return smtp.ErrAuthRequired
	}
	s.letter.from, s.letter.utf8 = from, options.UTF8
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.letter.to = to
	if s.server.rcpt != nil {
		return s.server.rcpt(to)
	}
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if s.server.data != nil {
		if err := s.server.data(s.letter.to); err != nil {
			return err
		}
	}
	s.letter.raw = string(raw)
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.received = append(s.server.received, s.letter)
	return nil
}

func (s *session) Reset()        { s.letter = letter{} }
func (s *session) Logout() error { return nil }

// certify returns a certificate for localhost, and the certificate of its CA in PEM.
func certify(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "private CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	must(t, err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"localhost"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	must(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
}

// rig is a worker over a store, with a clock that the test advances.
type rig struct {
	t      *testing.T
	store  *store.Store
	worker *mail.Worker

	mu    sync.Mutex
	clock time.Time
	log   bytes.Buffer
}

func newRig(t *testing.T, s *store.Store, server mailurl.Server, caFile string) *rig {
	t.Helper()
	r := &rig{t: t, store: s, clock: fixture.Noon}
	sender, err := mail.NewSender(server, "Example <no-reply@id.example>", "id.example", caFile)
	must(t, err)
	r.worker = mail.NewWorker(mail.Worker{
		Store: s.Mails, Sender: sender, Composer: mail.Composer{Service: "Example"},
		Complete: func(_ context.Context, m *mail.Message, _ time.Time) (mail.Secret, error) {
			if m.Data["unwanted"] != "" {
				return mail.Secret{}, mail.ErrUnwanted
			}
			return mail.Secret{Link: noLink, Lifetime: time.Hour}, nil
		},
		Now: r.now, Log: slog.New(slog.NewTextHandler(&locked{r}, nil)),
	})
	return r
}

// locked writes to the log, from several goroutines.
type locked struct{ r *rig }

func (l *locked) Write(line []byte) (int, error) {
	l.r.mu.Lock()
	defer l.r.mu.Unlock()
	return l.r.log.Write(line)
}

func (r *rig) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.clock
}

// advance moves the clock, and wakes the worker.
func (r *rig) advance(d time.Duration) {
	r.mu.Lock()
	r.clock = r.clock.Add(d)
	r.mu.Unlock()
	r.worker.Wake()
}

// run runs the worker until the test ends.
func (r *rig) run() {
	ctx, stop := context.WithCancel(r.t.Context())
	ended := make(chan struct{})
	go func() {
		r.worker.Run(ctx)
		close(ended)
	}()
	r.t.Cleanup(func() { stop(); <-ended })
}

func (r *rig) enqueue(kind mail.Kind, to string, data map[string]string) *mail.Message {
	r.t.Helper()
	m := mail.New(kind, to, r.now())
	m.Data = data
	must(r.t, r.store.Mails.EnqueueMail(r.t.Context(), m))
	r.worker.Wake()
	return m
}

// settles returns the message once it satisfies the condition.
func (r *rig) settles(id string, done func(*mail.Message) bool) *mail.Message {
	r.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		list, err := r.store.Mails.ListMails(r.t.Context(), store.MailFilter{}, "", 1000)
		must(r.t, err)
		for _, m := range list {
			if m.ID == id && done(m) {
				return m
			}
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("message %s did not settle: %+v\n%s", id, list, r.logged())
		}
	}
}

func is(state mail.State) func(*mail.Message) bool {
	return func(m *mail.Message) bool { return m.State == state }
}

// failed reports whether the message waits for another attempt after n of them. While an
// attempt runs, it is due when its claim ends.
func (r *rig) failed(n int) func(*mail.Message) bool {
	return func(m *mail.Message) bool {
		return m.State == mail.Pending && m.Attempts == n && m.LastError != "" && !m.DueAt.Equal(r.now().Add(time.Minute))
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func wantParts(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in:\n%s", part, text)
		}
	}
}
