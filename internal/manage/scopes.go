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
	// UpdateScope returns scope.ErrNotFound for an unknown name.
	UpdateScope(ctx context.Context, s *scope.Scope) error
}

// Scopes creates and changes scopes.
type Scopes struct {
	Store ScopeStore
	Now   func() time.Time
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

// Update validates a scope and replaces the stored one.
func (m *Scopes) Update(ctx context.Context, s *scope.Scope) error {
	s.UpdatedAt = m.Now()
	if err := CheckScope(s); err != nil {
		return err
	}
	return m.Store.UpdateScope(ctx, s)
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
