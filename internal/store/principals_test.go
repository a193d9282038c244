package store_test

import (
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// The sub of a token that a client got for itself is its client_id. It must not be the
// subject of a user as well, regardless of the order of creation (RFC 9700 §4.15).
func TestNoClientHasTheSubjectOfAUser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		ctx := t.Context()
		wantErr(t, "InsertClient", s.Clients.InsertClient(ctx, fixture.Client("alice")), client.ErrIsSubject)
		_, _, err := s.Clients.ImportClients(ctx, []*client.Client{fixture.Client("fine"), fixture.Client("alice")})
		wantErr(t, "ImportClients", err, client.ErrIsSubject)
		_, err = s.Clients.Client(ctx, "fine")
		wantErr(t, "a client beside it", err, client.ErrNotFound)

		clash := fixture.Account("rp")
		wantErr(t, "InsertAccount", s.Accounts.InsertAccount(ctx, clash), account.ErrIsClient)
		_, _, err = s.Accounts.ImportAccounts(ctx, imports(clash))
		wantErr(t, "ImportAccounts", err, account.ErrIsClient)
		wantErr(t, "InsertAccount of an app's user", s.Accounts.InsertAccount(ctx, account.NewExternal("rp", noon)), account.ErrIsClient)
		_, err = s.Consents.ImportConsents(ctx, []*consent.Consent{{Subject: "rp", ClientID: "rp", Scopes: []string{"openid"}, GivenAt: noon}}, noon, false)
		wantErr(t, "ImportConsents", err, account.ErrIsClient)

		wantErr(t, "InsertClient again", s.Clients.InsertClient(ctx, fixture.Client("rp")), client.ErrExists)
		again := fixture.Account("alice")
		wantErr(t, "InsertAccount again", s.Accounts.InsertAccount(ctx, again), account.ErrExists)
	})
}

// A login app must not use a client_id as the subject or as a forced subject.
func TestLoginAppCannotNameAClient(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		for name, tc := range map[string]struct {
			subject, forced string
			want            error
		}{
			"a new subject":                 {"jo", "", nil},
			"a known subject":               {"alice", "", nil},
			"a client's id":                 {"rp", "", account.ErrIsClient},
			"a client's id as forced name":  {"jo", "rp", account.ErrIsClient},
			"another forced name":           {"jo", "jojo", nil},
			"a forced name beside a client": {"alice", "rp", account.ErrIsClient},
		} {
			r := fixture.Request(name)
			r.LoginSession = "session of " + name
			must(t, s.Requests.InsertRequest(t.Context(), r))
			err := s.Requests.AnswerLogin(t.Context(), name, tc.subject, &authrequest.LoginAnswer{ForcedSubject: tc.forced}, []byte("verifier"), noon)
			wantErr(t, name, err, tc.want)
		}
	})
}
