package mail_test

import (
	"context"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/mail/mailurl"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// A message is encrypted, authenticated, and marked as automatic, so that mail programs do not answer it.
func TestMessageOverTLS(t *testing.T) {
	t.Parallel()
	for security, scheme := range map[mailurl.TLS]string{mailurl.StartTLS: "smtp", mailurl.Implicit: "smtps"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				server := startServer(t, security)
				r := newRig(t, s, server.url(scheme), server.caFile)
				r.run()
				m := r.enqueue(mail.Recover, "ada@rp.example", map[string]string{"username": "ada", "client": "Shop\r\nBcc: eve@rp.example"})
				r.settles(m.ID, is(mail.Sent))

				got := server.letters()
				if len(got) != 1 || got[0].from != "no-reply@id.example" || got[0].to != "ada@rp.example" {
					t.Fatalf("received %+v, want one message from no-reply@id.example to ada@rp.example", got)
				}
				parsed, err := netmail.ReadMessage(strings.NewReader(got[0].raw))
				must(t, err)
				for header, want := range map[string]string{
					"From": `"Example" <no-reply@id.example>`, "To": "<ada@rp.example>", "Subject": "Set a new password for Example",
					"Auto-Submitted": "auto-generated", "Message-Id": "<" + m.ID + ".1@id.example>",
					"Date": fixture.Noon.Format(time.RFC1123Z), "Content-Type": "text/plain; charset=UTF-8", "Bcc": "",
				} {
					if got := parsed.Header.Get(header); got != want {
						t.Errorf("%s = %q, want %q", header, got, want)
					}
				}
				body, err := io.ReadAll(quotedprintable.NewReader(parsed.Body))
				must(t, err)
				wantParts(t, string(body), "the account ada at Example", noLink, "60 minutes", "The application involved was Shop  Bcc: eve@rp.example.")
				if strings.Contains(r.logged(), "ada@rp.example") || strings.Contains(r.logged(), password) {
					t.Errorf("the log has the address or the password:\n%s", r.logged())
				}
			})
		})
	}
}

// Only an address that is not ASCII requests SMTPUTF8, which other servers on the way may lack.
func TestASCIIMessagesDoNotRequestSMTPUTF8(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		server := startServer(t, mailurl.StartTLS)
		server.smtp.EnableSMTPUTF8 = true
		r := newRig(t, s, server.url("smtp"), server.caFile)
		r.run()
		for to, want := range map[string]bool{"ada@rp.example": false, "äda@rp.example": true} {
			r.settles(r.enqueue(mail.Recover, to, map[string]string{"username": "äda"}).ID, is(mail.Sent))
			got := server.letters()
			if last := got[len(got)-1]; last.to != to || last.utf8 != want {
				t.Errorf("the message to %s: SMTPUTF8 %v, want %v", last.to, last.utf8, want)
			}
		}
	})
}

// A connection without TLS, or to a server with another certificate, receives no message.
func TestMessageIsNotSentWithoutTLS(t *testing.T) {
	t.Parallel()
	for name, security := range map[string]mailurl.TLS{"the server has no STARTTLS": mailurl.Plain, "the CA is unknown": mailurl.StartTLS} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				server := startServer(t, security)
				r := newRig(t, s, server.url("smtp"), "")
				r.run()
				m := r.enqueue(mail.Recover, "ada@rp.example", nil)
				got := r.settles(m.ID, r.failed(1))
				if !strings.Contains(got.LastError, "STARTTLS") && !strings.Contains(got.LastError, "certificate") {
					t.Errorf("the error is %q, want one about TLS", got.LastError)
				}
				if n := len(server.letters()); n != 0 {
					t.Errorf("%d messages were sent", n)
				}
			})
		})
	}
}

// A recipient that the server rejects permanently is not tried again; every other failure
// ends, so it is repeated.
func TestRefusedMessages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		server := startServer(t, mailurl.Plain)
		var full atomic.Bool
		full.Store(true)
		server.rcpt = func(to string) error {
			switch {
			case strings.HasPrefix(to, "unknown"):
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
			case strings.HasPrefix(to, "full") && full.Load():
				return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
			}
			return nil
		}
		server.data = func(to string) error {
			if strings.HasPrefix(to, "spam") && full.Load() {
				return &smtp.SMTPError{Code: 554, Message: "looks like spam"}
			}
			return nil
		}
		r := newRig(t, s, server.url("smtp+plain"), "")
		r.run()
		unknown := r.enqueue(mail.Verify, "unknown@rp.example", nil)
		got := r.settles(unknown.ID, is(mail.Failed))
		wantParts(t, got.LastError, "no such user")
		if strings.Contains(got.LastError, "unknown@rp.example") || got.Attempts != 1 {
			t.Errorf("the message is %+v, want one attempt, and an error without the address", got)
		}
		later := []string{r.enqueue(mail.Verify, "full@rp.example", nil).ID, r.enqueue(mail.Verify, "spam@rp.example", nil).ID}
		for _, id := range later {
			r.settles(id, r.failed(1))
		}
		full.Store(false)
		r.advance(time.Minute)
		for _, id := range later {
			r.settles(id, is(mail.Sent))
		}
		r.enqueue(mail.Verify, "ada@rp.example", map[string]string{"unwanted": "yes"})
		if n := len(server.letters()); n != 2 {
			t.Errorf("%d messages were received, want 2", n)
		}
	})
}

// A mail server that is away for hours loses no message.
func TestMailServerAway(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "localhost:0")
		must(t, err)
		away := &server{t: t, at: l.Addr()}
		must(t, l.Close())
		r := newRig(t, s, away.url("smtp+plain"), "")
		r.run()
		m := r.enqueue(mail.Verify, "ada@rp.example", nil)
		for attempt := 1; attempt <= 5; attempt++ {
			r.settles(m.ID, r.failed(attempt))
			r.advance(30 * time.Minute)
		}
		r.settles(m.ID, r.failed(6))
		back := startServerAt(t, mailurl.Plain, away.at.String())
		r.advance(2 * time.Hour)
		r.settles(m.ID, is(mail.Sent))
		if n := len(back.letters()); n != 1 {
			t.Errorf("received %d messages, want 1", n)
		}
	})
}

// Each of two replicas claims a message once.
func TestReplicasSendOnce(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		server := startServer(t, mailurl.Plain)
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		first, second := newRig(t, one, server.url("smtp+plain"), ""), newRig(t, two, server.url("smtp+plain"), "")
		var ids []string
		for i := range 40 {
			m := mail.New(mail.Verify, fmt.Sprintf("user%d@rp.example", i), fixture.Noon)
			must(t, one.Mails.EnqueueMail(t.Context(), m))
			ids = append(ids, m.ID)
		}
		first.run()
		second.run()
		for _, id := range ids {
			first.settles(id, is(mail.Sent))
		}
		got := map[string]int{}
		for _, letter := range server.letters() {
			got[letter.to]++
		}
		if len(got) != 40 || len(server.letters()) != 40 {
			t.Errorf("received %d messages for %d recipients, want 40 for 40", len(server.letters()), len(got))
		}
	})
}

// The message of a process that died is sent by another one when its claim ends.
func TestMessageOfADeadProcess(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		server := startServer(t, mailurl.Plain)
		r := newRig(t, s, server.url("smtp+plain"), "")
		m := r.enqueue(mail.Verify, "ada@rp.example", nil)
		dead, err := s.Mails.ClaimMail(t.Context(), r.now(), r.now().Add(time.Minute))
		must(t, err)
		r.run()
		r.advance(30 * time.Second)
		if got := r.settles(m.ID, is(mail.Pending)); got.Attempts != 1 {
			t.Errorf("%d attempts, want only the one of the dead process", got.Attempts)
		}
		r.advance(31 * time.Second)
		r.settles(m.ID, is(mail.Sent))
		must(t, s.Mails.PostponeMail(context.Background(), dead, r.now())) // it was only slow
		if got := r.settles(m.ID, is(mail.Sent)); got.Attempts != 2 {
			t.Errorf("%d attempts, want 2", got.Attempts)
		}
	})
}

// A message is attempted for a day.
func TestMessageFailsAfterADay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		server := startServer(t, mailurl.Plain)
		server.data = func(string) error { return &smtp.SMTPError{Code: 451, Message: "try later"} }
		r := newRig(t, s, server.url("smtp+plain"), "")
		r.run()
		m := r.enqueue(mail.Verify, "ada@rp.example", nil)
		last := m
		for attempt := 1; last.State == mail.Pending; attempt++ {
			last = r.settles(m.ID, func(m *mail.Message) bool { return r.failed(attempt)(m) || m.State == mail.Failed })
			r.advance(4 * time.Hour)
		}
		if last.State != mail.Failed || last.Attempts < 5 {
			t.Errorf("the message is %+v, want it failed after several attempts", last)
		}
	})
}
