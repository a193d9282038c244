package manage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
)

// CreateEntry validates and stores a user in the form of the import, and returns the account. The
// user may have no password. It returns account.ErrExists if the username exists, and the errors
// of [Users.Update].
func (m *Users) CreateEntry(ctx context.Context, raw json.RawMessage) (*account.Account, error) {
	e, faults := parseUser(raw)
	schema, err := m.Attributes.ListAttributes(ctx)
	if err != nil {
		return nil, err
	}
	a := &account.Account{Subject: e.Subject, Username: e.Username, CreatedAt: m.Now()}
	if a.Subject == "" {
		a.Subject = account.NewSubject()
	}
	a.UpdatedAt = a.CreatedAt
	if len(faults) == 0 {
		faults = append(faults, m.fill(a, e, schema))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, invalidUser("%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if err := m.permit(account.NoAdminRole, a.AdminRole); err != nil {
		return nil, err
	}
	hash := e.PasswordHash
	if e.Password != "" {
		if hash, err = m.hash(ctx, e.Password); err != nil {
			return nil, err
		}
	}
	a.SetPassword(hash, a.CreatedAt)
	err = m.Store.InsertAccount(ctx, a)
	if errors.Is(err, account.ErrGroupNotFound) {
		return nil, invalidUser("groups: %w", err)
	}
	return a, err
}

// fill gives a new account the members of an entry, and checks them.
func (m *Users) fill(a *account.Account, e *userEntry, schema []*account.Attribute) error {
	if _, err := account.Username(a.Username); err != nil {
		return fmt.Errorf("username: %w", err)
	}
	if err := e.apply(a, a.CreatedAt); err != nil {
		return err
	}
	if a.State == "" {
		a.State = account.Active
	}
	var err error
	if a.Attributes, err = checkAttributes(schema, nil, a.Attributes); err != nil {
		return err
	}
	return checkUser(a)
}
