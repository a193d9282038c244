package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/store/db"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

// TrustedIssuers stores the issuers whose JWT assertions are accepted (RFC 7523).
type TrustedIssuers struct {
	db          *db.DB
	replication *replication
}

const trustColumns = `id, issuer, subject, scopes, jwk, created_at, expires_at`

func trustInto(t *trustedissuer.Trust) []any {
	return []any{
		&t.ID, &t.Issuer, &t.Subject, intoWords(&t.Scopes), into(t.UnmarshalKey), intoTime(&t.CreatedAt), intoTime(&t.ExpiresAt),
	}
}

// InsertTrust adds a trusted issuer, or returns [trustedissuer.ErrExists].
func (s *TrustedIssuers) InsertTrust(ctx context.Context, t *trustedissuer.Trust) error {
	const insert = `
		INSERT INTO trusted_issuers (` + trustColumns + `, kid) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT DO NOTHING`

	key, err := t.MarshalKey()
	if err != nil {
		return err
	}
	// Replicas may have cached the other issuers that are trusted for the same subject.
	return s.replication.change(ctx, func(c db.Conn) error {
		inserted, err := c.Exec(ctx, insert, t.ID, t.Issuer, t.Subject, words(t.Scopes), key,
			stamp(t.CreatedAt), stamp(t.ExpiresAt), t.Key.KeyID)
		if err != nil {
			return fmt.Errorf("insert trusted issuer: %w", err)
		}
		if inserted == 0 {
			return trustedissuer.ErrExists
		}
		return nil
	})
}

// Trust returns the trusted issuer with an ID, even an expired one, or
// [trustedissuer.ErrNotFound].
func (s *TrustedIssuers) Trust(ctx context.Context, id string) (*trustedissuer.Trust, error) {
	const read = `SELECT ` + trustColumns + ` FROM trusted_issuers WHERE id = $1`

	t := &trustedissuer.Trust{}
	err := s.db.Read.QueryRow(ctx, read, id).Scan(trustInto(t)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, trustedissuer.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read trusted issuer: %w", err)
	}
	return t, nil
}

// TrustsFor returns the entries that trust an issuer for a subject at now, those for
// this subject alone first. blocked is true if the account of the subject is disabled,
// or if the subject is the client_id of a client, for which resource servers would take
// it (RFC 9700 §4.15).
func (s *TrustedIssuers) TrustsFor(ctx context.Context, iss, subject string, now time.Time) (list []*trustedissuer.Trust, blocked bool, err error) {
	const read = `
		SELECT ` + trustColumns + `,
			CASE WHEN EXISTS (SELECT 1 FROM accounts a WHERE a.subject = $2 AND a.disabled_at IS NOT NULL)
				OR EXISTS (SELECT 1 FROM clients c WHERE c.id = $2) THEN 1 ELSE 0 END
		FROM trusted_issuers WHERE issuer = $1 AND subject IN ($2, '') AND expires_at > $3
		ORDER BY subject DESC, kid LIMIT 100`

	err = s.db.Read.Query(ctx, func(from db.Scanner) error {
		t := &trustedissuer.Trust{}
		list = append(list, t)
		return from.Scan(append(trustInto(t), intoFlag(&blocked))...)
	}, read, iss, subject, now.UnixMicro())
	if err != nil {
		return nil, false, fmt.Errorf("find trust in issuer: %w", err)
	}
	return list, blocked, nil
}

// ListTrusts returns up to limit trusted issuers in the order of IDs, starting after
// the ID after and skip further ones, for one issuer unless iss is empty.
func (s *TrustedIssuers) ListTrusts(ctx context.Context, iss, after string, skip, limit int) (list []*trustedissuer.Trust, err error) {
	read := `
		SELECT ` + trustColumns + ` FROM trusted_issuers
		WHERE id > $1 AND ` + equalOrUnset("issuer", "$2", iss) + ` ORDER BY id LIMIT $3 OFFSET $4`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		t := &trustedissuer.Trust{}
		list = append(list, t)
		return from.Scan(trustInto(t)...)
	}, read, after, iss, limit, skip)
	if err != nil {
		return nil, fmt.Errorf("list trusted issuers: %w", err)
	}
	return list, nil
}

// CountTrusts returns the number of trusted issuers, for one issuer unless iss is
// empty.
func (s *TrustedIssuers) CountTrusts(ctx context.Context, iss string) (int, error) {
	read := `SELECT count(*) FROM trusted_issuers WHERE ` + equalOrUnset("issuer", "$1", iss)

	var n int64
	if err := s.db.LongRead.QueryRow(ctx, read, iss).Scan(&n); err != nil {
		return 0, fmt.Errorf("count trusted issuers: %w", err)
	}
	return int(n), nil
}

// DeleteTrust deletes a trusted issuer, which ends its tokens, or returns
// [trustedissuer.ErrNotFound].
func (s *TrustedIssuers) DeleteTrust(ctx context.Context, id string) error {
	return s.replication.change(ctx, func(c db.Conn) error {
		removed, err := c.Exec(ctx, `DELETE FROM trusted_issuers WHERE id = $1`, id)
		if err != nil {
			return fmt.Errorf("delete trusted issuer: %w", err)
		}
		if removed == 0 {
			return trustedissuer.ErrNotFound
		}
		return nil
	})
}
