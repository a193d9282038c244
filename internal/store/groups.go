package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
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

// UpdateGroup replaces the description of a group, or returns [account.ErrGroupNotFound].
func (s *Groups) UpdateGroup(ctx context.Context, g *account.Group) error {
	updated, err := s.db.Write.Exec(ctx, `UPDATE user_groups SET description = $2, updated_at = $3 WHERE name = $1`, g.Name, g.Description, stamp(g.UpdatedAt))
	if err != nil {
		return fmt.Errorf("update group: %w", err)
	}
	if updated == 0 {
		return account.ErrGroupNotFound
	}
	return nil
}

// Groups returns the groups with the names, in the order of names. Unknown names are left out.
func (s *Groups) Groups(ctx context.Context, names []string) (list []*account.Group, err error) {
	err = inChunks(names, func(places string, args []any) error {
		return s.db.Read.Query(ctx, func(from db.Scanner) error {
			g, err := scanGroup(from)
			list = append(list, g)
			return err
		}, `SELECT `+groupColumns+` FROM user_groups WHERE name IN (`+places+`)`, args...)
	})
	if err != nil {
		return nil, fmt.Errorf("read groups: %w", err)
	}
	slices.SortFunc(list, func(x, y *account.Group) int { return strings.Compare(x.Name, y.Name) })
	return list, nil
}

func scanGroup(from db.Scanner) (*account.Group, error) {
	g := &account.Group{}
	return g, from.Scan(&g.Name, &g.Description, intoTime(&g.CreatedAt), intoTime(&g.UpdatedAt))
}

// ListGroups returns up to limit groups in the order of names, starting after the name after.
func (s *Groups) ListGroups(ctx context.Context, after string, limit int) (list []*account.Group, err error) {
	const read = `SELECT ` + groupColumns + ` FROM user_groups WHERE name > $1 ORDER BY name LIMIT $2`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		g, err := scanGroup(from)
		list = append(list, g)
		return err
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
