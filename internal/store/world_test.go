package store_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
)

// noon is when everything here happens. It has microseconds, so that a store
// that kept less would be found out.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

func aClient(id string) *client.Client {
	return &client.Client{
		ID: id,
		Metadata: client.Metadata{
			ClientName:   "Café №1",
			RedirectURIs: []string{"https://rp.example/cb", "https://rp.example/other?x=1"},
			GrantTypes:   []string{client.GrantAuthorizationCode, client.GrantRefreshToken},
			Scope:        "openid email",
			JWKS:         []byte(`{"keys":[]}`),
		},
		Secret:            "hmac-sha256$salt$mac",
		RegistrationToken: []byte{1, 2, 3},
		PreviousUntil:     noon.Add(time.Minute),
		Dynamic:           true,
		CreatedAt:         noon.Add(-time.Hour),
		UpdatedAt:         noon.Add(-time.Hour),
	}
}

// aToldClient hears of the end of a session in both ways.
func aToldClient(id string) *client.Client {
	c := aClient(id)
	c.FrontchannelLogoutURI, c.BackchannelLogoutURI = "https://rp.example/front", "https://rp.example/back"
	return c
}

func anAccount(subject string) *account.Account {
	return &account.Account{
		Subject: subject, Username: "name-of-" + subject, PasswordHash: "$argon2id$...",
		Claims:    map[string]any{"email": subject + "@example.org", "email_verified": true},
		CreatedAt: noon.Add(-time.Hour), UpdatedAt: noon.Add(-time.Hour),
	}
}

func aSession(id, subject string) *session.Session {
	return &session.Session{
		ID: id, Cookie: session.Hash("cookie of " + id), Subject: subject, Username: "name-of-" + subject,
		AuthTime: noon, ACR: "urn:one", AMR: []string{"pwd", "otp"}, Remembered: true,
		CreatedAt: noon, SeenAt: noon, IdleUntil: noon.Add(time.Hour), EndsAt: noon.Add(8 * time.Hour),
	}
}

func aGrant(clientID, subject string) *grant.Grant {
	return &grant.Grant{
		Locator: grant.Locator{Partition: grant.PartitionAt(noon, true), ID: grant.NewID(noon)},
		Kind:    grant.KindCode, ClientID: clientID, Subject: subject,
		Scopes: []string{"openid", "offline_access"}, Resources: []string{"https://api.example/"},
		CreatedAt: noon, ExpiresAt: noon.Add(24 * time.Hour), EndsAt: noon.Add(90 * 24 * time.Hour),
		CodeExpiresAt: noon.Add(time.Minute),
		Seed:          []byte("0123456789abcdef0123456789abcdef"),
		Authorization: grant.Authorization{
			RedirectURI: "https://rp.example/cb", Challenge: "challenge", Nonce: "n\"'\\", AuthTime: noon.Unix(),
			AMR: []string{"pwd"}, Claims: []byte(`{"userinfo":{"email":null}}`),
		},
	}
}

func aRequest(id string) *authrequest.Request {
	return &authrequest.Request{
		ID: id, BrowserHash: session.Hash("browser"), ClientID: "rp", Parameters: "client_id=rp&state=%20x",
		CreatedAt: noon, ExpiresAt: noon.Add(time.Hour),
		Grant: grant.Locator{Partition: grant.PartitionAt(noon, false), ID: grant.NewID(noon)},
	}
}

// furnish adds the client rp and the accounts alice and bob.
func furnish(tb testing.TB, s *store.Store) {
	tb.Helper()
	must(tb, s.InsertClient(tb.Context(), aClient("rp")))
	must(tb, s.InsertAccount(tb.Context(), anAccount("alice")))
	must(tb, s.InsertAccount(tb.Context(), anAccount("bob")))
}

// insert adds a grant of rp and alice after letting change it.
func insert(tb testing.TB, s *store.Store, change func(*grant.Grant)) *grant.Grant {
	tb.Helper()
	g := aGrant("rp", "alice")
	if change != nil {
		change(g)
	}
	must(tb, s.InsertGrant(tb.Context(), g))
	return g
}

// spend uses the code of a grant up and returns the grant as it is then.
func spend(tb testing.TB, s *store.Store, g *grant.Grant) *grant.GrantWithAccount {
	tb.Helper()
	held, err := s.SpendCode(tb.Context(), grant.CodeRedemption{Ref: g.Locator, ClientID: g.ClientID, JKT: g.JWKThumbprint, Now: noon.Add(time.Second)})
	must(tb, err)
	return held
}

// end ends a session and returns who took part in it.
func end(tb testing.TB, s *store.Store, id string, now time.Time) []string {
	tb.Helper()
	participants, err := s.EndSession(tb.Context(), id, now)
	must(tb, err)
	return participants
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func wantErr(tb testing.TB, what string, got, want error) {
	tb.Helper()
	if !errors.Is(got, want) {
		tb.Errorf("%s = %v, want %v", what, got, want)
	}
}

func wantSame(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func wantLive(tb testing.TB, s *store.Store, ref grant.Locator, now time.Time, live bool) {
	tb.Helper()
	_, err := s.LiveGrant(tb.Context(), ref, "", now)
	if live && err != nil {
		tb.Errorf("LiveGrant = %v, want it alive", err)
	}
	if !live && !errors.Is(err, grant.ErrNotFound) {
		tb.Errorf("LiveGrant = %v, want %v", err, grant.ErrNotFound)
	}
}

// race lets 32 callers do the same at once, half of them on each of two stores
// over the same database, and returns what each got.
func race(tb testing.TB, a, b *store.Store, act func(context.Context, *store.Store) error) []error {
	tb.Helper()
	const callers = 32
	results := make([]error, callers)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			<-start
			results[i] = act(tb.Context(), []*store.Store{a, b}[i%2])
		})
	}
	close(start)
	group.Wait()
	return results
}

// wantOneWinner checks that one caller of a race succeeded and all others got lost.
func wantOneWinner(tb testing.TB, results []error, lost error) {
	tb.Helper()
	winners := 0
	for _, err := range results {
		switch {
		case err == nil:
			winners++
		case !errors.Is(err, lost):
			tb.Errorf("a loser got %v, want %v", err, lost)
		}
	}
	if winners != 1 {
		tb.Errorf("%d of %d callers won, want 1", winners, len(results))
	}
}

// cookie returns what the store knows the cookie of aSession(id, ...) by.
func cookie(id string) []byte { return session.Hash("cookie of " + id) }

// damage overwrites the head of a file.
func damage(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i := range min(len(text), 4096) {
		text[i] = 'x'
	}
	return os.WriteFile(path, text, 0o600)
}

// imports brings accounts in a file that states no right of those that are no
// administrators.
func imports(accounts ...*account.Account) (all []account.Import) {
	for _, a := range accounts {
		all = append(all, account.Import{Account: a, KeepAdministrator: !a.Administrator})
	}
	return all
}
