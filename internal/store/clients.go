package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Clients stores registered clients.
type Clients struct {
	db          *db.DB
	replication *replication
}

const clientColumns = `id, metadata, secret, registration_token, previous_token, previous_until,
	dynamic, disabled, not_before, created_at, updated_at, version, rotated_secrets, secret_created_at`

func scanClient(from db.Scanner) (*client.Client, error) { return scanClientAnd(from) }

// scanClientAnd scans a client, and the columns after it into others.
func scanClientAnd(from db.Scanner, others ...any) (*client.Client, error) {
	c := &client.Client{}
	return c, from.Scan(append([]any{
		&c.ID, intoDocument(&c.Metadata), intoText(&c.Secret),
		intoBytes(&c.RegistrationToken), intoBytes(&c.PreviousToken), intoTime(&c.PreviousUntil),
		intoFlag(&c.Dynamic), intoFlag(&c.Disabled),
		intoTime(&c.TokensValidAfter), intoTime(&c.CreatedAt), intoTime(&c.UpdatedAt), &c.Version, intoOptional(&c.RotatedSecrets), intoTime(&c.SecretCreatedAt),
	}, others...)...)
}

// Client returns the client with an ID, or [client.ErrNotFound].
func (s *Clients) Client(ctx context.Context, id string) (*client.Client, error) {
	return readClient(ctx, s.db.Read, id)
}

func readClient(ctx context.Context, on db.Conn, id string) (*client.Client, error) {
	const read = `SELECT ` + clientColumns + ` FROM clients WHERE id = $1`

	c, err := scanClient(on.QueryRow(ctx, read, id))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, client.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read client: %w", err)
	}
	return c, nil
}

// InsertClient adds a client. It returns [client.ErrExists] if the ID is taken, and
// [client.ErrIsSubject] if it is the subject of an account. Grants and tokens of an
// earlier client with the same ID stay invalid.
func (s *Clients) InsertClient(ctx context.Context, c *client.Client) error {
	return insertClient(ctx, s.db.Write, c)
}

// InsertClients is [Clients.InsertClient] for several clients, all or none.
func (s *Clients) InsertClients(ctx context.Context, all []*client.Client) error {
	return s.db.Tx(ctx, func(on db.Conn) error {
		for _, c := range all {
			if err := insertClient(ctx, on, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func insertClient(ctx context.Context, on db.Conn, c *client.Client) error {
	const insert = `
		INSERT INTO clients (` + clientColumns + `, name, owner)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
		WHERE NOT EXISTS (SELECT 1 FROM accounts a WHERE a.subject = $1)
		ON CONFLICT DO NOTHING`

	metadata, err := document(c.Metadata)
	if err != nil {
		return fmt.Errorf("write client metadata: %w", err)
	}
	rotated, err := optionalDocument(c.RotatedSecrets)
	if err != nil {
		return fmt.Errorf("write client secrets: %w", err)
	}
	if c.Secret != "" && c.SecretCreatedAt.IsZero() {
		c.SecretCreatedAt = c.CreatedAt
	}
	inserted, err := on.Exec(ctx, insert, c.ID, metadata, string(c.Secret),
		c.RegistrationToken, c.PreviousToken, micros(c.PreviousUntil),
		flag(c.Dynamic), flag(c.Disabled),
		stamp(c.CreatedAt), stamp(c.CreatedAt), stamp(c.UpdatedAt), 1, rotated, stamp(c.SecretCreatedAt), c.ClientName, c.Owner)
	if err != nil {
		return fmt.Errorf("insert client: %w", err)
	}
	if inserted == 0 {
		return insertClientError(ctx, on, c.ID)
	}
	c.TokensValidAfter, c.Version = c.CreatedAt, 1
	return nil
}

// insertClientError returns the reason for which a client could not be inserted.
func insertClientError(ctx context.Context, on db.Conn, id string) error {
	var subjects int64
	if err := on.QueryRow(ctx, `SELECT count(*) FROM accounts WHERE subject = $1`, id).Scan(&subjects); err != nil {
		return fmt.Errorf("look for account: %w", err)
	}
	if subjects > 0 {
		return client.ErrIsSubject
	}
	return client.ErrExists
}

// UpdateClient writes a changed client and increments its version. It returns
// [client.ErrConflict] if the stored version differs from c.Version. It does not change
// TokensValidAfter: only [Clients.EndClientTokens] does.
func (s *Clients) UpdateClient(ctx context.Context, c *client.Client) error {
	err := s.replication.change(ctx, retryableUpdate(ctx, c))
	return s.conflictOrNotFound(ctx, c.ID, err)
}

// retryableUpdate is updateClient for a transaction that may run twice.
func retryableUpdate(ctx context.Context, c *client.Client) func(db.Conn) error {
	version := c.Version
	return func(on db.Conn) error {
		c.Version = version
		return updateClient(ctx, on, c)
	}
}

// conflictOrNotFound returns [client.ErrNotFound] in place of [client.ErrConflict] if
// the client was deleted.
func (s *Clients) conflictOrNotFound(ctx context.Context, id string, err error) error {
	if errors.Is(err, client.ErrConflict) {
		if _, err := s.Client(ctx, id); err != nil {
			return err
		}
	}
	return err
}

func updateClient(ctx context.Context, on db.Conn, c *client.Client) error {
	const update = `
		UPDATE clients SET metadata = $3, secret = $4, registration_token = $5, previous_token = $6,
			previous_until = $7, dynamic = $8, disabled = $9, updated_at = $10, rotated_secrets = $11,
			name = $12, owner = $13, secret_created_at = $14, version = version + 1
		WHERE id = $1 AND version = $2`

	metadata, err := document(c.Metadata)
	if err != nil {
		return fmt.Errorf("write client metadata: %w", err)
	}
	rotated, err := optionalDocument(c.RotatedSecrets)
	if err != nil {
		return fmt.Errorf("write client secrets: %w", err)
	}
	updated, err := on.Exec(ctx, update, c.ID, c.Version, metadata, string(c.Secret),
		c.RegistrationToken, c.PreviousToken, micros(c.PreviousUntil),
		flag(c.Dynamic), flag(c.Disabled), stamp(c.UpdatedAt), rotated, c.ClientName, c.Owner, stamp(c.SecretCreatedAt))
	if err != nil {
		return fmt.Errorf("update client: %w", err)
	}
	if updated == 0 {
		return client.ErrConflict
	}
	c.Version++
	return nil
}

// ReplaceClientSecret replaces the hash or the sealed form of a client secret. It
// returns [client.ErrConflict] if the stored form is no longer old. Other replicas may
// keep the old form in their caches, since the secret is the same.
func (s *Clients) ReplaceClientSecret(ctx context.Context, id string, old, replaced client.Secret) error {
	const replace = `UPDATE clients SET secret = $3, version = version + 1 WHERE id = $1 AND secret = $2`

	done, err := s.db.Write.Exec(ctx, replace, id, string(old), string(replaced))
	if err != nil {
		return fmt.Errorf("replace client secret: %w", err)
	}
	if done == 0 {
		return client.ErrConflict
	}
	return nil
}

// UpdateClientDroppingConsents is UpdateClient, and deletes the consents for the client
// in the same transaction.
func (s *Clients) UpdateClientDroppingConsents(ctx context.Context, c *client.Client) error {
	err := s.changeDroppingConsents(ctx, c.ID, retryableUpdate(ctx, c))
	return s.conflictOrNotFound(ctx, c.ID, err)
}

// DeleteClient deletes a client and the consents for it. Its grants and tokens become
// invalid. It returns [client.ErrNotFound] for an unknown client.
func (s *Clients) DeleteClient(ctx context.Context, id string) error {
	return s.changeDroppingConsents(ctx, id, func(on db.Conn) error {
		deleted, err := on.Exec(ctx, `DELETE FROM clients WHERE id = $1`, id)
		if err != nil {
			return fmt.Errorf("delete client: %w", err)
		}
		if deleted == 0 {
			return client.ErrNotFound
		}
		if _, err := on.Exec(ctx, `DELETE FROM client_uses WHERE client_id = $1`, id); err != nil {
			return fmt.Errorf("delete uses of client: %w", err)
		}
		if _, err := on.Exec(ctx, `DELETE FROM blocked_clients WHERE client_id = $1`, id); err != nil {
			return fmt.Errorf("delete blocks of client: %w", err)
		}
		return nil
	})
}

// changeDroppingConsents changes a client and deletes its consents in one transaction.
//
// A popular client has more consents than one statement can delete in time. They are
// deleted in batches before; if that fails halfway, the next attempt continues there.
func (s *Clients) changeDroppingConsents(ctx context.Context, id string, change func(db.Conn) error) error {
	const many = 1000
	const forget = `
		DELETE FROM consents WHERE (subject, client_id, session_id) IN
			(SELECT subject, client_id, session_id FROM consents WHERE client_id = $1 LIMIT 1000)`

	for forgotten := int64(many); forgotten == many; {
		var err error
		if forgotten, err = s.db.LongWrite.Exec(ctx, forget, id); err != nil {
			return fmt.Errorf("delete consents: %w", err)
		}
	}
	return s.replication.change(ctx, func(on db.Conn) error {
		if err := change(on); err != nil {
			return err
		}
		if _, err := on.Exec(ctx, `DELETE FROM consents WHERE client_id = $1`, id); err != nil {
			return fmt.Errorf("delete consents: %w", err)
		}
		return nil
	})
}

// EndClientTokens ends all grants and tokens of a client that were issued before now.
// It returns [client.ErrNotFound] for an unknown client.
func (s *Clients) EndClientTokens(ctx context.Context, id string, now time.Time) error {
	const end = `
		UPDATE clients SET not_before = CASE WHEN not_before < $2 THEN $2 ELSE not_before END, version = version + 1
		WHERE id = $1`

	return s.replication.change(ctx, func(c db.Conn) error {
		ended, err := c.Exec(ctx, end, id, now.UnixMicro())
		if err != nil {
			return fmt.Errorf("end client tokens: %w", err)
		}
		if ended == 0 {
			return client.ErrNotFound
		}
		return nil
	})
}
