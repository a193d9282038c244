package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/store/db"
)

const (
	// walkedClients bounds the clients among which one page of a list looks for those of a selection.
	walkedClients = 2000
	// listedRefusals bounds the rejected requests that a list counts per client, and clientRefusals the
	// number for one client.
	listedRefusals, clientRefusals = 100, 1000

	usesPerStatement = 50
)

// ListedClients returns the clients of a page, and the position after which the next one starts, zero at
// the end. With a selection a page may have fewer clients than the limit, although there are more.
func (s *Clients) ListedClients(ctx context.Context, q client.Listing) (list []*client.Listed, next client.Position, err error) {
	places, next, err := s.findListed(ctx, q)
	if err == nil && len(places) > 0 {
		list, err = s.readListed(ctx, places, q.Since)
	}
	if err != nil {
		return nil, client.Position{}, fmt.Errorf("list clients: %w", err)
	}
	return list, next, nil
}

// readListed returns the clients at the positions, in their order, without those that were deleted meanwhile.
func (s *Clients) readListed(ctx context.Context, places []client.Position, since time.Time) (list []*client.Listed, err error) {
	const ofClient = `(r.client_id, r.id) >= (clients.id, $1) AND (r.client_id, r.id) < (clients.id, 'z')`
	read := `
		SELECT ` + clientColumns + `,
			coalesce((SELECT u.used_at FROM client_uses u WHERE u.client_id = clients.id AND u.secret = ''), 0),
			(SELECT count(*) FROM (SELECT 1 FROM refusals r WHERE ` + ofClient + ` LIMIT $2) counted),
			coalesce((SELECT r.request_id FROM refusals r WHERE ` + ofClient + ` ORDER BY r.client_id DESC, r.id DESC LIMIT 1), '')
		FROM clients WHERE id IN (` + placeholders(3, len(places)) + `)`

	args := []any{refusal.FirstID(since), listedRefusals + 1}
	found := map[string]*client.Listed{}
	for _, at := range places {
		args = append(args, at.ID)
	}
	err = s.db.LongRead.Query(ctx, func(from db.Scanner) (err error) {
		one := &client.Listed{}
		var refused int64
		one.Client, err = scanClientAnd(from, intoTime(&one.UsedAt), &refused, &one.Refusals.LastRequest)
		one.Refusals.Count, one.Refusals.More = int(min(refused, listedRefusals)), refused > listedRefusals
		found[one.Client.ID] = one
		return err
	}, read, args...)
	for _, at := range places {
		if one := found[at.ID]; one != nil {
			one.Position = at
			list = append(list, one)
		}
	}
	return list, err
}

// errEnough ends the reading of rows.
var errEnough = errors.New("enough rows")

func (s *Clients) findListed(ctx context.Context, q client.Listing) (list []client.Position, next client.Position, err error) {
	read, args := s.listingQuery(q)
	var last client.Position
	walked := 0
	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var at client.Position
		var selected int64
		if err := from.Scan(&at.Name, &at.ID, &selected); err != nil {
			return err
		}
		if selected == 1 && len(list) == q.Limit {
			next = list[q.Limit-1]
			return errEnough
		}
		if selected == 1 {
			list = append(list, at)
		}
		walked++
		last = at
		return nil
	}, read, args...)
	if errors.Is(err, errEnough) {
		return list, next, nil
	}
	if walked == walkedClients {
		next = last
	}
	return list, next, err
}

// listingQuery returns the query for positions in the order of a list, and whether each is selected.
func (s *Clients) listingQuery(q client.Listing) (read string, args []any) {
	name, id := `substr(lower(CASE WHEN name = '' THEN id ELSE name END), 1, 100)`, `id`
	if s.db.Engine.Name() == "postgres" { // as in the index of migration 62
		name, id = `substr(lower((CASE WHEN name = '' THEN id ELSE name END) COLLATE "C"), 1, 100)`, `(id COLLATE "C")`
	}
	after, order := `>`, ``
	if q.Descending {
		after, order = `<`, ` DESC`
	}
	selected := map[client.Selection]string{
		client.SelectAll:        `1`,
		client.SelectNeverUsed:  `CASE WHEN EXISTS (SELECT 1 FROM client_uses u WHERE u.client_id = clients.id AND u.secret = '') THEN 0 ELSE 1 END`,
		client.SelectFailing:    `CASE WHEN EXISTS (SELECT 1 FROM refusals r WHERE (r.client_id, r.id) >= (clients.id, $2) AND (r.client_id, r.id) < (clients.id, 'z')) THEN 1 ELSE 0 END`,
		client.SelectRegistered: `dynamic`,
	}[q.Only]
	conditions := []string{`$2 = $2`}
	args = []any{walkedClients, refusal.FirstID(q.Since)}
	if q.After != (client.Position{}) {
		args = append(args, q.After.Name, q.After.ID)
		conditions = append(conditions, fmt.Sprintf(`(%s, %s) %s ($%d, $%d)`, name, id, after, len(args)-1, len(args)))
	}
	if q.Prefix != "" {
		args = append(args, q.Prefix, q.Prefix+lastRune)
		conditions = append(conditions, fmt.Sprintf(`%s >= lower($%d) AND %[1]s < lower($%[3]d)`, name, len(args)-1, len(args)))
	}
	return fmt.Sprintf(`SELECT %s, id, %s FROM clients WHERE %s ORDER BY %[1]s%[4]s, %[5]s%[4]s LIMIT $1`,
		name, selected, strings.Join(conditions, ` AND `), order, id), args
}

// ClientUses returns when a client, under the empty ID, and its secrets were last used, by their IDs.
func (s *Clients) ClientUses(ctx context.Context, id string) (map[string]time.Time, error) {
	const read = `SELECT secret, used_at FROM client_uses WHERE client_id = $1`

	uses := map[string]time.Time{}
	err := s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var secret string
		var at time.Time
		err := from.Scan(&secret, intoTime(&at))
		uses[secret] = at
		return err
	}, read, id)
	if err != nil {
		return nil, fmt.Errorf("read uses of client: %w", err)
	}
	return uses, nil
}

// ofClientSince selects the refusals of a client since an ID. Two plain conditions would let PostgreSQL
// read all refusals in the order of IDs to find those of a client that has few.
const ofClientSince = `(client_id, id) >= ($1, $2) AND (client_id, id) < ($1, 'z')`

// ClientRefusals counts the rejected requests of a client by rule since a time, among the latest
// [clientRefusals], the rule of the latest request first.
func (s *Clients) ClientRefusals(ctx context.Context, id string, since time.Time) (list []client.RefusedRule, err error) {
	const read = `
		SELECT r.rule, c.n, r.request_id, r.at
		FROM (SELECT max(id) AS id, count(*) AS n FROM
			(SELECT rule, id FROM refusals WHERE ` + ofClientSince + ` ORDER BY client_id DESC, id DESC LIMIT $3) latest GROUP BY rule) c
		JOIN refusals r ON r.id = c.id ORDER BY r.id DESC`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var one client.RefusedRule
		var count int64
		err := from.Scan(&one.Rule, &count, &one.LastRequest, intoTime(&one.LastAt))
		one.Count = int(count)
		list = append(list, one)
		return err
	}, read, id, refusal.FirstID(since), clientRefusals)
	if err != nil {
		return nil, fmt.Errorf("count refusals of client: %w", err)
	}
	return list, nil
}

// NoteUses stores last uses of clients that are later than the stored ones. It uses a connection that no
// request waits for.
func (s *Clients) NoteUses(ctx context.Context, list []client.Use) error {
	for len(list) > 0 {
		some := list[:min(len(list), usesPerStatement)]
		list = list[len(some):]
		var rows []string
		var args []any
		for _, use := range some {
			rows = append(rows, `(`+placeholders(len(args)+1, 3)+`)`)
			args = append(args, use.ClientID, use.SecretID, use.At.UnixMicro())
		}
		_, err := s.db.BackgroundWrite.Exec(ctx, `INSERT INTO client_uses (client_id, secret, used_at) VALUES `+strings.Join(rows, ", ")+`
			ON CONFLICT (client_id, secret) DO UPDATE SET used_at = excluded.used_at WHERE client_uses.used_at < excluded.used_at`, args...)
		if err != nil {
			return fmt.Errorf("note uses of clients: %w", err)
		}
	}
	return nil
}
