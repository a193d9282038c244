package manage

import (
	"context"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/scope"
)

// InvalidResourceError reports a resource that cannot be stored. Reason is printable ASCII without
// quotes.
type InvalidResourceError struct{ Reason string }

// Error implements error.
func (e *InvalidResourceError) Error() string { return e.Reason }

// ResourceStore reads and changes resources.
type ResourceStore interface {
	// InsertResource returns apiresource.ErrExists for an identifier that is declared.
	InsertResource(ctx context.Context, r *apiresource.Resource) error
	// UpdateResource returns apiresource.ErrNotFound for an unknown identifier, and
	// apiresource.ErrChanged unless the resource was last changed at seen; nil allows every time.
	UpdateResource(ctx context.Context, r *apiresource.Resource, seen *time.Time) error
	ListResources(ctx context.Context) ([]*apiresource.Resource, error)
}

// Resources declares and changes resources.
type Resources struct {
	Store        ResourceStore
	Now          func() time.Time
	Precondition Precondition
}

// Create validates and stores a resource, and sets its times.
func (m *Resources) Create(ctx context.Context, r *apiresource.Resource) error {
	r.CreatedAt = m.Now()
	r.UpdatedAt = r.CreatedAt
	if err := CheckResource(r); err != nil {
		return err
	}
	return m.Store.InsertResource(ctx, r)
}

// Update validates a resource and replaces the stored one. It returns an [InvalidResourceError],
// apiresource.ErrNotFound or the error of the precondition.
func (m *Resources) Update(ctx context.Context, r *apiresource.Resource) error {
	r.UpdatedAt = m.Now()
	if err := CheckResource(r); err != nil {
		return err
	}
	seen, err := m.Precondition.checkStored(func() (time.Time, error) {
		before, err := FindResource(ctx, m.Store, r.Identifier)
		if err != nil {
			return time.Time{}, err
		}
		return before.UpdatedAt, nil
	})
	if err != nil {
		return err
	}
	return m.Store.UpdateResource(ctx, r, seen)
}

// FindResource returns a resource from the database, or apiresource.ErrNotFound.
func FindResource(ctx context.Context, s ResourceStore, identifier string) (*apiresource.Resource, error) {
	list, err := s.ListResources(ctx)
	if err != nil {
		return nil, err
	}
	found := apiresource.NewSet(list).Get(identifier)
	if found == nil {
		return nil, apiresource.ErrNotFound
	}
	return found, nil
}

// CheckResource returns an [InvalidResourceError] if a resource is invalid.
func CheckResource(r *apiresource.Resource) error {
	if err := r.Check(); err != nil {
		return &InvalidResourceError{err.Error()}
	}
	if slices.ContainsFunc(r.Scopes, func(name string) bool { return !scope.IsToken(name) }) {
		return &InvalidResourceError{"scopes must be names of scopes"}
	}
	return nil
}
