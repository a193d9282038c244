package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Groups stores the groups of accounts.
type Groups struct{ db *db.DB }

const groupColumns = `name, description, created_at, updated_at`

// InsertGroup adds a group, or returns [account.ErrGroupExists].
func (s *Groups) InsertGroup(ctx context.Context, g *account.Group) error {
	inserted, err := insertGroup(ctx, s.db.Write, g)
	if err == nil && inserted == 0 {
		return account.ErrGroupExists
	}
	return err
}

func insertGroup(ctx context.Context, on db.Conn, g *account.Group) (inserted int64, err error) {
	const insert = `INSERT INTO user_groups (` + groupColumns + `) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`

	inserted, err = on.Exec(ctx, insert, g.Name, g.Description, stamp(g.CreatedAt), stamp(g.UpdatedAt))
	if err != nil {
		return 0, fmt.Errorf("insert group: %w", err)
	}
	return inserted, nil
}

// DeleteGroup deletes a group with its memberships, or returns [account.ErrGroupNotFound].
func (s *Groups) DeleteGroup(ctx context.Context, name string) error {
	deleted, err := s.db.LongWrite.Exec(ctx, `DELETE FROM user_groups WHERE name = $1`, name)
	if err != nil {
		return fmt.Errorf("delete group: %w", err)
	}
	if deleted == 0 {
		return account.ErrGroupNotFound
	}
	return nil
}

// ListGroups returns up to limit groups in the order of names, starting after the name after.
func (s *Groups) ListGroups(ctx context.Context, after string, limit int) (list []*account.Group, err error) {
	const read = `SELECT ` + groupColumns + ` FROM user_groups WHERE name > $1 ORDER BY name LIMIT $2`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		g := &account.Group{}
		list = append(list, g)
		return from.Scan(&g.Name, &g.Description, intoTime(&g.CreatedAt), intoTime(&g.UpdatedAt))
	}, read, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list groups: %w", err)
	}
	return list, nil
}

// ensureGroups adds the groups that do not exist.
func ensureGroups(ctx context.Context, on db.Conn, names []string, now time.Time) error {
	for _, name := range names {
		if _, err := insertGroup(ctx, on, &account.Group{Name: name, CreatedAt: now, UpdatedAt: now}); err != nil {
			return err
		}
	}
	return nil
}
