// Package oidctest provides a database with a user, clients and keys to the tests of the
// OpenID Connect endpoints.
package oidctest

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/keyring"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Issuer is the issuer of the ID tokens in tests.
const Issuer = "https://id.example"

// Fixture is a store with the user ada and the clients shop and other, and a key manager.
type Fixture struct {
	Store *store.Store
	Keys  *jwks.Manager
	Now   time.Time
	Log   bytes.Buffer
}

// New returns a fixture with a fresh database.
func New(t *testing.T) *Fixture {
	t.Helper()
	f := &Fixture{Store: storetest.New(t), Now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	secrets, err := keyring.New("a system secret of more than 32 bytes")
	if err != nil {
		t.Fatal(err)
	}
	f.Keys, err = jwks.New(jwks.Config{
		Store: f.Store.Keys, Keyring: secrets, Algorithms: []jwks.Algorithm{jwks.ES256, jwks.EdDSA},
		Now: func() time.Time { return f.Now }, Log: slog.New(slog.DiscardHandler), TokenLifetime: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Keys.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.Store.Accounts.InsertAccount(t.Context(), &account.Account{
		Subject: "ada-subject", Username: "ada", CreatedAt: f.Now.Add(-time.Hour), UpdatedAt: f.Now,
	}); err != nil {
		t.Fatal(err)
	}
	f.AddClient(t, "shop", client.Metadata{
		ClientName: "Shop", RedirectURIs: []string{"https://shop.example/cb"},
		PostLogoutRedirectURIs: []string{"https://shop.example/bye", "https://shop.example/bye?a=%62"},
	})
	f.AddClient(t, "other", client.Metadata{
		RedirectURIs: []string{"https://other.example/cb"}, PostLogoutRedirectURIs: []string{"https://other.example/bye"},
	})
	return f
}

// AddClient inserts a client.
func (f *Fixture) AddClient(t *testing.T, id string, m client.Metadata) {
	t.Helper()
	if faults := m.Validate(client.Policy{DefaultScopes: []string{"openid", "profile", "email"}}); len(faults) > 0 {
		t.Fatal(faults)
	}
	if err := f.Store.Clients.InsertClient(t.Context(), &client.Client{ID: id, Metadata: m, CreatedAt: f.Now, UpdatedAt: f.Now}); err != nil {
		t.Fatal(err)
	}
}

// SignIn inserts a session of ada and returns it with the value of its cookie.
func (f *Fixture) SignIn(t *testing.T) (*session.Session, string) {
	t.Helper()
	cookie := session.NewCookie()
	s := &session.Session{
		ID: session.NewID(), Cookie: session.Hash(cookie), Subject: "ada-subject", AuthTime: f.Now,
		CreatedAt: f.Now, SeenAt: f.Now, IdleUntil: f.Now.Add(time.Hour), EndsAt: f.Now.Add(time.Hour),
	}
	if err := f.Store.Sessions.InsertSession(t.Context(), s, nil); err != nil {
		t.Fatal(err)
	}
	return s, cookie
}

// Sign returns a JWT that the server signed.
func (f *Fixture) Sign(t *testing.T, typ string, claims map[string]any) string {
	t.Helper()
	token, err := f.Keys.SignClaims(t.Context(), jwks.ES256, typ, claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// Logger returns a logger that writes to Log.
func (f *Fixture) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(&f.Log, nil)) }
