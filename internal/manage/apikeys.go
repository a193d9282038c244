package manage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
)

// APIKeyStore reads and changes API keys.
type APIKeyStore interface {
	// APIKey returns apikey.ErrNotFound for an unknown ID.
	APIKey(ctx context.Context, id string) (*apikey.Key, error)
	InsertAPIKey(ctx context.Context, k *apikey.Key) error
	// DeleteAPIKey returns apikey.ErrNotFound for an unknown ID.
	DeleteAPIKey(ctx context.Context, id string) error
}

// APIKeys creates and revokes keys for the admin API.
type APIKeys struct {
	Store APIKeyStore
	Now   func() time.Time
}

// CheckAPIKey returns an error if an API key cannot have the scopes or the lifetime.
func CheckAPIKey(scopes []string, lifetime time.Duration) error {
	for _, scope := range scopes {
		if !slices.Contains(apikey.Scopes(), scope) {
			return fmt.Errorf("unknown scope %s: use one of %s", scope, strings.Join(apikey.Scopes(), ", "))
		}
	}
	if lifetime < 0 {
		return errors.New("the lifetime of an API key must not be negative")
	}
	return nil
}

// NewAPIKey describes an API key to create.
type NewAPIKey struct {
	Name     string
	Scopes   []string
	Lifetime time.Duration // 0 does not expire
}

// Create creates an API key. It returns the key as stored, and its text, which is not stored.
// Created is called with the ID before the key is stored.
func (m *APIKeys) Create(ctx context.Context, n NewAPIKey, created func(id string)) (k *apikey.Key, text string, err error) {
	if err := CheckAPIKey(n.Scopes, n.Lifetime); err != nil {
		return nil, "", err
	}
	now, expires := m.Now(), time.Time{}
	if n.Lifetime > 0 {
		expires = now.Add(n.Lifetime)
	}
	k, text = apikey.New(n.Name, slices.Compact(slices.Sorted(slices.Values(n.Scopes))), now, expires)
	created(k.ID)
	return k, text, m.Store.InsertAPIKey(ctx, k)
}

// Revoke revokes API keys, or none if an ID is unknown. Revoked is called after each.
func (m *APIKeys) Revoke(ctx context.Context, ids []string, revoked func(id string) error) error {
	if _, err := findAll(ids, func(id string) (*apikey.Key, error) { return m.Store.APIKey(ctx, id) }); err != nil {
		return fmt.Errorf("nothing was revoked:\n%w", err)
	}
	for _, id := range ids {
		// A key that was revoked since it was found needs no revocation.
		if err := m.Store.DeleteAPIKey(ctx, id); err != nil && !errors.Is(err, apikey.ErrNotFound) {
			return err
		}
		if err := revoked(id); err != nil {
			return err
		}
	}
	return nil
}
