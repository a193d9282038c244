package store

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/store/db"
)

// ListSealed returns up to limit sealed values in the order of subject and ID, after those
// of the value after.
func (s *SecondFactors) ListSealed(ctx context.Context, after secondfactor.Sealed, limit int) (list []secondfactor.Sealed, err error) {
	const read = `
		SELECT subject, id, secret AS value FROM authenticators WHERE (subject, id) > ($1, $2)
		UNION ALL
		SELECT subject, '', hash_key FROM recovery_code_sets WHERE subject > $1
		ORDER BY subject, id LIMIT $3`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		var one secondfactor.Sealed
		err := from.Scan(&one.Subject, &one.ID, intoBytes(&one.Value))
		list = append(list, one)
		return err
	}, read, after.Subject, after.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("list sealed second factors: %w", err)
	}
	return list, nil
}

// ReplaceSealed replaces the value of old unless it has changed.
func (s *SecondFactors) ReplaceSealed(ctx context.Context, old secondfactor.Sealed, value []byte) error {
	const (
		secret = `UPDATE authenticators SET secret = $1 WHERE subject = $2 AND secret = $3 AND id = $4`
		key    = `UPDATE recovery_code_sets SET hash_key = $1 WHERE subject = $2 AND hash_key = $3`
	)
	var err error
	if old.ID == "" {
		_, err = s.db.LongWrite.Exec(ctx, key, value, old.Subject, old.Value)
	} else {
		_, err = s.db.LongWrite.Exec(ctx, secret, value, old.Subject, old.Value, old.ID)
	}
	if err != nil {
		return fmt.Errorf("reseal second factor: %w", err)
	}
	return nil
}
