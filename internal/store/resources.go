package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Resources stores the resources that the operator has declared.
type Resources struct {
	db          *db.DB
	replication *replication
}

// ListResources returns all resources by identifier.
func (s *Resources) ListResources(ctx context.Context) (list []*apiresource.Resource, err error) {
	const read = `SELECT document, created_at, updated_at FROM resources ORDER BY id`

	err = s.db.Read.Query(ctx, func(from db.Scanner) error {
		r := &apiresource.Resource{}
		list = append(list, r)
		return from.Scan(intoDocument(&r.Definition), intoTime(&r.CreatedAt), intoTime(&r.UpdatedAt))
	}, read)
	if err != nil {
		return nil, fmt.Errorf("read resources: %w", err)
	}
	return list, nil
}

// InsertResource adds a resource, or returns [apiresource.ErrExists].
func (s *Resources) InsertResource(ctx context.Context, r *apiresource.Resource) error {
	const insert = `INSERT INTO resources (id, document, created_at, updated_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

	definition, err := document(r.Definition)
	if err != nil {
		return fmt.Errorf("write resource: %w", err)
	}
	return s.change(ctx, apiresource.ErrExists, insert, apiresource.Key(r.Identifier), definition, stamp(r.CreatedAt), stamp(r.UpdatedAt))
}

// UpdateResource replaces the definition of a resource, or returns [apiresource.ErrNotFound]. Unless
// seen is nil, it is a compare-and-set: it returns [apiresource.ErrChanged] if the resource was changed
// or deleted after seen.
func (s *Resources) UpdateResource(ctx context.Context, r *apiresource.Resource, seen *time.Time) error {
	definition, err := document(r.Definition)
	if err != nil {
		return fmt.Errorf("write resource: %w", err)
	}
	none := apiresource.ErrNotFound
	if seen != nil {
		none = apiresource.ErrChanged
	}
	unchanged, args := ifUnchanged(`resources`, seen, apiresource.Key(r.Identifier), definition, stamp(r.UpdatedAt))
	return s.change(ctx, none, `UPDATE resources SET document = $2, updated_at = `+laterThan("$3")+` WHERE id = $1`+unchanged, args...)
}

// DeleteResource deletes a resource, or returns [apiresource.ErrNotFound]. Clients whose audience has
// its identifier may still request it.
func (s *Resources) DeleteResource(ctx context.Context, identifier string) error {
	return s.change(ctx, apiresource.ErrNotFound, `DELETE FROM resources WHERE id = $1`, apiresource.Key(identifier))
}

// change runs a statement after which clients get other tokens. It returns none if the statement
// affects no row.
func (s *Resources) change(ctx context.Context, none error, statement string, args ...any) error {
	return s.replication.change(ctx, func(c db.Conn) error {
		changed, err := c.Exec(ctx, statement, args...)
		if err != nil {
			return fmt.Errorf("change resource: %w", err)
		}
		if changed == 0 {
			return none
		}
		return nil
	})
}
