package store

import (
	"cmp"
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

// UpdateGroup replaces the description of a group, or returns [account.ErrGroupNotFound]. Unless
// seen is nil, it is a compare-and-set: it returns [account.ErrChanged] if the group was changed
// after seen.
func (s *Groups) UpdateGroup(ctx context.Context, g *account.Group, seen *time.Time) error {
	unchanged, args := ifUnchanged(`user_groups`, seen, g.Name, g.Description, stamp(g.UpdatedAt))
	updated, err := s.db.Write.Exec(ctx, `UPDATE user_groups SET description = $2, updated_at = `+laterThan("$3")+` WHERE name = $1`+unchanged, args...)
	if err != nil {
		return fmt.Errorf("update group: %w", err)
	}
	if updated == 0 {
		if known, err := s.Groups(ctx, []string{g.Name}); err != nil || len(known) > 0 {
			return cmp.Or(err, account.ErrChanged)
		}
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

// CountMembers returns the number of members of a group, at most atMost.
func (s *Groups) CountMembers(ctx context.Context, name string, atMost int) (count int, err error) {
	return countUpTo(ctx, s.db, `SELECT 1 FROM memberships WHERE group_name = $1`, name, atMost)
}

// laterThan returns the new value of the column updated_at: the parameter, or a later time if the
// row was changed at that time already, so that each change has another one.
func laterThan(parameter string) string {
	return `CASE WHEN updated_at < ` + parameter + ` THEN ` + parameter + ` ELSE updated_at + 1 END`
}

// ifUnchanged returns the condition that a row of the table was last changed at seen, with the value
// appended to args; nil is no condition.
func ifUnchanged(table string, seen *time.Time, args ...any) (condition string, all []any) {
	if seen == nil {
		return "", args
	}
	return fmt.Sprintf(` AND %s.updated_at = $%d`, table, len(args)+1), append(args, stamp(*seen))
}
