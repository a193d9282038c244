package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/scope"
)

// AttributeStore stores the attributes that accounts may have.
type AttributeStore interface {
	// ListAttributes returns all attributes by name.
	ListAttributes(ctx context.Context) ([]*account.Attribute, error)
	// InsertAttribute returns account.ErrAttributeExists for a name that exists.
	InsertAttribute(ctx context.Context, a *account.Attribute) error
	// UpdateAttribute returns account.ErrAttributeNotFound for an unknown name, and account.ErrChanged
	// unless the attribute was last changed at seen; nil allows every time.
	UpdateAttribute(ctx context.Context, a *account.Attribute, seen *time.Time) error
}

// Attributes creates and changes the attributes that accounts may have.
type Attributes struct {
	Store        AttributeStore
	Now          func() time.Time
	Precondition Precondition
}

// maxAttributes is the number of attributes that the schema may have.
const maxAttributes = 200

// Get returns an attribute, or account.ErrAttributeNotFound.
func (m *Attributes) Get(ctx context.Context, name string) (*account.Attribute, error) {
	list, err := m.Store.ListAttributes(ctx)
	if err != nil {
		return nil, err
	}
	return findAttribute(list, name)
}

func findAttribute(list []*account.Attribute, name string) (*account.Attribute, error) {
	i := slices.IndexFunc(list, func(a *account.Attribute) bool { return a.Name == name })
	if i < 0 {
		return nil, account.ErrAttributeNotFound
	}
	return list[i], nil
}

// Create validates and stores an attribute, and sets its times. It returns an
// [InvalidAttributeError] or account.ErrAttributeExists.
func (m *Attributes) Create(ctx context.Context, a *account.Attribute) error {
	list, err := m.Store.ListAttributes(ctx)
	if err != nil {
		return err
	}
	if len(list) >= maxAttributes {
		return invalidAttribute("there are %d attributes already, the maximum", maxAttributes)
	}
	if err := checkAttribute(list, a); err != nil {
		return err
	}
	a.CreatedAt = m.Now().Truncate(time.Microsecond)
	a.UpdatedAt = a.CreatedAt
	return m.Store.InsertAttribute(ctx, a)
}

// Update validates an attribute, replaces the definition of the stored one, and sets its times.
// The type cannot change, since accounts have values. It returns an [InvalidAttributeError],
// account.ErrAttributeNotFound or the error of the precondition.
func (m *Attributes) Update(ctx context.Context, a *account.Attribute) error {
	list, err := m.Store.ListAttributes(ctx)
	if err != nil {
		return err
	}
	before, err := findAttribute(list, a.Name)
	if err != nil {
		return err
	}
	if err := m.Precondition.check(Version(before.UpdatedAt)); err != nil {
		return err
	}
	if err := checkAttribute(list, a); err != nil {
		return err
	}
	if a.Type != before.Type {
		return invalidAttribute("type cannot change: delete the attribute and create another one")
	}
	a.CreatedAt, a.UpdatedAt = before.CreatedAt, m.Now().Truncate(time.Microsecond)
	return m.Store.UpdateAttribute(ctx, a, m.Precondition.seen(before.UpdatedAt))
}

// InvalidAttributeError reports an attribute that cannot be stored.
type InvalidAttributeError struct{ Reason error }

// Error implements error.
func (e *InvalidAttributeError) Error() string { return e.Reason.Error() }

func invalidAttribute(format string, args ...any) error {
	return &InvalidAttributeError{fmt.Errorf(format, args...)}
}

func checkAttribute(list []*account.Attribute, a *account.Attribute) error {
	if err := errors.Join(a.Check(), scope.CheckAttribute(a)); err != nil {
		return &InvalidAttributeError{err}
	}
	for _, other := range list {
		if a.Scope != "" && other.Scope != "" && other.Name != a.Name && scope.ClaimOf(other) == scope.ClaimOf(a) {
			return invalidAttribute("claim %s is that of the attribute %s", scope.ClaimOf(a), other.Name)
		}
	}
	return nil
}

// checkAttributes returns the attributes of an account after a change by an administrator, without
// those that the schema does not have, or an [InvalidUserError]. Attributes that only users may
// change must stay.
func checkAttributes(schema []*account.Attribute, before, after map[string]any) (map[string]any, error) {
	after, err := checkValues(schema, before, after)
	if err != nil {
		return nil, err
	}
	for _, a := range schema {
		value, has := after[a.Name]
		known, had := before[a.Name]
		if !a.IsEditableBy(account.PartyAdministrator) && (has != had || !sameValue(value, known)) {
			return nil, invalidUser("attributes.%s can be changed only by the user", a.Name)
		}
	}
	return after, nil
}

// sameValue reports whether two values from JSON are equal.
func sameValue(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// checkValues is checkAttributes for an import, which may set all attributes.
func checkValues(schema []*account.Attribute, before, after map[string]any) (map[string]any, error) {
	after = maps.Clone(after)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		a, err := findAttribute(schema, name)
		if _, known := before[name]; err != nil && known {
			delete(after, name) // its attribute was deleted
			continue
		}
		if err != nil {
			return nil, invalidUser("attributes.%s: %w", name, err)
		}
		if err := a.CheckValue(after[name]); err != nil {
			return nil, &InvalidUserError{err}
		}
	}
	for _, a := range schema {
		if _, has := after[a.Name]; a.Required && !has && a.IsEditableBy(account.PartyAdministrator) {
			return nil, invalidUser("attributes.%s is required", a.Name)
		}
	}
	return after, nil
}
