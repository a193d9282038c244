package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/store/db"
)

// ListClients returns up to limit clients in the order of IDs, starting after the ID
// after.
func (s *Clients) ListClients(ctx context.Context, after string, limit int) (list []*client.Client, err error) {
	const read = `SELECT ` + clientColumns + ` FROM clients WHERE id > $1 ORDER BY id LIMIT $2`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		c, err := scanClient(from)
		list = append(list, c)
		return err
	}, read, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list clients: %w", err)
	}
	return list, nil
}

// FindClients returns up to limit clients that match f in the order of IDs, starting
// after the ID after and skip further ones.
func (s *Clients) FindClients(
	ctx context.Context, f client.Filter, after string, skip, limit int,
) (list []*client.Client, err error) {
	read := `
		SELECT ` + clientColumns + ` FROM clients
		WHERE id > $1 AND ` + equalOrUnset("name", "$2", f.Name) + ` AND ` + equalOrUnset("owner", "$3", f.Owner) + `
		ORDER BY id LIMIT $4 OFFSET $5`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		c, err := scanClient(from)
		list = append(list, c)
		return err
	}, read, after, f.Name, f.Owner, limit, skip)
	if err != nil {
		return nil, fmt.Errorf("find clients: %w", err)
	}
	return list, nil
}

// CountClients returns the number of clients that match f.
func (s *Clients) CountClients(ctx context.Context, f client.Filter) (count int, err error) {
	read := `SELECT count(*) FROM clients WHERE ` + equalOrUnset("name", "$1", f.Name) + ` AND ` + equalOrUnset("owner", "$2", f.Owner)

	var n int64
	if err := s.db.LongRead.QueryRow(ctx, read, f.Name, f.Owner).Scan(&n); err != nil {
		return 0, fmt.Errorf("count clients: %w", err)
	}
	return int(n), nil
}

// ClientsOfGroup returns the clients that only members of some groups may use, the group among them,
// in the order of IDs.
func (s *Clients) ClientsOfGroup(ctx context.Context, group string) (list []*client.Client, err error) {
	const read = `SELECT ` + clientColumns + ` FROM clients WHERE metadata LIKE '%"allowed_groups":%' ORDER BY id`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		c, err := scanClient(from)
		if err == nil && slices.Contains(c.AllowedGroups, group) {
			list = append(list, c)
		}
		return err
	}, read)
	if err != nil {
		return nil, fmt.Errorf("find clients of a group: %w", err)
	}
	return list, nil
}
