package oidc

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

const issuer = "https://id.example"

// rig is a store with Ada in it, and keys, at a time of its own.
type rig struct {
	store *store.Store
	keys  *jwks.Manager
	now   time.Time
	log   bytes.Buffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{store: storetest.New(t), now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	secrets, err := keyring.New("a system secret of more than 32 bytes")
	if err != nil {
		t.Fatal(err)
	}
	r.keys, err = jwks.New(jwks.Config{
		Store: r.store, Keyring: secrets, Algorithms: []jwks.Algorithm{jwks.ES256, jwks.EdDSA},
		Now: func() time.Time { return r.now }, Log: slog.New(slog.DiscardHandler), TokenLifetime: time.Hour,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.keys.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.store.InsertAccount(t.Context(), &account.Account{
		Subject: "ada-subject", Username: "ada", CreatedAt: r.now.Add(-time.Hour), UpdatedAt: r.now,
	}); err != nil {
		t.Fatal(err)
	}
	r.client(t, "shop", client.Metadata{
		ClientName: "Shop", RedirectURIs: []string{"https://shop.example/cb"},
		PostLogoutRedirectURIs: []string{"https://shop.example/bye", "https://shop.example/bye?a=%62"},
	})
	r.client(t, "other", client.Metadata{
		RedirectURIs: []string{"https://other.example/cb"}, PostLogoutRedirectURIs: []string{"https://other.example/bye"},
	})
	return r
}

func (r *rig) client(t *testing.T, id string, m client.Metadata) {
	t.Helper()
	if faults := m.Validate(client.Policy{DefaultScopes: []string{"openid", "profile", "email"}}); len(faults) > 0 {
		t.Fatal(faults)
	}
	if err := r.store.InsertClient(t.Context(), &client.Client{ID: id, Metadata: m, CreatedAt: r.now, UpdatedAt: r.now}); err != nil {
		t.Fatal(err)
	}
}

// signIn makes a session of Ada's and returns it with the cookie's value.
func (r *rig) signIn(t *testing.T) (*session.Session, string) {
	t.Helper()
	cookie := session.NewCookie()
	s := &session.Session{
		ID: session.NewID(), Cookie: session.Hash(cookie), Subject: "ada-subject", AuthTime: r.now,
		CreatedAt: r.now, SeenAt: r.now, IdleUntil: r.now.Add(time.Hour), EndsAt: r.now.Add(time.Hour),
	}
	if err := r.store.InsertSession(t.Context(), s, nil); err != nil {
		t.Fatal(err)
	}
	return s, cookie
}

// sign makes a token of ours.
func (r *rig) sign(t *testing.T, typ string, claims map[string]any) string {
	t.Helper()
	token, err := r.keys.SignClaims(t.Context(), jwks.ES256, typ, claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (r *rig) logger() *slog.Logger { return slog.New(slog.NewTextHandler(&r.log, nil)) }
