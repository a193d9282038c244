package manage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

// InvalidUserError reports a change of a user that cannot be stored. Reason names the member.
type InvalidUserError struct{ Reason error }

// Error implements error.
func (e *InvalidUserError) Error() string { return e.Reason.Error() }

// Unwrap returns the reason.
func (e *InvalidUserError) Unwrap() error { return e.Reason }

func invalidUser(format string, args ...any) error {
	return &InvalidUserError{fmt.Errorf(format, args...)}
}

// UserChange describes a change of a user. Empty members change nothing.
type UserChange struct {
	SetClaims    map[string]any
	RemoveClaims []string
	// AddAddresses adds email addresses, or changes those that the account has. Their times of
	// verification are set to now unless they are zero.
	AddAddresses    []account.Address
	RemoveAddresses []string

	AddGroups, RemoveGroups []string
	AddRoles, RemoveRoles   []string
	SetAttributes           map[string]any
	RemoveAttributes        []string
	State                   account.State
	AdminRole               *account.AdminRole // nil does not change it
}

// Update changes a user and returns the result. The password, sessions and grants stay. It
// returns an [InvalidUserError], account.ErrAddressTaken, account.ErrAddressNotFound or
// account.ErrLastOwner.
func (m *Users) Update(ctx context.Context, a *account.Account, c UserChange) (*account.Account, error) {
	if err := errors.Join(CheckClaims(c.SetClaims)...); err != nil {
		return nil, &InvalidUserError{err}
	}
	var schema []*account.Attribute
	if len(c.SetAttributes)+len(c.RemoveAttributes) > 0 {
		var err error
		if schema, err = m.Attributes.ListAttributes(ctx); err != nil {
			return nil, err
		}
	}
	now := m.Now()
	return m.change(ctx, a.Subject, now, func(a *account.Account) error { return c.apply(a, schema, now) })
}

// change applies a change to a user that the caller may make, and checks the result.
func (m *Users) change(ctx context.Context, subject string, now time.Time, change func(*account.Account) error) (*account.Account, error) {
	a, err := m.Store.ChangeAccount(ctx, subject, now, func(a *account.Account) error {
		before, addresses := a.AdminRole, slices.Clone(a.Addresses)
		// Without this, the caller learns from the error what the account has.
		if err := m.permit(before, before); err != nil {
			return err
		}
		if err := m.Precondition.check(UserVersion(a)); err != nil {
			return err
		}
		if err := change(a); err != nil {
			return err
		}
		if !slices.Equal(a.Addresses, addresses) {
			if err := m.permitSignIn(before); err != nil {
				return err
			}
		}
		if err := m.permit(before, a.AdminRole); err != nil {
			return err
		}
		return checkUser(a)
	})
	switch {
	case errors.Is(err, account.ErrGroupNotFound):
		return nil, invalidUser("groups: %w", err)
	case errors.Is(err, account.ErrBadEmail):
		return nil, invalidUser("emails: %w", err)
	}
	return a, err
}

func (c *UserChange) apply(a *account.Account, schema []*account.Attribute, now time.Time) error {
	if len(c.SetAttributes)+len(c.RemoveAttributes) > 0 {
		after := maps.Clone(a.Attributes)
		if after == nil {
			after = map[string]any{}
		}
		maps.Copy(after, c.SetAttributes)
		for _, name := range c.RemoveAttributes {
			delete(after, name)
		}
		var err error
		if a.Attributes, err = checkAttributes(schema, a.Attributes, after); err != nil {
			return err
		}
	}
	if c.AdminRole != nil {
		a.AdminRole = *c.AdminRole
	}
	if c.State != "" {
		a.SetState(c.State, now)
	}
	a.Groups = changeNames(a.Groups, c.AddGroups, c.RemoveGroups)
	a.Roles = changeNames(a.Roles, c.AddRoles, c.RemoveRoles)
	for _, one := range c.AddAddresses {
		var verifiedAt time.Time
		if !one.VerifiedAt.IsZero() {
			verifiedAt = now.Truncate(time.Microsecond)
		}
		if err := a.AddAddress(one.Address, verifiedAt); err != nil {
			return err
		}
		if one.Primary {
			if err := a.MakePrimary(one.Address); err != nil {
				return err
			}
		}
	}
	for _, address := range c.RemoveAddresses {
		if err := a.RemoveAddress(address); err != nil {
			return err
		}
	}
	if len(c.SetClaims)+len(c.RemoveClaims) == 0 {
		return nil
	}
	return a.SetClaims(c.SetClaims, c.RemoveClaims, now)
}

// changeNames returns the sorted names of a list after additions and removals.
func changeNames(list, add, remove []string) []string {
	if len(add)+len(remove) == 0 {
		return list
	}
	list = slices.DeleteFunc(slices.Clone(list), func(name string) bool { return slices.Contains(remove, name) || slices.Contains(add, name) })
	list = append(list, add...)
	slices.Sort(list)
	return list
}

// Limits of an account.
const (
	maxAddresses = 100
	maxNames     = 500       // groups, and roles
	maxClaims    = 64 * 1024 // bytes of the claims as JSON
)

// checkUser returns an [InvalidUserError] unless the members of an account are valid.
func checkUser(a *account.Account) error {
	if len(a.Addresses) > maxAddresses {
		return invalidUser("emails must have at most %d addresses", maxAddresses)
	}
	for kind, names := range map[string][]string{"group": a.Groups, "role": a.Roles} {
		if len(names) > maxNames {
			return invalidUser("%ss must have at most %d names", kind, maxNames)
		}
		if err := account.CheckNames(kind, names); err != nil {
			return invalidUser("%ss: %w", kind, err)
		}
	}
	if err := account.CheckState(a.State); err != nil {
		return &InvalidUserError{err}
	}
	if err := account.CheckAdminRole(a.AdminRole); err != nil {
		return &InvalidUserError{err}
	}
	if text, err := json.Marshal(a.Claims); err != nil || len(text) > maxClaims {
		return invalidUser("claims must have at most %d bytes", maxClaims)
	}
	return nil
}
