package manage

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// SetupLinkLifetime is how long a set-up link is valid.
const SetupLinkLifetime = 30 * time.Minute

// ErrHasAdministrator reports a server whose first administrator exists.
var ErrHasAdministrator = errors.New("an administrator exists: use ostiary users update NAME --admin-role ROLE")

// SetupLinks makes links that create the first administrator.
type SetupLinks struct {
	URL      string // of the set-up page
	Accounts interface {
		HasAdministrator(ctx context.Context) (bool, error)
	}
	Links interface {
		InsertSetupLink(ctx context.Context, hash []byte, expiresAt time.Time) error
	}
	Now func() time.Time
}

// Link returns a link that creates the first administrator, once, within [SetupLinkLifetime]. It
// returns [ErrHasAdministrator] if there is one.
func (m *SetupLinks) Link(ctx context.Context) (string, error) {
	done, err := m.Accounts.HasAdministrator(ctx)
	if err != nil {
		return "", fmt.Errorf("look for an administrator: %w", err)
	}
	if done {
		return "", ErrHasAdministrator
	}
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	token := base64.RawURLEncoding.EncodeToString(b)
	hash := sha256.Sum256([]byte(token))
	if err := m.Links.InsertSetupLink(ctx, hash[:], m.Now().Add(SetupLinkLifetime)); err != nil {
		return "", err
	}
	return m.URL + "?token=" + token, nil
}
