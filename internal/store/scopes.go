package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Scopes stores the definitions of scopes.
type Scopes struct {
	db          *db.DB
	replication *replication
}

const scopeColumns = `name, title, description, claims, self_registration, created_at, updated_at`

// ListScopes returns the stored scopes by name. A standard scope is stored only if the
// operator has changed it; see [scope.NewSet].
func (s *Scopes) ListScopes(ctx context.Context) (list []*scope.Scope, err error) {
	const read = `SELECT ` + scopeColumns + ` FROM scopes ORDER BY name`

	err = s.db.Read.Query(ctx, func(from db.Scanner) error {
		r := &scope.Scope{}
		list = append(list, r)
		return from.Scan(&r.Name, &r.Title, &r.Description, intoDocument(&r.Claims), intoFlag(&r.SelfRegistration),
			intoTime(&r.CreatedAt), intoTime(&r.UpdatedAt))
	}, read)
	if err != nil {
		return nil, fmt.Errorf("read scopes: %w", err)
	}
	return list, nil
}

// InsertScope adds a scope. It returns [scope.ErrExists] if the name is taken; standard
// scopes exist always.
func (s *Scopes) InsertScope(ctx context.Context, r *scope.Scope) error {
	const insert = `INSERT INTO scopes (` + scopeColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`

	if scope.IsStandard(r.Name) {
		return scope.ErrExists
	}
	claims, err := document(scopeClaims(r))
	if err != nil {
		return fmt.Errorf("write scope: %w", err)
	}
	return s.replication.change(ctx, func(c db.Conn) error {
		inserted, err := c.Exec(ctx, insert, r.Name, r.Title, r.Description, claims, flag(r.SelfRegistration),
			stamp(r.CreatedAt), stamp(r.UpdatedAt))
		if err != nil {
			return fmt.Errorf("insert scope: %w", err)
		}
		if inserted == 0 {
			return scope.ErrExists
		}
		return nil
	})
}

// UpdateScope replaces a scope except its creation time, or returns
// [scope.ErrNotFound]. Unless seen is nil, it is a compare-and-set: it returns [scope.ErrChanged] if
// the scope was changed or deleted after seen.
func (s *Scopes) UpdateScope(ctx context.Context, r *scope.Scope, seen *time.Time) error {
	update := `
		UPDATE scopes SET title = $2, description = $3, claims = $4, self_registration = $5, updated_at = ` + laterThan("$6") + ` WHERE name = $1`
	replace := `
		INSERT INTO scopes (` + scopeColumns + `) VALUES ($1, $2, $3, $4, $5, 0, $6)
		ON CONFLICT (name) DO UPDATE SET title = excluded.title, description = excluded.description, claims = excluded.claims,
			self_registration = excluded.self_registration,
			updated_at = CASE WHEN scopes.updated_at < excluded.updated_at THEN excluded.updated_at ELSE scopes.updated_at + 1 END`

	put, none := update, scope.ErrNotFound
	if scope.IsStandard(r.Name) {
		put = replace + ` WHERE true` // of the built-in record
	}
	if seen != nil {
		none = scope.ErrChanged
	}
	claims, err := document(scopeClaims(r))
	if err != nil {
		return fmt.Errorf("write scope: %w", err)
	}
	unchanged, args := ifUnchanged(`scopes`, seen, r.Name, r.Title, r.Description, claims, flag(r.SelfRegistration), stamp(r.UpdatedAt))
	return s.replication.change(ctx, func(c db.Conn) error {
		updated, err := c.Exec(ctx, put+unchanged, args...)
		if err != nil {
			return fmt.Errorf("update scope: %w", err)
		}
		if updated == 0 {
			return none
		}
		return nil
	})
}

// scopeClaims returns the claims of a scope, never nil.
func scopeClaims(r *scope.Scope) map[string][]scope.Destination {
	if r.Claims == nil {
		return map[string][]scope.Destination{}
	}
	return r.Claims
}

// DeleteScope deletes a stored scope. It returns [scope.ErrNotFound] for an unknown
// scope and [scope.ErrStandard] for a standard one. Clients keep the scope, which
// releases no claim any more.
func (s *Scopes) DeleteScope(ctx context.Context, name string) error {
	if scope.IsStandard(name) {
		return scope.ErrStandard
	}
	return s.replication.change(ctx, func(c db.Conn) error {
		deleted, err := c.Exec(ctx, `DELETE FROM scopes WHERE name = $1`, name)
		if err != nil {
			return fmt.Errorf("delete scope: %w", err)
		}
		if deleted == 0 {
			return scope.ErrNotFound
		}
		return nil
	})
}
