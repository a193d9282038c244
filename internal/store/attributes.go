package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Attributes stores the attributes that accounts may have.
type Attributes struct {
	db          *db.DB
	replication *replication
}

// ListAttributes returns all attributes by name.
func (s *Attributes) ListAttributes(ctx context.Context) (list []*account.Attribute, err error) {
	const read = `SELECT name, document, created_at, updated_at FROM attributes ORDER BY name`

	err = s.db.Read.Query(ctx, func(from db.Scanner) error {
		a := &account.Attribute{}
		list = append(list, a)
		return from.Scan(&a.Name, intoDocument(&a.AttributeDefinition), intoTime(&a.CreatedAt), intoTime(&a.UpdatedAt))
	}, read)
	if err != nil {
		return nil, fmt.Errorf("read attributes: %w", err)
	}
	return list, nil
}

// InsertAttribute adds an attribute, or returns [account.ErrAttributeExists].
func (s *Attributes) InsertAttribute(ctx context.Context, a *account.Attribute) error {
	const insert = `INSERT INTO attributes (name, document, created_at, updated_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

	definition, err := document(a.AttributeDefinition)
	if err != nil {
		return fmt.Errorf("write attribute: %w", err)
	}
	return s.change(ctx, account.ErrAttributeExists, insert, a.Name, definition, stamp(a.CreatedAt), stamp(a.UpdatedAt))
}

// UpdateAttribute replaces the definition of an attribute, or returns
// [account.ErrAttributeNotFound]. Unless seen is nil, it is a compare-and-set: it returns
// [account.ErrChanged] if the attribute was changed or deleted after seen.
func (s *Attributes) UpdateAttribute(ctx context.Context, a *account.Attribute, seen *time.Time) error {
	definition, err := document(a.AttributeDefinition)
	if err != nil {
		return fmt.Errorf("write attribute: %w", err)
	}
	none := account.ErrAttributeNotFound
	if seen != nil {
		none = account.ErrChanged
	}
	unchanged, args := ifUnchanged(`attributes`, seen, a.Name, definition, stamp(a.UpdatedAt))
	return s.change(ctx, none, `UPDATE attributes SET document = $2, updated_at = `+laterThan("$3")+` WHERE name = $1`+unchanged, args...)
}

// DeleteAttribute deletes an attribute, or returns [account.ErrAttributeNotFound]. Accounts keep
// their values until their attributes change; no scope releases them.
func (s *Attributes) DeleteAttribute(ctx context.Context, name string) error {
	return s.change(ctx, account.ErrAttributeNotFound, `DELETE FROM attributes WHERE name = $1`, name)
}

// change runs a statement after which the scopes release other claims. It returns none if the
// statement affects no row.
func (s *Attributes) change(ctx context.Context, none error, statement string, args ...any) error {
	return s.replication.change(ctx, func(c db.Conn) error {
		changed, err := c.Exec(ctx, statement, args...)
		if err != nil {
			return fmt.Errorf("change attribute: %w", err)
		}
		if changed == 0 {
			return none
		}
		return nil
	})
}

// CountUsers returns the number of accounts that have a value of the attribute, at most atMost.
func (s *Attributes) CountUsers(ctx context.Context, name string, atMost int) (count int, err error) {
	return countUpTo(ctx, s.db, `SELECT 1 FROM attribute_values WHERE name = $1`, name, atMost)
}
