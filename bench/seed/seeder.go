package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
)

const (
	day = 24 * time.Hour

	clients          = 50
	grantsPerAccount = 4
	grantsPerSession = 2 // one session, two clients

	// The server's defaults.
	refreshIdle     = 30 * day
	refreshAbsolute = 90 * day
	consentLifetime = 180 * day
	rememberedIdle  = 14 * day
	codeLifetime    = time.Minute

	weeks          = 12   // before the current one; grants of all 13 can be live
	weeklyLoss     = 0.05 // share of the grants that end each week
	codeSpentAfter = 300 * time.Millisecond
	progressEvery  = 50_000 // grants
)

// seeder fills a database.
type seeder struct {
	store  *store.Store
	engine engine
	now    time.Time
	grants int

	clientIDs []string
	subjects  []string
	models    map[string][]any // a row of each table, written by the store
}

// newSeeder writes one record of each table through the store, and reads their rows
// as models. It returns an error if the database has grants or accounts.
func newSeeder(ctx context.Context, s *store.Store, url string, grants int, now time.Time) (*seeder, error) {
	e, err := openEngine(ctx, url)
	if err != nil {
		return nil, err
	}
	w := &seeder{store: s, engine: e, now: now, grants: grants, models: map[string][]any{}}
	if err := w.createModels(ctx); err != nil {
		e.close()
		return nil, err
	}
	return w, nil
}

func (w *seeder) close() { w.engine.close() }

func (w *seeder) createModels(ctx context.Context) error {
	list, err := w.store.Grants.ListGrants(ctx, store.GrantFilter{}, grant.Locator{}, 1, w.now)
	if err != nil {
		return err
	}
	accounts, err := w.store.Accounts.ListAccounts(ctx, "", 1)
	if err != nil {
		return err
	}
	if len(list)+len(accounts) > 0 {
		return errors.New("the database is not empty")
	}
	for i := range clients {
		c := newClient(i, w.now)
		if err := w.store.Clients.InsertClient(ctx, c); err != nil {
			return err
		}
		w.clientIDs = append(w.clientIDs, c.ID)
	}
	if err := w.insertModels(ctx); err != nil {
		return err
	}
	for _, table := range []string{"accounts", "sessions", "consents", "grants"} {
		if w.models[table], err = w.engine.model(ctx, table); err != nil {
			return fmt.Errorf("read the model of %s: %w", table, err)
		}
	}
	return nil
}

// insertModels writes the records of a sign-in, a consent, a code exchange and a
// refresh.
func (w *seeder) insertModels(ctx context.Context) error {
	a := &account.Account{
		Subject: account.NewSubject(), Username: "model",
		Claims:    map[string]any{"name": "Ada Example", "email": "model@example.org", "email_verified": false},
		CreatedAt: w.now.Add(-refreshAbsolute), UpdatedAt: w.now.Add(-refreshAbsolute),
	}
	a.SetPassword(phc, a.CreatedAt)
	n := &session.Session{
		ID: session.NewID(), Cookie: session.Hash(session.NewCookie()), Subject: a.Subject, AuthTime: w.now,
		ACR: session.LevelOneFactor, AMR: []string{"pwd"}, Remembered: true, CreatedAt: w.now, SeenAt: w.now,
		IdleUntil: w.now.Add(rememberedIdle), EndsAt: w.now.Add(2 * rememberedIdle),
	}
	c := &consent.Consent{
		Subject: a.Subject, ClientID: w.clientIDs[0], Scopes: scopes(), GivenAt: w.now, ExpiresAt: w.now.Add(consentLifetime),
	}
	g := &grant.Grant{
		Locator: grant.Locator{Partition: grant.PartitionAt(w.now, true), ID: grant.NewID(w.now)},
		Kind:    grant.KindCode, ClientID: c.ClientID, Subject: a.Subject, SessionID: n.ID, Scopes: scopes(),
		CreatedAt: w.now, ExpiresAt: w.now.Add(refreshIdle), EndsAt: w.now.Add(refreshAbsolute),
		CodeExpiresAt: w.now.Add(codeLifetime), Seed: randomBytes(),
		Authorization: grant.Authorization{
			RedirectURI: redirectURI(0), Challenge: strings.Repeat("c", 43), Nonce: rand.Text(),
			AuthTime: w.now.Unix(), ACR: session.LevelOneFactor, AMR: []string{"pwd"},
		},
	}
	later := w.now.Add(codeSpentAfter)
	_, err := w.store.Purge(ctx, w.now) // creates the current partitions
	err = errors.Join(err,
		w.store.Accounts.InsertAccount(ctx, a), w.store.Sessions.InsertSession(ctx, n, nil), w.store.Consents.SaveConsent(ctx, c), w.store.Grants.InsertGrant(ctx, g))
	if err != nil {
		return err
	}
	if _, err := w.store.Grants.RedeemCode(ctx, grant.CodeRedemption{Ref: g.Locator, ClientID: g.ClientID, Now: later}); err != nil {
		return err
	}
	_, err = w.store.Grants.RotateRefresh(ctx, grant.RefreshRotation{
		Ref: g.Locator, ClientID: g.ClientID, Generation: 1, ExpiresAt: later.Add(refreshIdle), Now: later,
	})
	return err
}

// phc has the form of a password hash, but no password matches it.
const phc = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func scopes() []string { return []string{"openid", "profile", "email", "offline_access"} }

func redirectURI(i int) string { return fmt.Sprintf("https://app-%02d.example.org/oauth/callback", i) }

func newClient(i int, now time.Time) *client.Client {
	return &client.Client{
		ID: client.NewID(),
		Metadata: client.Metadata{
			ClientName: fmt.Sprint("App ", i), RedirectURIs: []string{redirectURI(i)}, Scope: strings.Join(scopes(), " "),
			GrantTypes: []string{client.GrantAuthorizationCode, client.GrantRefreshToken},
		},
		CreatedAt: now.Add(-2 * refreshAbsolute), UpdatedAt: now.Add(-2 * refreshAbsolute),
	}
}

func randomBytes() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never returns an error
	return b
}
