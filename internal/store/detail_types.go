package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/store/db"
)

// DetailTypes stores the types of authorization details.
type DetailTypes struct {
	db          *db.DB
	replication *replication
}

// ListDetailTypes returns all types by name.
func (s *DetailTypes) ListDetailTypes(ctx context.Context) (list []*detail.Type, err error) {
	const read = `SELECT name, document, created_at, updated_at FROM detail_types ORDER BY name`

	err = s.db.Read.Query(ctx, func(from db.Scanner) error {
		t := &detail.Type{}
		list = append(list, t)
		return from.Scan(&t.Name, intoDocument(&t.Definition), intoTime(&t.CreatedAt), intoTime(&t.UpdatedAt))
	}, read)
	if err != nil {
		return nil, fmt.Errorf("read authorization details types: %w", err)
	}
	return list, nil
}

// InsertDetailType adds a type, or returns [detail.ErrExists].
func (s *DetailTypes) InsertDetailType(ctx context.Context, t *detail.Type) error {
	const insert = `INSERT INTO detail_types (name, document, created_at, updated_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

	definition, err := document(t.Definition)
	if err != nil {
		return fmt.Errorf("write authorization details type: %w", err)
	}
	return s.change(ctx, detail.ErrExists, insert, t.Name, definition, stamp(t.CreatedAt), stamp(t.UpdatedAt))
}

// UpdateDetailType replaces the definition of a type, or returns [detail.ErrNotFound]. Unless seen is nil,
// it is a compare-and-set: it returns [detail.ErrChanged] if the type was changed or deleted after seen.
func (s *DetailTypes) UpdateDetailType(ctx context.Context, t *detail.Type, seen *time.Time) error {
	definition, err := document(t.Definition)
	if err != nil {
		return fmt.Errorf("write authorization details type: %w", err)
	}
	none := detail.ErrNotFound
	if seen != nil {
		none = detail.ErrChanged
	}
	unchanged, args := ifUnchanged(`detail_types`, seen, t.Name, definition, stamp(t.UpdatedAt))
	return s.change(ctx, none, `UPDATE detail_types SET document = $2, updated_at = `+laterThan("$3")+` WHERE name = $1`+unchanged, args...)
}

// DeleteDetailType deletes a type, or returns [detail.ErrNotFound]. Grants keep their details, which no
// token has any more.
func (s *DetailTypes) DeleteDetailType(ctx context.Context, name string) error {
	return s.change(ctx, detail.ErrNotFound, `DELETE FROM detail_types WHERE name = $1`, name)
}

// change runs a statement, or returns none if it affects no row.
func (s *DetailTypes) change(ctx context.Context, none error, statement string, args ...any) error {
	return s.replication.change(ctx, func(c db.Conn) error {
		changed, err := c.Exec(ctx, statement, args...)
		if err != nil {
			return fmt.Errorf("change authorization details type: %w", err)
		}
		if changed == 0 {
			return none
		}
		return nil
	})
}
