package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Grants stores grants: each has a code, a refresh token and access tokens.
type Grants struct{ db *db.DB }

const grantColumns = `bucket, id, kind, client_id, subject, session_id, scopes, resources,
	created_at, expires_at, ends_at, code_expires_at, code_spent_at, refresh_generation, refresh_rotated_at,
	revoked_at, revoked_why, jkt, x5t, seed, detail, tokens_until`

// heldColumns are a grant and the person behind it.
const grantWithAccountColumns = grantColumns + `,
	(SELECT a.username FROM accounts a WHERE a.subject = grants.subject),
	(SELECT a.claims FROM accounts a WHERE a.subject = grants.subject)`

// standing is what a grant needs of others: a person and a client who are still
// there, and have not cut off what was given before.
const liveCondition = `
	EXISTS (SELECT 1 FROM accounts a WHERE a.subject = grants.subject
		AND a.disabled_at IS NULL AND a.not_before <= grants.created_at)
	AND EXISTS (SELECT 1 FROM clients c WHERE c.id = grants.client_id
		AND c.disabled = 0 AND c.not_before <= grants.created_at)`

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

func scanGrantWithAccount(from db.Scanner) (*grant.GrantWithAccount, error) {
	held := &grant.GrantWithAccount{}
	if err := from.Scan(append(grantInto(&held.Grant), intoName(&held.Username), intoRaw(&held.Claims))...); err != nil {
		return nil, err
	}
	return held, nil
}

// InsertGrant writes a new grant, or returns [grant.ErrExists].
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
		return 0, fmt.Errorf("make room for grant: %w", err)
	}
	return write()
}

// LiveGrant returns a grant that stands at now. Unless jti is empty, the token of
// that name must not have been denied. Everything else is [grant.ErrNotFound].
//
// Tokens that came without the exchange of a code stand only while their session is
// there: ending it could not see a grant that was just being written.
func (s *Grants) LiveGrant(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*grant.GrantWithAccount, error) {
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

// LiveClient returns nil if a token that a client got for itself at issuedAt still
// stands, else [grant.ErrNotFound]: the client is gone or disabled, it has cut off
// what was given before, or the token was denied.
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

// LiveAsserted returns nil if a token that came of an issuer's word still stands, else
// [grant.ErrNotFound]: what ends a client's own tokens ends it, and so do the end of
// the trust in the issuer, and whatever bars or cuts off the subject's account, if
// there is one.
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
