package manage

import (
	"context"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/detail"
)

// InvalidDetailTypeError reports a type of authorization details that cannot be stored. Reason is
// printable ASCII without quotes.
type InvalidDetailTypeError struct{ Reason string }

// Error implements error.
func (e *InvalidDetailTypeError) Error() string { return e.Reason }

// DetailTypeStore reads and changes the types of authorization details.
type DetailTypeStore interface {
	// ListDetailTypes returns all types by name.
	ListDetailTypes(ctx context.Context) ([]*detail.Type, error)
	// InsertDetailType returns detail.ErrExists for a name that exists.
	InsertDetailType(ctx context.Context, t *detail.Type) error
	// UpdateDetailType returns detail.ErrNotFound for an unknown name, and detail.ErrChanged unless the type
	// was last changed at seen; nil allows every time.
	UpdateDetailType(ctx context.Context, t *detail.Type, seen *time.Time) error
}

// DetailTypes creates and changes the types of authorization details.
type DetailTypes struct {
	Store        DetailTypeStore
	Now          func() time.Time
	Precondition Precondition
}

// maxDetailTypes is the number of types that may be declared.
const maxDetailTypes = 200

// Get returns a type, or detail.ErrNotFound.
func (m *DetailTypes) Get(ctx context.Context, name string) (*detail.Type, error) {
	list, err := m.Store.ListDetailTypes(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(t *detail.Type) bool { return t.Name == name })
	if i < 0 {
		return nil, detail.ErrNotFound
	}
	return list[i], nil
}

// Create validates and stores a type, and sets its times. It returns an [InvalidDetailTypeError] or
// detail.ErrExists.
func (m *DetailTypes) Create(ctx context.Context, t *detail.Type) error {
	if err := CheckDetailType(t); err != nil {
		return err
	}
	list, err := m.Store.ListDetailTypes(ctx)
	if err != nil {
		return err
	}
	if len(list) >= maxDetailTypes {
		return &InvalidDetailTypeError{"there are 200 types already"}
	}
	t.CreatedAt = m.Now()
	t.UpdatedAt = t.CreatedAt
	return m.Store.InsertDetailType(ctx, t)
}

// Update validates a type and replaces the stored one. It returns an [InvalidDetailTypeError],
// detail.ErrNotFound or the error of the precondition.
func (m *DetailTypes) Update(ctx context.Context, t *detail.Type) error {
	if err := CheckDetailType(t); err != nil {
		return err
	}
	t.UpdatedAt = m.Now()
	seen, err := m.Precondition.checkStored(func() (time.Time, error) {
		before, err := m.Get(ctx, t.Name)
		if err != nil {
			return time.Time{}, err
		}
		return before.UpdatedAt, nil
	})
	if err != nil {
		return err
	}
	return m.Store.UpdateDetailType(ctx, t, seen)
}

// CheckDetailType returns an [InvalidDetailTypeError] if a type is invalid.
func CheckDetailType(t *detail.Type) error {
	if err := t.Check(); err != nil {
		return &InvalidDetailTypeError{err.Error()}
	}
	return nil
}
