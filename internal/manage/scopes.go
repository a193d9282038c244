package manage

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/scope"
)

// InvalidScopeError reports a scope that cannot be stored. Reason is printable ASCII without
// quotes.
type InvalidScopeError struct{ Reason string }

// Error implements error.
func (e *InvalidScopeError) Error() string { return e.Reason }

// ScopeStore reads and changes scopes.
type ScopeStore interface {
	// InsertScope returns scope.ErrExists for a name that exists.
	InsertScope(ctx context.Context, s *scope.Scope) error
	// UpdateScope returns scope.ErrNotFound for an unknown name, and scope.ErrChanged unless the
	// scope was last changed at seen; nil allows every time, the zero time is that of a scope of
	// OpenID Connect Core without a record.
	UpdateScope(ctx context.Context, s *scope.Scope, seen *time.Time) error
	// ListScopes returns the scopes that have a record.
	ListScopes(ctx context.Context) ([]*scope.Scope, error)
}

// Scopes creates and changes scopes.
type Scopes struct {
	Store        ScopeStore
	Now          func() time.Time
	Precondition Precondition
}

// Create validates and stores a scope, and sets its times.
func (m *Scopes) Create(ctx context.Context, s *scope.Scope) error {
	s.CreatedAt = m.Now()
	s.UpdatedAt = s.CreatedAt
	if err := CheckScope(s); err != nil {
		return err
	}
	return m.Store.InsertScope(ctx, s)
}

// Update validates a scope and replaces the stored one. It returns an [InvalidScopeError],
// scope.ErrNotFound or the error of the precondition.
func (m *Scopes) Update(ctx context.Context, s *scope.Scope) error {
	s.UpdatedAt = m.Now()
	if err := CheckScope(s); err != nil {
		return err
	}
	seen, err := m.Precondition.checkStored(func() (time.Time, error) {
		records, err := m.Store.ListScopes(ctx)
		if err != nil {
			return time.Time{}, err
		}
		before := scope.NewSet(records, nil, nil).Get(s.Name)
		if before == nil {
			return time.Time{}, scope.ErrNotFound
		}
		return before.UpdatedAt, nil
	})
	if err != nil {
		return err
	}
	return m.Store.UpdateScope(ctx, s, seen)
}

// CheckScope returns an [InvalidScopeError] if a scope is invalid.
func CheckScope(s *scope.Scope) error {
	if err := s.Check(); err != nil {
		return &InvalidScopeError{err.Error()}
	}
	if s.SelfRegistration && slices.Contains(apikey.Scopes(), s.Name) {
		return &InvalidScopeError{fmt.Sprintf("self_registration must be false for %s, a scope of the admin API", s.Name)}
	}
	return nil
}
