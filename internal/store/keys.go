package store

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Keys stores the signing keys of the server.
type Keys struct {
	db          *db.DB
	replication *replication
}

// LoadKeys returns all signing keys and their common version, 0 if none was ever saved.
func (s *Keys) LoadKeys(ctx context.Context) (version int64, records []jwks.Record, err error) {
	const read = `
		SELECT v.version, k.kid, k.algorithm, k.state, k.sealed,
			k.published_at, k.activated_at, k.retired_at, k.remove_after, k.token_lifetime
		FROM key_state v LEFT JOIN signing_keys k ON v.only_row = 1
		ORDER BY k.kid`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var r jwks.Record
		err := from.Scan(&version, intoText(&r.KID), intoText(&r.Algorithm), intoText(&r.State), intoBytes(&r.Sealed),
			intoTime(&r.PublishedAt), intoTime(&r.ActivatedAt), intoTime(&r.RetiredAt), intoTime(&r.RemoveAfter), intoSpan(&r.TokenLifetime))
		if r.KID != "" {
			records = append(records, r)
		}
		return err
	}, read)
	if err != nil {
		return 0, nil, fmt.Errorf("load keys: %w", err)
	}
	return version, records, nil
}

// SaveKeys stores and removes signing keys, all or none, and increments their version.
// It returns [jwks.ErrConflict] if the stored version differs from version. It does not
// wait for other replicas: [Store.Settle] does.
func (s *Keys) SaveKeys(ctx context.Context, version int64, put []jwks.Record, remove []string) error {
	const raise = `UPDATE key_state SET version = version + 1 WHERE version = $1`
	const save = `
		INSERT INTO signing_keys (kid, algorithm, state, sealed, published_at, activated_at, retired_at, remove_after, token_lifetime)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (kid) DO UPDATE SET
			algorithm = excluded.algorithm, state = excluded.state, sealed = excluded.sealed,
			published_at = excluded.published_at, activated_at = excluded.activated_at,
			retired_at = excluded.retired_at, remove_after = excluded.remove_after,
			token_lifetime = excluded.token_lifetime`

	change, err := s.replication.commitChange(ctx, db.RequestTimeout, func(c db.Conn) (bool, error) {
		raised, err := c.Exec(ctx, raise, version)
		if err != nil {
			return false, fmt.Errorf("raise version of keys: %w", err)
		}
		if raised == 0 {
			return false, jwks.ErrConflict
		}
		for _, r := range put {
			_, err := c.Exec(ctx, save, r.KID, string(r.Algorithm), string(r.State), r.Sealed,
				micros(r.PublishedAt), micros(r.ActivatedAt), micros(r.RetiredAt), micros(r.RemoveAfter), r.TokenLifetime.Microseconds())
			if err != nil {
				return false, fmt.Errorf("save key: %w", err)
			}
		}
		for _, kid := range remove {
			if _, err := c.Exec(ctx, `DELETE FROM signing_keys WHERE kid = $1`, kid); err != nil {
				return false, fmt.Errorf("remove key: %w", err)
			}
		}
		return true, nil
	})
	raiseTo(&s.replication.pending, change)
	return err
}
