package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
)

// ErrNoPassword reports an account without a password: the user signs in with an app of the
// operator.
var ErrNoPassword = errors.New("signs in with a custom login app and has no password here")

// UserStore reads and changes accounts. Its methods return account.ErrNotFound for an unknown
// account.
type UserStore interface {
	Account(ctx context.Context, subject string) (*account.Account, error)
	// AccountBySignInName finds an account by its username or a verified email address.
	AccountBySignInName(ctx context.Context, name string) (*account.Account, error)
	// InsertAccount returns account.ErrExists if the username exists.
	InsertAccount(ctx context.Context, a *account.Account) error
	// ChangeAccount applies a change in a transaction and returns the result.
	ChangeAccount(ctx context.Context, subject string, now time.Time, change func(*account.Account) error) (*account.Account, error)
	// SetPassword and SetDisabled also end the sessions and grants of the user.
	SetPassword(ctx context.Context, subject, hash string, now time.Time) error
	SetDisabled(ctx context.Context, subject string, disabled bool, now time.Time) error
	// LockAccount locks an account down: sessions and grants end, and sign-ins are refused.
	LockAccount(ctx context.Context, subject string, now time.Time) error
	// EndLockdown ends a lockdown, if there is one, and clears the failed attempts.
	EndLockdown(ctx context.Context, subject string, now time.Time) error
	// DeleteAccount deletes an account with its sessions and grants.
	DeleteAccount(ctx context.Context, subject string, now time.Time) error
}

// PasswordHasher hashes passwords, as [credential.Hasher] does.
type PasswordHasher interface {
	Hash(ctx context.Context, password string) (string, error)
}

// Users creates and changes the accounts of users.
type Users struct {
	Store  UserStore
	Hasher PasswordHasher
	// Attributes has the attributes that accounts may have.
	Attributes interface {
		ListAttributes(ctx context.Context) ([]*account.Attribute, error)
	}
	Now func() time.Time
	// Guard returns an error if the caller must not change an account with the first role of
	// administrators to one with the second. Nil allows everything.
	Guard func(before, after account.AdminRole) error
	// GuardSignIn returns an error if the caller must not change how a user with the role signs in:
	// credentials, one-time links and addresses. Nil allows everything.
	GuardSignIn func(account.AdminRole) error
	// Precondition is that of [Users.Update] and [Users.Patch].
	Precondition Precondition
}

// Permitted returns the account of a subject that the caller may change, or the error of
// [Users.Guard].
func (m *Users) Permitted(ctx context.Context, subject string) (*account.Account, error) {
	a, err := m.Store.Account(ctx, subject)
	if err != nil {
		return nil, err
	}
	return a, m.permit(a.AdminRole, a.AdminRole)
}

// PermittedSignIn returns the account of a subject whose ways to sign in the caller may change, or
// the error of [Users.Guard] or [Users.GuardSignIn].
func (m *Users) PermittedSignIn(ctx context.Context, subject string) (*account.Account, error) {
	a, err := m.Permitted(ctx, subject)
	if err != nil {
		return nil, err
	}
	return a, m.permitSignIn(a.AdminRole)
}

func (m *Users) permitSignIn(role account.AdminRole) error {
	if m.GuardSignIn == nil {
		return nil
	}
	return m.GuardSignIn(role)
}

func (m *Users) permit(before, after account.AdminRole) error {
	if m.Guard == nil {
		return nil
	}
	return m.Guard(before, after)
}

// Find returns the account with a username, a verified email address or, if there is none, a
// subject. Users of the operator's login app have only a subject.
func (m *Users) Find(ctx context.Context, name string) (*account.Account, error) {
	a, err := m.Store.AccountBySignInName(ctx, name)
	if errors.Is(err, account.ErrNotFound) {
		a, err = m.Store.Account(ctx, name)
	}
	if !errors.Is(err, account.ErrNotFound) {
		return a, err
	}
	forms := account.UsernameForms(name)
	if len(forms) == 0 {
		return nil, account.ErrBadUsername
	}
	return nil, fmt.Errorf("no user has the username %s", forms[0])
}

// CheckUsername returns the stored form of a new username. The error is account.ErrExists if a
// user has it.
func (m *Users) CheckUsername(ctx context.Context, username string) (string, error) {
	name, err := account.Username(username)
	if err != nil {
		return "", err
	}
	switch _, err := m.Store.AccountBySignInName(ctx, name); {
	case err == nil:
		return name, account.ErrExists
	case !errors.Is(err, account.ErrNotFound):
		return name, err
	}
	return name, nil
}

// NewUser describes a user to create.
type NewUser struct {
	Username  string
	Password  string
	Claims    map[string]any
	AdminRole account.AdminRole
}

// Create validates and stores a user. It returns account.ErrExists if the username exists.
func (m *Users) Create(ctx context.Context, u NewUser) (*account.Account, error) {
	if err := m.permit(account.NoAdminRole, u.AdminRole); err != nil {
		return nil, err
	}
	name, err := account.Username(u.Username)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(CheckClaims(u.Claims)...); err != nil {
		return nil, err
	}
	hash, err := m.hash(ctx, u.Password)
	if err != nil {
		return nil, err
	}
	now := m.Now()
	a := &account.Account{
		Subject: account.NewSubject(), Username: name, AdminRole: u.AdminRole, CreatedAt: now, UpdatedAt: now,
	}
	if err := a.SetClaims(u.Claims, nil, now); err != nil {
		return nil, err
	}
	a.SetPassword(hash, now)
	return a, m.Store.InsertAccount(ctx, a)
}

// SetPassword changes the password of a user; sessions and grants end. It returns
// [ErrNoPassword] for a user of the operator's login app.
func (m *Users) SetPassword(ctx context.Context, a *account.Account, password string) error {
	if err := errors.Join(m.permit(a.AdminRole, a.AdminRole), m.permitSignIn(a.AdminRole)); err != nil {
		return err
	}
	if a.IsExternal() {
		return ErrNoPassword
	}
	hash, err := m.hash(ctx, password)
	if err != nil {
		return err
	}
	return m.Store.SetPassword(ctx, a.Subject, hash, m.Now())
}

// Disable disables a user; sessions and grants end. It returns false if the user was disabled
// before.
func (m *Users) Disable(ctx context.Context, a *account.Account) (changed bool, err error) {
	if err := m.permit(a.AdminRole, a.AdminRole); err != nil {
		return false, err
	}
	if !a.DisabledAt.IsZero() {
		return false, nil
	}
	return true, m.Store.SetDisabled(ctx, a.Subject, true, m.Now())
}

// Enable enables a disabled user. It returns account.ErrLocked for a user who is locked down.
func (m *Users) Enable(ctx context.Context, a *account.Account) error {
	if err := m.permit(a.AdminRole, a.AdminRole); err != nil {
		return err
	}
	if !a.LockedAt.IsZero() {
		return account.ErrLocked
	}
	return m.Store.SetDisabled(ctx, a.Subject, false, m.Now())
}

// Lock locks a user down: sessions, grants and trusted devices end, and sign-ins are refused
// until [Users.Unlock]. What an investigation needs stays.
func (m *Users) Lock(ctx context.Context, a *account.Account) error {
	if err := m.permit(a.AdminRole, a.AdminRole); err != nil {
		return err
	}
	return m.Store.LockAccount(ctx, a.Subject, m.Now())
}

// Unlock ends the lockdown of a user, if there is one, and clears the failed attempts.
func (m *Users) Unlock(ctx context.Context, a *account.Account) error {
	if err := m.permit(a.AdminRole, a.AdminRole); err != nil {
		return err
	}
	return m.Store.EndLockdown(ctx, a.Subject, m.Now())
}

// Delete deletes a user with all sessions and grants.
func (m *Users) Delete(ctx context.Context, a *account.Account) error {
	if err := m.permit(a.AdminRole, a.AdminRole); err != nil {
		return err
	}
	return m.Store.DeleteAccount(ctx, a.Subject, m.Now())
}

func (m *Users) hash(ctx context.Context, password string) (string, error) {
	if err := credential.CheckPassword(password); err != nil {
		return "", err
	}
	hash, err := m.Hasher.Hash(ctx, password)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}
