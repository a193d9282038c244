package manage_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// The tests wait for the database more than they compute.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

var (
	noon  = fixture.Noon
	later = noon.Add(time.Minute)

	// hasher has the smallest cost.
	hasher = credential.NewHasher(8, 1, 8, time.Minute)
)

const (
	oldSecret = "the old system secret, 32 bytes.."
	newSecret = "the new system secret, 32 bytes.."
	password  = "correct horse battery"
)

// operator has every use case, on one store, at the time later.
type operator struct {
	*store.Store

	url      string
	secrets  client.SecretStore
	clients  manage.Clients
	clientIn manage.ClientImporter
	users    manage.Users
	userIn   manage.UserImporter
	apiKeys  manage.APIKeys
	grants   manage.Grants
	keySets  manage.KeySets
	notices  manage.Notices
	scopes   manage.Scopes
	sessions manage.Sessions
}

// each runs a test on a new database of each engine.
func each(t *testing.T, test func(t *testing.T, o *operator)) {
	t.Helper()
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) { test(t, newOperator(t, url)) })
}

func newOperator(t *testing.T, url string) *operator {
	t.Helper()
	s := storetest.Open(t, url)
	sealer := secrets(t, oldSecret)
	keys := client.SecretStore{Hasher: hasher, Sealer: sealer}
	now := func() time.Time { return later }
	return &operator{
		Store: s, url: url, secrets: keys,
		clients:  manage.Clients{Store: s.Clients, Secrets: keys, Documents: sectors{}, Now: now},
		clientIn: manage.ClientImporter{Store: s.Clients, Policy: client.Policy{DefaultScopes: []string{"openid"}}, Secrets: keys, Documents: sectors{}, Now: now},
		users:    manage.Users{Store: s.Accounts, Attributes: s.Attributes, Hasher: hasher, Now: now},
		userIn:   manage.UserImporter{Store: s.Accounts, Attributes: s.Attributes, Hasher: hasher, Now: now},
		apiKeys:  manage.APIKeys{Store: s.APIKeys, Now: now},
		grants:   manage.Grants{Store: s.Grants, Now: now},
		keySets:  manage.KeySets{Store: s.KeySets, Keys: keyset.Keys{Sealer: sealer, Now: now}},
		notices:  manage.Notices{Store: noticeStore{s.Outbox}, Now: now},
		scopes:   manage.Scopes{Store: s.Scopes, Now: now},
		sessions: manage.Sessions{Store: s.Sessions, Now: now},
	}
}

func secrets(t *testing.T, all ...string) *keyring.Keyring {
	t.Helper()
	k, err := keyring.New(all...)
	must(t, err)
	return k
}

// sectors are the documents at sector_identifier_uri.
type sectors struct{}

func (sectors) Get(_ context.Context, url string) ([]byte, error) {
	if url == "https://sector.example/rp.json" {
		return []byte(`["https://rp.example/cb"]`), nil
	}
	return nil, errors.New("connection refused")
}

// noticeStore implements [manage.NoticeStore].
type noticeStore struct{ *store.Outbox }

func (s noticeStore) Notices(ctx context.Context, clientID string, state outbox.State, after string, limit int) ([]*outbox.Notice, error) {
	return s.ListNotices(ctx, store.NoticeFilter{ClientID: clientID, State: state}, after, limit)
}

// records holds all records that an operator can change, and the number of the last change
// that replicas must follow.
type records struct {
	Clients  []*client.Client
	Accounts []*account.Account
	APIKeys  []*apikey.Key
	Keys     []*keyset.Key
	Scopes   []*scope.Scope
	Sessions []*session.Session
	Grants   []*grant.Grant
	Notices  []*outbox.Notice
	Changes  string
}

func (o *operator) records(t *testing.T) (r records) {
	t.Helper()
	ctx := t.Context()
	var failed [8]error
	r.Clients, failed[0] = o.Clients.ListClients(ctx, "", 100)
	r.Accounts, failed[1] = o.Accounts.ListAccounts(ctx, "", 100)
	r.APIKeys, failed[2] = o.APIKeys.ListAPIKeys(ctx, "", 100)
	r.Keys, failed[3] = o.KeySets.ListKeys(ctx, "", "", 1000)
	r.Scopes, failed[4] = o.Scopes.ListScopes(ctx)
	r.Sessions, failed[5] = o.Sessions.ListSessions(ctx, "", "", 100, noon)
	r.Grants, failed[6] = o.Grants.ListGrants(ctx, store.GrantFilter{}, grant.Locator{}, 100, noon)
	r.Notices, failed[7] = o.Outbox.ListNotices(ctx, store.NoticeFilter{}, "", 100)
	must(t, errors.Join(failed[:]...))
	r.Changes = storetest.Text(t, o.url, `SELECT CAST(value AS text) FROM change_counter`)
	return r
}

// newClient stores a client with client_secret_basic and returns it with its secret.
func (o *operator) newClient(t *testing.T, id string) (*client.Client, string) {
	t.Helper()
	c := &client.Client{ID: id, Metadata: fixture.Client(id).Metadata}
	c.TokenEndpointAuthMethod = client.AuthBasic
	secret, err := o.clients.Create(t.Context(), c, "", nil)
	must(t, err)
	return c, secret
}

func (o *operator) client(t *testing.T, id string) *client.Client {
	t.Helper()
	c, err := o.Clients.Client(t.Context(), id)
	must(t, err)
	return c
}

func (o *operator) account(t *testing.T, username string) *account.Account {
	t.Helper()
	a, err := o.Accounts.AccountByUsername(t.Context(), username)
	must(t, err)
	return a
}

// signIn adds a session of the subject alice with the participant notified, a client with a
// back-channel logout URI, and a grant for it. It returns the grant.
func (o *operator) signIn(t *testing.T, id string) *grant.Grant {
	t.Helper()
	must(t, o.Sessions.InsertSession(t.Context(), fixture.Session(id, "alice"), nil))
	must(t, o.Sessions.JoinSession(t.Context(), id, "notified", "", noon))
	return fixture.InsertGrant(t, o.Store, func(g *grant.Grant) { g.ClientID, g.SessionID = "notified", id })
}

// seed adds the clients rp and notified, the accounts alice and bob, and the session sid of
// alice. It returns the grant of the session.
func (o *operator) seed(t *testing.T) *grant.Grant {
	t.Helper()
	fixture.Seed(t, o.Store)
	must(t, o.Clients.InsertClient(t.Context(), fixture.LogoutClient("notified")))
	return o.signIn(t, "sid")
}

// noticesOf returns the sessions of which the client notified will be notified.
func (o *operator) noticesOf(t *testing.T) (sessions []string) {
	t.Helper()
	for _, n := range o.records(t).Notices {
		if n.ClientID == "notified" {
			sessions = append(sessions, n.SessionID)
		}
	}
	return sessions
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

// wantText checks that an error contains a text.
func wantText(tb testing.TB, what string, got error, want string) {
	tb.Helper()
	if got == nil || !strings.Contains(got.Error(), want) {
		tb.Errorf("%s = %v, want an error with %q", what, got, want)
	}
}

func wantSame(tb testing.TB, what string, got, want any) {
	tb.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
