package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// failMail adds a message and makes it fail.
func failMail(t *testing.T, s *store.Store, now time.Time) *mail.Message {
	t.Helper()
	must(t, s.Mails.EnqueueMail(t.Context(), mail.New(mail.Recover, "ada@rp.example", now)))
	m, err := s.Mails.ClaimMail(t.Context(), now, now.Add(time.Minute))
	must(t, err)
	must(t, s.Mails.EndMail(t.Context(), m, mail.Failed, now))
	return m
}

// Failed messages are listed page by page, the latest first, and are sent again once.
func TestRetryMails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		var want []string
		for i := range 5 {
			m := failMail(t, s, noon.Add(time.Duration(i/2)*time.Hour)) // two at a time have the same time
			want = append(want, m.ID)
		}
		var got []string
		var after *mail.Message
		for {
			page, err := s.Mails.MailsInState(ctx, mail.Failed, after, 2)
			must(t, err)
			if len(page) == 0 {
				break
			}
			for _, m := range page {
				got, after = append(got, m.ID), m
			}
		}
		if len(got) != 5 || got[0] != want[4] || !slices.Contains(got[3:], want[0]) || !slices.Contains(got[3:], want[1]) {
			t.Errorf("the failed messages are %v, want %v, the latest first", got, want)
		}

		now := noon.Add(day)
		must(t, s.Mails.RetryMail(ctx, want[0], now))
		wantErr(t, "a message that is due", s.Mails.RetryMail(ctx, want[0], now), mail.ErrNotFound)
		m, err := s.Mails.ClaimMail(ctx, now, now.Add(time.Minute))
		must(t, err)
		if m.ID != want[0] || m.Attempts != 1 || !m.ExpiresAt.Equal(now.Add(mail.RetryPeriod)) {
			t.Errorf("the retried message is %+v", m)
		}
		wantErr(t, "a message that is being sent", s.Mails.RetryMail(ctx, want[0], now), mail.ErrNotFound)
		must(t, s.Mails.PostponeMail(ctx, m, now.Add(time.Hour)))
		must(t, s.Mails.RetryMail(ctx, want[0], now))
		m, err = s.Mails.ClaimMail(ctx, now, now.Add(time.Minute))
		must(t, err)
		must(t, s.Mails.EndMail(ctx, m, mail.Sent, now))
		wantErr(t, "a sent message", s.Mails.RetryMail(ctx, want[0], now), mail.ErrNotFound)
		wantErr(t, "an unknown message", s.Mails.RetryMail(ctx, "unknown", now), mail.ErrNotFound)

		n, err := s.Mails.RetryFailedMails(ctx, now)
		must(t, err)
		wantSame(t, "the retried messages", n, 4)
		n, err = s.Mails.RetryFailedMails(ctx, now)
		must(t, err)
		wantSame(t, "the messages retried again", n, 0)
	})
}

func TestRetryFailedNotices(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		for _, id := range []string{"one", "two"} {
			must(t, s.Clients.InsertClient(ctx, fixture.LogoutClient(id)))
		}
		for _, id := range []string{"one", "two"} {
			must(t, s.Sessions.InsertSession(ctx, fixture.Session(id, "bob"), nil))
			must(t, s.Sessions.JoinSession(ctx, id, "one", "", noon))
			must(t, s.Sessions.JoinSession(ctx, id, "two", "", noon))
			_, err := s.Sessions.EndSession(ctx, id, noon)
			must(t, err)
		}
		for _, id := range []string{"one", "one", "two", "two"} {
			n, err := s.Outbox.ClaimNotice(ctx, id, noon, noon.Add(time.Minute))
			must(t, err)
			must(t, s.Outbox.EndNotice(ctx, n, outbox.Failed, noon))
		}
		var clients []string
		var after *outbox.Notice
		for {
			page, err := s.Outbox.NoticesInState(ctx, outbox.Failed, after, 3)
			must(t, err)
			if len(page) == 0 {
				break
			}
			for _, n := range page {
				clients, after = append(clients, n.ClientID), n
			}
		}
		wantSame(t, "the clients of failed notices", clients, []string{"one", "one", "two", "two"})
		n, err := s.Outbox.RetryFailedNotices(ctx, noon.Add(day))
		must(t, err)
		wantSame(t, "the retried notices", n, 4)
		list, err := s.Outbox.NoticesInState(ctx, outbox.Pending, nil, 10)
		must(t, err)
		if len(list) != 4 || !list[0].ExpiresAt.Equal(noon.Add(day+outbox.RetryPeriod)) || list[0].Attempts != 0 {
			t.Errorf("the pending notices are %+v", list)
		}
	})
}
