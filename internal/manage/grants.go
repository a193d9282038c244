package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
)

// GrantStore finds and revokes grants.
type GrantStore interface {
	GrantFinder
	// RevokeGrant revokes a grant of the client, or of any client if clientID is empty.
	RevokeGrant(ctx context.Context, ref grant.Locator, clientID string, why grant.RevocationReason, now time.Time) error
}

// GrantFinder finds grants.
type GrantFinder interface {
	// LiveGrant returns grant.ErrNotFound for a grant that is unknown, expired or revoked.
	LiveGrant(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*grant.WithAccount, error)
}

// FindGrant returns the first active grant at one of the locators, or grant.ErrNotFound.
func FindGrant(ctx context.Context, s GrantFinder, at []grant.Locator, now time.Time) (*grant.WithAccount, error) {
	for _, ref := range at {
		found, err := s.LiveGrant(ctx, ref, "", now)
		if err == nil || !errors.Is(err, grant.ErrNotFound) {
			return found, err
		}
	}
	return nil, grant.ErrNotFound
}

// Grants revokes grants.
type Grants struct {
	Store GrantStore
	Now   func() time.Time
}

// Revoke revokes active grants with all their tokens, or none if an ID is unknown. Revoked is
// called after each.
func (m *Grants) Revoke(ctx context.Context, ids []string, revoked func(id grant.ID) error) error {
	refs, err := findAll(ids, func(text string) (grant.Locator, error) { return m.find(ctx, text) })
	if err != nil {
		return fmt.Errorf("nothing was revoked:\n%w", err)
	}
	for _, ref := range refs {
		if err := m.Store.RevokeGrant(ctx, ref, "", grant.RevokedByOperator, m.Now()); err != nil {
			return err
		}
		if err := revoked(ref.ID); err != nil {
			return err
		}
	}
	return nil
}

func (m *Grants) find(ctx context.Context, text string) (grant.Locator, error) {
	id, err := grant.ParseID(text)
	if err != nil {
		return grant.Locator{}, err
	}
	found, err := FindGrant(ctx, m.Store, id.Locators(), m.Now())
	if errors.Is(err, grant.ErrNotFound) {
		return grant.Locator{}, errors.New("no active grant has this ID")
	}
	if err != nil {
		return grant.Locator{}, err
	}
	return found.Locator, nil
}
