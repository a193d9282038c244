package login_test

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/dev/mailcatcher"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// mailServer is a server that sends its mail to a mail server of the test.
type mailServer struct {
	*servertest.Server

	catcher *mailcatcher.Catcher
	log     *servertest.LogBuffer
}

// eachMailServer runs a test at a server of each engine.
func eachMailServer(t *testing.T, settings map[string]string, test func(t *testing.T, s *mailServer)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) { test(t, startMailServer(t, db, settings)) })
}

func startMailServer(t *testing.T, db *store.Store, settings map[string]string) *mailServer {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &mailServer{catcher: mailcatcher.New(mailcatcher.Config{}), log: &servertest.LogBuffer{}}
	go func() { _ = s.catcher.Serve(l) }()
	t.Cleanup(func() { _ = s.catcher.Close() })
	all := map[string]string{"mail_url": "smtp+plain://" + l.Addr().String(), "mail_from": "Example <no-reply@id.example>"}
	maps.Copy(all, settings)
	s.Server = servertest.StartWithLog(t, db, all, slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		s.App.Mail.Run(ctx)
		close(ended)
	}()
	t.Cleanup(func() { stop(); <-ended })
	return s
}

// mails waits until the outbox is empty, and returns all messages, the latest first.
func (s *mailServer) mails() []mailcatcher.Message {
	s.TB.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		n, err := s.Store.Mails.PendingMails(s.TB.Context())
		if err != nil {
			s.TB.Fatal(err)
		}
		if n == 0 {
			return s.catcher.Messages()
		}
		if time.Now().After(deadline) {
			s.TB.Fatalf("%d messages are still in the outbox\n%s", n, s.log.String())
		}
	}
}

// Advance moves the clock when no message is being sent: its claim would end.
func (s *mailServer) Advance(d time.Duration) {
	s.TB.Helper()
	s.mails()
	s.Server.Advance(d)
}

// rows returns the messages of the outbox in a state.
func (s *mailServer) rows(state mail.State) []*mail.Message {
	s.TB.Helper()
	s.mails()
	list, err := s.Store.Mails.ListMails(s.TB.Context(), store.MailFilter{State: state}, "", 1000)
	if err != nil {
		s.TB.Fatal(err)
	}
	return list
}

var linkIn = regexp.MustCompile(`https?://\S+\?token=[\w-]{43}`)

// link returns the link of the latest message to an address.
func (s *mailServer) link(to string) string {
	s.TB.Helper()
	for _, m := range s.mails() {
		if m.EnvelopeTo[0] == to && linkIn.MatchString(m.Text) {
			return linkIn.FindString(m.Text)
		}
	}
	s.TB.Fatalf("no link was sent to %s: %+v", to, s.catcher.Messages())
	return ""
}

// open opens a link as a mail program does, and returns the page after the redirect.
func open(b *servertest.Browser, link string) servertest.Response {
	b.Server.TB.Helper()
	p := b.Get(link)
	page, _, _ := strings.Cut(link, "?")
	if got := p.Header.Get("Location"); p.Status != 303 || got != page || p.Header.Get("Referrer-Policy") != "no-referrer" {
		b.Server.TB.Fatalf("%s: status %d to %q with %q, want a redirect to %s without the token, and no referrer",
			link, p.Status, got, p.Header.Get("Referrer-Policy"), page)
	}
	return b.Get(p.Header.Get("Location"))
}

// element returns the element with the ID in a page, "" if there is none.
func element(p servertest.Response, id string) string {
	return p.Attribute("id", func(a map[string]string) bool { return a["id"] == id })
}

// submitForm submits the form of a page with the fields.
func submitForm(b *servertest.Browser, p servertest.Response, fields ...string) servertest.Response {
	b.Server.TB.Helper()
	if p.FormAction() == "" {
		b.Server.TB.Fatalf("no form: %d\n%s", p.Status, p.Body)
	}
	values := url.Values{}
	if id := p.HiddenField("request"); id != "" {
		values.Set("request", id)
	}
	for i := 0; i < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return b.Post(p.FormAction(), values)
}
