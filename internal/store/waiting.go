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

// waiting is a table of requests that wait for a user while their client polls. A row has the locator
// and the seed of the grant that allows it.
type waiting struct {
	db       *db.DB
	table    string
	notFound error // reports a row that does not wait for a decision
}

// undecided selects a row that waits for a decision.
const undecided = `grant_id = $1 AND expires_at > $2 AND denied_at IS NULL AND allowed_at IS NULL`

// poll records a poll, scans columns of the row into to, and reports whether the poll came too early,
// which increases the interval, and whether the grant exists. It returns [sql.ErrNoRows] for the row
// of another client, and one that has expired or does not exist.
func (w waiting) poll(ctx context.Context, p grant.Poll, columns string, to []any) (tooEarly, allowed bool, err error) {
	update := `
		UPDATE ` + w.table + ` SET polled_at = $4,
			early = CASE WHEN polled_at > $4 - wait + $5 THEN 1 ELSE 0 END,
			wait = CASE WHEN polled_at > $4 - wait + $5 THEN wait + $6 ELSE wait END
		WHERE grant_id = $2 AND client_id = $3 AND expires_at > $4
		RETURNING ` + columns + `, early,
			(SELECT count(*) FROM grants WHERE bucket = $1 AND id = $2)`

	err = w.db.Write.QueryRow(ctx, w.db.Engine.InPartition(p.Ref.Partition, update), int64(p.Ref.Partition), p.Ref.ID[:], p.ClientID,
		p.Now.UnixMicro(), p.Slack.Microseconds(), p.Penalty.Microseconds()).
		Scan(append(to, intoFlag(&tooEarly), intoFlag(&allowed))...)
	return tooEarly, allowed, err
}

// clientOf returns the client of a row, "" if it does not exist. Only a purge removes a row, long after
// it has expired.
func (w waiting) clientOf(ctx context.Context, ref grant.Locator) (clientID string, err error) {
	err = w.db.Read.QueryRow(ctx, `SELECT client_id FROM `+w.table+` WHERE grant_id = $1`, ref.ID[:]).Scan(&clientID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return clientID, err
}

// decide records a decision in one of the columns allowed_at and denied_at. Both decisions change the row,
// so that of any number of concurrent callers one succeeds; the others get notFound.
func (w waiting) decide(ctx context.Context, on db.Conn, column string, id grant.ID, now time.Time) error {
	decided, err := on.Exec(ctx, `UPDATE `+w.table+` SET `+column+` = $2 WHERE `+undecided, id[:], now.UnixMicro())
	if err == nil && decided == 0 {
		err = w.notFound
	}
	return err
}

// deny denies a request, with more in the same transaction. It is a compare-and-set, as decide.
func (w waiting) deny(ctx context.Context, id grant.ID, now time.Time, more func(db.Conn) error) error {
	return w.db.Tx(ctx, func(c db.Conn) error {
		if err := w.decide(ctx, c, "denied_at", id, now); err != nil {
			return err
		}
		return more(c)
	})
}

// allow allows a request and inserts its grant, with the seed and the expiry of the request, and more in
// the same transaction. It is a compare-and-set, as decide.
func (w waiting) allow(ctx context.Context, g *grant.Grant, now time.Time, more func(db.Conn) error) error {
	_, err := insertIntoPartition(ctx, w.db, g.Partition, func() (int64, error) {
		return 0, w.db.Tx(ctx, func(c db.Conn) error {
			if err := w.decide(ctx, c, "allowed_at", g.ID, now); err != nil {
				return err
			}
			if err := w.insertGrant(ctx, c, g); err != nil {
				return err
			}
			return more(c)
		})
	})
	return err
}

// insertGrant inserts the grant of a request. It returns notFound for the request of another client.
func (w waiting) insertGrant(ctx context.Context, on db.Conn, g *grant.Grant) error {
	insert := `
		INSERT INTO grants (` + grantColumns + `)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, expires_at, $12, $13, $14, $15, $16, $17, $18, seed, $19, $20
		FROM ` + w.table + ` WHERE grant_id = $2 AND client_id = $4
		ON CONFLICT DO NOTHING`

	detail, err := document(g.Authorization)
	if err != nil {
		return fmt.Errorf("write grant detail: %w", err)
	}
	inserted, err := on.Exec(ctx, insert, int64(g.Partition), g.ID[:], int64(g.Kind), g.ClientID, g.Subject, optional(g.SessionID),
		words(g.Scopes), words(g.Resources), stamp(g.CreatedAt), stamp(g.ExpiresAt), stamp(g.EndsAt),
		micros(g.CodeRedeemedAt), g.RefreshGeneration, micros(g.RefreshRotatedAt),
		micros(g.RevokedAt), optional(g.RevocationReason), optional(g.JWKThumbprint), optional(g.CertificateThumbprint), detail, micros(g.TokensUntil))
	if err == nil && inserted == 0 {
		err = w.notFound
	}
	return err
}
