package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/ostiary/ostiary/internal/mail/mailurl"
)

const (
	// stepTimeout bounds the connection and each message sent over it.
	stepTimeout = 10 * time.Second
	// sendTimeout bounds the delivery of a message, including TLS and authentication.
	sendTimeout = 30 * time.Second
)

// ErrRefused reports that the mail server rejects the recipient permanently.
var ErrRefused = errors.New("the mail server rejects the recipient")

// Sender sends messages to a mail server.
type Sender struct {
	client *gomail.Client
	// ascii does not request SMTPUTF8. With it, a mail server rejects or returns messages that the
	// next server would take.
	ascii *gomail.Client
	from  *mail.Address
	host  string // of the issuer, in Message-ID
}

// NewSender returns a sender over the server. From is the sender address, as in
// "Name <address>", host the host name of the issuer, and caFile a file with additional CA
// certificates in PEM, or empty.
func NewSender(server mailurl.Server, from, host, caFile string) (*Sender, error) {
	address, err := mail.ParseAddress(from)
	if err != nil {
		return nil, fmt.Errorf("parse mail_from: %w", err)
	}
	roots, err := trustedRoots(caFile)
	if err != nil {
		return nil, err
	}
	options := []gomail.Option{
		gomail.WithPort(server.Port), gomail.WithTimeout(stepTimeout), gomail.WithHELO(host), gomail.WithoutNoop(),
		gomail.WithTLSConfig(&tls.Config{ServerName: server.Host, RootCAs: roots, MinVersion: tls.VersionTLS12}),
	}
	switch server.TLS {
	case mailurl.Implicit:
		options = append(options, gomail.WithSSL())
	case mailurl.Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	case mailurl.StartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if server.User != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(server.User), gomail.WithPassword(server.Password))
	}
	client, err := gomail.NewClient(server.Host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail client: %w", err)
	}
	ascii, err := gomail.NewClient(server.Host, append(options, gomail.WithoutSMTPUTF8())...)
	if err != nil {
		return nil, fmt.Errorf("mail client: %w", err)
	}
	return &Sender{client, ascii, address, host}, nil
}

// trustedRoots returns the CA certificates of the system and of the file, nil for only those
// of the system.
func trustedRoots(caFile string) (*x509.CertPool, error) {
	if caFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(caFile) //nolint:gosec // the path is a setting
	if err != nil {
		return nil, fmt.Errorf("read mail_ca_file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("mail_ca_file %s has no certificate in PEM", caFile)
	}
	return roots, nil
}

// send sends a message. It returns [ErrRefused] if the server rejects the recipient with a
// permanent error; all other errors may end.
//
// The Message-ID contains the attempt: an attempt may replace the link of an earlier one, and
// some mail servers drop a second message with the same ID.
//
// Spec: RFC 5321 §4.2.1, RFC 6531 §3.4, RFC 5322 §3.6, RFC 3834 §5 (Auto-Submitted).
func (s *Sender) send(ctx context.Context, m *Message, t text, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()

	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	if err := msg.EnvelopeFrom(s.from.Address); err != nil {
		return fmt.Errorf("sender address: %w", err)
	}
	if err := msg.To(m.To); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	msg.Subject(t.subject)
	msg.SetDateWithValue(now)
	msg.SetMessageIDWithValue(m.ID + "." + strconv.Itoa(m.Attempts) + "@" + s.host)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, t.body)
	client := s.ascii
	if strings.ContainsFunc(s.from.Address+m.To, func(r rune) bool { return r > unicode.MaxASCII }) {
		client = s.client
	}
	err := client.DialAndSendWithContext(ctx, msg)
	var refused *gomail.SendError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.Reason == gomail.ErrSMTPRcptTo && refused.ErrorCode() >= 500:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	case msg.IsDelivered():
		return nil // only closing the connection failed
	default:
		return err
	}
}

// SendTest sends a message that tests the settings, without the outbox.
func (s *Sender) SendTest(ctx context.Context, to, issuer string, now time.Time) error {
	m := New("test", to, now)
	return s.send(ctx, m, text{"Test message of " + issuer, "The mail settings of " + issuer + " work.\n"}, now)
}
