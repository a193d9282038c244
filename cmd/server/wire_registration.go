package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/registration"
	"github.com/ostiary/ostiary/internal/store"
)

// registrationPolicy is what a client may say of itself.
func registrationPolicy(c *config.Config) client.Policy {
	return client.Policy{
		SelfRegistered: true, DefaultScopes: harmlessScopes(c.DefaultScopes),
		LegacyResponseTypes: c.LegacyResponseTypes, PlainLoopback: c.OutboundAllowPrivate,
	}
}

// harmlessScopes leaves out those of the administrators' API, which no client gives
// itself.
func harmlessScopes(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(s string) bool { return slices.Contains(apikey.Scopes(), s) })
}

// operatorPolicy is what the operator may say of a client, by the API or in a file.
func operatorPolicy(c *config.Config) client.Policy {
	return client.Policy{DefaultScopes: c.DefaultScopes, LegacyResponseTypes: c.LegacyResponseTypes, PlainLoopback: true, Lenient: true}
}

// commandPolicy is operatorPolicy for a client that is described by flags, of which one
// is easily forgotten.
func commandPolicy(c *config.Config) client.Policy {
	p := operatorPolicy(c)
	p.Lenient = false
	return p
}

func (a *app) wireRegistration(ctx context.Context) error {
	var trusted map[string][]jose.JSONWebKey
	if file := a.config.SoftwareStatementKeysFile; file != "" {
		text, err := os.ReadFile(file) //nolint:gosec // named by the operator
		if err != nil {
			return fmt.Errorf("software statement keys: %w", err)
		}
		var warnings []string
		if trusted, warnings, err = registration.ReadStatementKeys(text); err != nil {
			return fmt.Errorf("software statement keys: %s: %w", file, err)
		}
		for _, warning := range warnings {
			a.log.LogAttrs(ctx, slog.LevelWarn, "software statement key ignored", slog.String("reason", warning))
		}
	}
	var initial [][]byte
	for _, token := range a.config.RegistrationTokens {
		initial = append(initial, client.HashToken(token.Reveal()))
	}
	a.registration = registration.New(registration.Config{
		Issuer: a.config.Issuer, Mode: registration.Mode(a.config.Registration), InitialTokens: initial, StatementKeys: trusted,
		Policy: registrationPolicy(a.config), Scopes: a.scopes, Clients: registry{a.store, a.clients}, Documents: a.registeredFetcher,
		Slow: a.clientHasher, Vault: a.secrets, Guesses: a.secretGuesses(),
		Audit: a.store, Address: middleware.Address, RequestID: middleware.ID, Now: a.now, Log: a.log,
		QuerySecrets: a.config.RegistrationQuerySecrets,
	})
	return nil
}

// registry changes clients in the store and lets the cache of this process know
// at once.
type registry struct {
	*store.Store

	cache *store.ClientCache
}

func (r registry) UpdateClient(ctx context.Context, c *client.Client) error {
	defer r.cache.Forget(c.ID)
	return r.Store.UpdateClient(ctx, c)
}

func (r registry) UpdateClientDroppingConsents(ctx context.Context, c *client.Client) error {
	defer r.cache.Forget(c.ID)
	return r.Store.UpdateClientDroppingConsents(ctx, c)
}

func (r registry) EndClientTokens(ctx context.Context, id string, now time.Time) error {
	defer r.cache.Forget(id)
	return r.Store.EndClientTokens(ctx, id, now)
}

func (r registry) DeleteClient(ctx context.Context, id string) error {
	defer r.cache.Forget(id)
	return r.Store.DeleteClient(ctx, id)
}
