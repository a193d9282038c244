package store_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func aMail(to string) *mail.Message {
	m := mail.New(mail.Recover, to, noon)
	m.Subject, m.Language, m.Data, m.Anonymous = "alice", "de", map[string]string{"client": "Shop"}, true
	return m
}

func TestMailIsStored(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		want := aMail("ada@rp.example")
		must(t, s.Mails.EnqueueMail(t.Context(), want))
		at, err := s.Mails.NextMail(t.Context())
		must(t, err)
		wantSame(t, "the time of the next message", at, noon)
		_, err = s.Mails.ClaimMail(t.Context(), noon.Add(-time.Microsecond), noon)
		wantErr(t, "a message that is not due", err, mail.ErrNotFound)
		got, err := s.Mails.ClaimMail(t.Context(), noon, noon.Add(time.Minute))
		must(t, err)
		want.Attempts, want.DueAt = 1, noon.Add(time.Minute)
		wantSame(t, "the message", got, want)
		must(t, s.Mails.EndMail(t.Context(), got, mail.Sent, noon))
		_, err = s.Mails.NextMail(t.Context())
		wantErr(t, "NextMail", err, mail.ErrNotFound)
	})
}

// Of any number of callers one claims a message.
func TestOneCallerClaimsAMail(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		must(t, one.Mails.EnqueueMail(t.Context(), aMail("ada@rp.example")))
		results := fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
			_, err := s.Mails.ClaimMail(ctx, noon, noon.Add(time.Minute))
			return err
		})
		fixture.WantOneWinner(t, results, mail.ErrNotFound)
	})
}

// The oldest messages of requests without a user go when there are too many; others stay.
func TestAnonymousMailsAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		s.BoundAnonymousMails(3)
		for i := range 5 {
			m := aMail(strconv.Itoa(i) + "@rp.example")
			m.CreatedAt = noon.Add(time.Duration(i) * time.Second)
			known := mail.New(mail.NewDevice, "known@rp.example", noon)
			must(t, s.Mails.EnqueueMail(t.Context(), m, known))
		}
		_, err := s.Purge(t.Context(), noon)
		must(t, err)
		list, err := s.Mails.ListMails(t.Context(), store.MailFilter{}, "", 100)
		must(t, err)
		got := map[string]int{}
		for _, m := range list {
			got[m.To]++
		}
		wantSame(t, "the recipients", got, map[string]int{"2@rp.example": 1, "3@rp.example": 1, "4@rp.example": 1, "known@rp.example": 5})
	})
}
