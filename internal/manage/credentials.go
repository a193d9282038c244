package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
)

// CredentialSource has the credentials of some kinds.
type CredentialSource interface {
	// Credentials describes the credentials of an account.
	Credentials(ctx context.Context, subject string) ([]credential.Info, error)
	// RemoveCredential returns credential.ErrNotFound for an unknown credential.
	RemoveCredential(ctx context.Context, subject, id string, now time.Time) error
}

// Credentials lists and removes the credentials of users: passwords, and those of the other
// sources.
type Credentials struct {
	Users   UserStore
	Sources []CredentialSource
	Now     func() time.Time
	// Guard returns an error if the caller must not change the credentials of a user with the role.
	// Nil allows everything.
	Guard func(account.AdminRole) error
}

// List describes the credentials of a user, the password first. It returns
// account.ErrNotFound for an unknown subject.
func (m *Credentials) List(ctx context.Context, subject string) ([]credential.Info, error) {
	a, err := m.Users.Account(ctx, subject)
	if err != nil {
		return nil, err
	}
	list := []credential.Info{}
	if p := a.Password; p != nil {
		list = append(list, credential.Info{ID: p.ID, Kind: p.Kind, CreatedAt: p.CreatedAt})
	}
	for _, source := range m.Sources {
		more, err := source.Credentials(ctx, subject)
		if err != nil {
			return nil, fmt.Errorf("list credentials: %w", err)
		}
		list = append(list, more...)
	}
	return list, nil
}

// Remove removes a credential of a user. Removing the password ends the sessions and grants
// of the user. It returns account.ErrNotFound for an unknown subject and
// credential.ErrNotFound for an unknown credential.
func (m *Credentials) Remove(ctx context.Context, subject, id string) error {
	a, err := m.Users.Account(ctx, subject)
	if err != nil {
		return err
	}
	if m.Guard != nil {
		if err := m.Guard(a.AdminRole); err != nil {
			return err
		}
	}
	if id == credential.PasswordID {
		if a.Password == nil {
			return credential.ErrNotFound
		}
		return m.Users.SetPassword(ctx, subject, "", m.Now())
	}
	for _, source := range m.Sources {
		if err := source.RemoveCredential(ctx, subject, id, m.Now()); !errors.Is(err, credential.ErrNotFound) {
			return err
		}
	}
	return credential.ErrNotFound
}
