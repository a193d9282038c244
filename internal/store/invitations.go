package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/store/db"
)

// openInvitation is the condition of an invitation that is neither accepted nor expired at $1. Its
// columns are those of the index one_time_links_subject.
const openInvitation = `kind = 'invitation' AND subject = '' AND spent_at IS NULL AND expires_at > $1`

// ListInvitations returns up to limit open invitations in the order of the keys of their addresses,
// starting after the key after.
func (s *OneTimeLinks) ListInvitations(ctx context.Context, after string, limit int, now time.Time) (list []*onetimelink.Link, err error) {
	const read = `SELECT ` + linkColumns + ` FROM one_time_links WHERE ` + openInvitation + ` AND address_key > $2 ORDER BY address_key LIMIT $3`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		l, err := scanLink(from)
		list = append(list, l)
		return err
	}, read, now.UnixMicro(), after, limit)
	if err != nil {
		return nil, fmt.Errorf("list invitations: %w", err)
	}
	return list, nil
}

// Invitation returns the open invitation for the address with a key, or [onetimelink.ErrInvalid].
func (s *OneTimeLinks) Invitation(ctx context.Context, key string, now time.Time) (*onetimelink.Link, error) {
	const read = `SELECT ` + linkColumns + ` FROM one_time_links WHERE ` + openInvitation + ` AND address_key = $2 LIMIT 1`

	l, err := scanLink(s.db.Read.QueryRow(ctx, read, now.UnixMicro(), key))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, onetimelink.ErrInvalid
	}
	if err != nil {
		return nil, fmt.Errorf("read invitation: %w", err)
	}
	return l, nil
}

// Invited returns those of the keys of addresses that have an open invitation.
func (s *OneTimeLinks) Invited(ctx context.Context, keys []string, now time.Time) (found []string, err error) {
	return findKeys(ctx, s.db, keys, `SELECT address_key FROM one_time_links WHERE `+openInvitation+` AND address_key IN (%s)`, now.UnixMicro())
}

// VerifiedAddresses returns those of the keys of addresses that an account has verified.
func (s *OneTimeLinks) VerifiedAddresses(ctx context.Context, keys []string) (found []string, err error) {
	return findKeys(ctx, s.db, keys, `SELECT address_key FROM addresses WHERE verified_at IS NOT NULL AND address_key IN (%s)`)
}

// findKeys returns the keys that a query with the parameters before finds among keys.
func findKeys(ctx context.Context, d *db.DB, keys []string, query string, before ...any) (found []string, err error) {
	err = inChunks(keys, func(places string, args []any) error {
		return d.LongRead.Query(ctx, func(from db.Scanner) error {
			var key string
			err := from.Scan(&key)
			found = append(found, key)
			return err
		}, fmt.Sprintf(query, places), args...)
	}, before...)
	if err != nil {
		return nil, fmt.Errorf("find addresses: %w", err)
	}
	return found, nil
}

// InsertInvitations stores invitations, as [OneTimeLinks.InsertLink] does, and the messages that send
// them: all or nothing.
func (s *OneTimeLinks) InsertInvitations(ctx context.Context, list []*onetimelink.Link, messages []*mail.Message) error {
	return s.db.Tx(ctx, func(c db.Conn) error {
		for _, l := range list {
			if err := insertLink(ctx, c, l); err != nil {
				return err
			}
		}
		return insertMails(ctx, c, messages)
	})
}

// RenewInvitation replaces the open invitation for the address of l by l. It returns
// [onetimelink.ErrInvalid] if there is none: it was accepted or withdrawn.
func (s *OneTimeLinks) RenewInvitation(ctx context.Context, l *onetimelink.Link) error {
	return s.db.Tx(ctx, func(c db.Conn) error {
		if err := deleteInvitation(ctx, c, l.Address, l.CreatedAt); err != nil {
			return err
		}
		return insertLink(ctx, c, l)
	})
}

// DeleteInvitation ends the open invitation for the address with a key. It returns
// [onetimelink.ErrInvalid] if there is none.
func (s *OneTimeLinks) DeleteInvitation(ctx context.Context, key string, now time.Time) error {
	return deleteInvitation(ctx, s.db.Write, key, now)
}

func deleteInvitation(ctx context.Context, on db.Conn, key string, now time.Time) error {
	deleted, err := on.Exec(ctx, `DELETE FROM one_time_links WHERE `+openInvitation+` AND address_key = $2`, now.UnixMicro(), key)
	if err != nil {
		return fmt.Errorf("delete invitation: %w", err)
	}
	if deleted == 0 {
		return onetimelink.ErrInvalid
	}
	return nil
}
