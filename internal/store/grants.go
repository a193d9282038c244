package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Grants stores grants. A grant has a code, a refresh token and access tokens.
type Grants struct{ db *db.DB }

const grantColumns = `bucket, id, kind, client_id, subject, session_id, scopes, resources,
	created_at, expires_at, ends_at, code_expires_at, code_spent_at, refresh_generation, refresh_rotated_at,
	revoked_at, revoked_why, jkt, x5t, seed, detail, tokens_until`

// grantWithAccountColumns are the columns of a grant and its account.
const grantWithAccountColumns = grantColumns + `,
	(SELECT a.username FROM accounts a WHERE a.subject = grants.subject),
	(SELECT ` + released + ` FROM accounts a WHERE a.subject = grants.subject)`

// liveCondition requires that the account and the client of a grant exist, are enabled,
// and have not revoked earlier grants. A built-in client has no row.
const liveCondition = `
	EXISTS (SELECT 1 FROM accounts a WHERE a.subject = grants.subject
		AND a.disabled_at IS NULL AND a.not_before <= grants.created_at)
	AND (grants.client_id = '` + client.ConsoleID + `' OR EXISTS (SELECT 1 FROM clients c WHERE c.id = grants.client_id
		AND c.disabled = 0 AND c.not_before <= grants.created_at))`

func grantInto(g *grant.Grant) []any {
	return []any{
		(*uint32)(&g.Partition), intoID(&g.ID), (*int)(&g.Kind), &g.ClientID, &g.Subject, intoText(&g.SessionID),
		intoWords(&g.Scopes), intoWords(&g.Resources),
		intoTime(&g.CreatedAt), intoTime(&g.ExpiresAt), intoTime(&g.EndsAt),
		intoTime(&g.CodeExpiresAt), intoTime(&g.CodeRedeemedAt), &g.RefreshGeneration, intoTime(&g.RefreshRotatedAt),
		intoTime(&g.RevokedAt), intoText(&g.RevocationReason), intoText(&g.JWKThumbprint), intoText(&g.CertificateThumbprint), intoBytes(&g.Seed),
		intoDocument(&g.Authorization), intoTime(&g.TokensUntil),
	}
}

func scanGrantWithAccount(from db.Scanner) (*grant.WithAccount, error) {
	held := &grant.WithAccount{}
	if err := from.Scan(append(grantInto(&held.Grant), intoName(&held.Username), intoReleased(&held.Claims, &held.Released))...); err != nil {
		return nil, err
	}
	return held, nil
}

// InsertGrant adds a grant, or returns [grant.ErrExists].
func (s *Grants) InsertGrant(ctx context.Context, g *grant.Grant) error {
	const insert = `
		INSERT INTO grants (` + grantColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
		ON CONFLICT DO NOTHING`

	detail, err := document(g.Authorization)
	if err != nil {
		return fmt.Errorf("write grant detail: %w", err)
	}
	inserted, err := insertIntoPartition(ctx, s.db, g.Partition, func() (int64, error) {
		return s.db.Write.Exec(ctx, insert, int64(g.Partition), g.ID[:], int64(g.Kind), g.ClientID, g.Subject, optional(g.SessionID),
			words(g.Scopes), words(g.Resources), stamp(g.CreatedAt), stamp(g.ExpiresAt), stamp(g.EndsAt),
			micros(g.CodeExpiresAt), micros(g.CodeRedeemedAt), g.RefreshGeneration, micros(g.RefreshRotatedAt),
			micros(g.RevokedAt), optional(g.RevocationReason), optional(g.JWKThumbprint), optional(g.CertificateThumbprint), g.Seed, detail, micros(g.TokensUntil))
	})
	if err != nil {
		return fmt.Errorf("insert grant: %w", err)
	}
	if inserted == 0 {
		return grant.ErrExists
	}
	return nil
}

// insertIntoPartition inserts a grant, and creates its partition if it does not exist.
func insertIntoPartition(ctx context.Context, d *db.DB, p grant.Partition, write func() (int64, error)) (int64, error) {
	inserted, err := write()
	if !d.Engine.IsMissingPartition(err) {
		return inserted, err
	}
	if err := d.Engine.CreatePartitions(ctx, p); err != nil {
		return 0, fmt.Errorf("create partition for grant: %w", err)
	}
	return write()
}

// LiveGrant returns a grant that is valid at now. Unless jti is empty, the access token
// with that ID must not be revoked. Otherwise it returns [grant.ErrNotFound].
//
// Tokens that were issued without a code are valid only while their session exists:
// ending the session could not see a grant that was being inserted.
func (s *Grants) LiveGrant(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*grant.WithAccount, error) {
	const read = `
		SELECT ` + grantWithAccountColumns + ` FROM grants
		WHERE bucket = $1 AND id = $2 AND revoked_at IS NULL AND ends_at > $3 AND ` + liveCondition + `
			AND (code_spent_at IS NOT NULL OR session_id IS NULL
				OR EXISTS (SELECT 1 FROM sessions s WHERE s.id = grants.session_id))
			AND NOT EXISTS (SELECT 1 FROM revoked_tokens t WHERE t.jti = $4)`

	held, err := scanGrantWithAccount(s.db.Read.QueryRow(ctx, s.db.Engine.InPartition(ref.Partition, read), int64(ref.Partition), ref.ID[:], now.UnixMicro(), jti))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, grant.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read live grant: %w", err)
	}
	return held, nil
}

// LiveClient returns nil if a token that was issued to a client itself at issuedAt is
// valid. It returns [grant.ErrNotFound] if the client was deleted or disabled, has
// revoked earlier tokens, or the token was revoked.
func (s *Grants) LiveClient(ctx context.Context, clientID, jti string, issuedAt, _ time.Time) error {
	const read = `
		SELECT version FROM clients
		WHERE id = $1 AND disabled = 0 AND not_before <= $2
			AND NOT EXISTS (SELECT 1 FROM revoked_tokens t WHERE t.jti = $3)`

	var version int64
	err := s.db.Read.QueryRow(ctx, read, clientID, issuedAt.UnixMicro(), jti).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return grant.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("read live client: %w", err)
	}
	return nil
}

// LiveAsserted returns nil if a token that was issued for an assertion is valid. It
// returns [grant.ErrNotFound] for the reasons of LiveClient, if the issuer is no longer
// trusted, and if the account of the subject, if there is one, is disabled or has
// revoked earlier tokens.
func (s *Grants) LiveAsserted(ctx context.Context, a grant.AssertedToken, now time.Time) error {
	const read = `
		SELECT version FROM clients
		WHERE id = $1 AND disabled = 0 AND not_before <= $2
			AND NOT EXISTS (SELECT 1 FROM revoked_tokens r WHERE r.jti = $3)
			AND EXISTS (SELECT 1 FROM trusted_issuers i WHERE i.id = $4 AND i.expires_at > $5)
			AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.subject = $6 AND (a.disabled_at IS NOT NULL OR a.not_before > $2))`

	var version int64
	err := s.db.Read.QueryRow(ctx, read, a.ClientID, a.IssuedAt.UnixMicro(), a.JTI, a.Trust, now.UnixMicro(), a.Subject).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return grant.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("read live trust: %w", err)
	}
	return nil
}
