package store_test

import (
	"encoding/base64"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// A passkey is a credential of its account: listed, removed by the account alone, and mailed.
func TestPasskeysAreCredentials(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		s.NotifyUsers()
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("of alice", "alice"), nil))
		must(t, s.Passkeys.InsertPasskey(t.Context(), registered("one", "alice", "of alice", time.Second), noon))
		id := base64.RawURLEncoding.EncodeToString([]byte("one"))
		list, err := s.Passkeys.Credentials(t.Context(), "alice")
		must(t, err)
		wantSame(t, "credentials", list, []credential.Info{{ID: id, Kind: credential.Passkey, Label: "Passkey", CreatedAt: noon.Add(time.Second)}})

		for what, tc := range map[string]struct{ subject, id string }{
			"of another account": {"bob", id}, "an unknown one": {"alice", "b25l_"}, "no base64": {"alice", "!"},
		} {
			wantErr(t, what, s.Passkeys.RemoveCredential(t.Context(), tc.subject, tc.id, noon), credential.ErrNotFound)
		}
		must(t, s.Passkeys.RemoveCredential(t.Context(), "alice", id, noon))
		wantErr(t, "remove it again", s.Passkeys.RemoveCredential(t.Context(), "alice", id, noon), credential.ErrNotFound)
		list, err = s.Passkeys.Credentials(t.Context(), "alice")
		must(t, err)
		wantSame(t, "credentials that are left", len(list), 0)
		for _, kind := range []mail.Kind{mail.CredentialAdded, mail.CredentialRemoved} {
			mails, err := s.Mails.ListMails(t.Context(), store.MailFilter{Kind: kind}, "", 10)
			must(t, err)
			if len(mails) != 1 || mails[0].To != "alice@example.org" || mails[0].Data["detail"] != "Passkey" {
				t.Errorf("%s: %d messages, want one", kind, len(mails))
			}
		}
	})
}
