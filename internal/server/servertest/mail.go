package servertest

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/dev/mailcatcher"
	"github.com/ostiary/ostiary/internal/store"
)

// MailServer is a server that sends its mail to a mail server of the test.
type MailServer struct {
	*Server

	Catcher *mailcatcher.Catcher
	Log     *LogBuffer
}

// StartWithMail is [Start] for a server that sends mail.
func StartWithMail(tb testing.TB, db *store.Store, settings map[string]string) *MailServer {
	tb.Helper()
	l, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &MailServer{Catcher: mailcatcher.New(mailcatcher.Config{}), Log: &LogBuffer{}}
	go func() { _ = s.Catcher.Serve(l) }()
	tb.Cleanup(func() { _ = s.Catcher.Close() })
	all := map[string]string{"mail_url": "smtp+plain://" + l.Addr().String(), "mail_from": "Example <no-reply@id.example>"}
	maps.Copy(all, settings)
	s.Server = StartWithLog(tb, db, all, slog.NewTextHandler(s.Log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, stop := context.WithCancel(tb.Context())
	ended := make(chan struct{})
	go func() {
		s.App.Mail.Run(ctx)
		close(ended)
	}()
	tb.Cleanup(func() { stop(); <-ended })
	return s
}

// Mails waits until the outbox is empty, and returns all messages, the latest first.
func (s *MailServer) Mails() []mailcatcher.Message {
	s.TB.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		n, err := s.Store.Mails.PendingMails(s.TB.Context())
		if err != nil {
			s.TB.Fatal(err)
		}
		if n == 0 {
			return s.Catcher.Messages()
		}
		s.App.Mail.Wake() // messages that were stored with other rows
		if time.Now().After(deadline) {
			s.TB.Fatalf("%d messages are still in the outbox\n%s", n, s.Log.String())
		}
	}
}

// Advance moves the clock when no message is being sent: its claim would end.
func (s *MailServer) Advance(d time.Duration) {
	s.TB.Helper()
	s.Mails()
	s.Server.Advance(d)
}

// MailsTo returns the texts of all messages to an address, the latest first.
func (s *MailServer) MailsTo(address string) (texts []string) {
	s.TB.Helper()
	for _, m := range s.Mails() {
		if m.EnvelopeTo[0] == address {
			texts = append(texts, m.Subject+"\n"+m.Text)
		}
	}
	return texts
}

var mailedLink = regexp.MustCompile(`https?://\S+\?token=[\w-]{43}`)

// MailedLink returns the link to a page of the latest message to an address that has one.
func (s *MailServer) MailedLink(address, page string) string {
	s.TB.Helper()
	for _, text := range s.MailsTo(address) {
		if link := mailedLink.FindString(text); strings.HasPrefix(link, s.URL+page+"?") {
			return link
		}
	}
	s.TB.Fatalf("no link to %s was sent to %s: %q", page, address, s.MailsTo(address))
	return ""
}
