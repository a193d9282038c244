package store

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/store/db"
)

// KeySets stores the named key sets of operators.
type KeySets struct{ db *db.DB }

const setKeyColumns = `set_name, kid, public, sealed, created_at`

func setKeyInto(k *keyset.Key) []any {
	return []any{&k.Set, &k.KID, intoRaw(&k.Public), intoBytes(&k.Sealed), intoTime(&k.CreatedAt)}
}

// KeySet returns the keys of a set, the newest first; none for an unknown set.
func (s *KeySets) KeySet(ctx context.Context, set string) ([]*keyset.Key, error) {
	const read = `SELECT ` + setKeyColumns + ` FROM set_keys WHERE set_name = $1 ORDER BY created_at DESC, kid`
	return s.readKeys(ctx, read, set)
}

// Key returns a key of a set, or [keyset.ErrNotFound].
func (s *KeySets) Key(ctx context.Context, set, kid string) (*keyset.Key, error) {
	const read = `SELECT ` + setKeyColumns + ` FROM set_keys WHERE set_name = $1 AND kid = $2`

	found, err := s.readKeys(ctx, read, set, kid)
	if err == nil && len(found) == 0 {
		err = keyset.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// ListKeys returns up to limit keys of all sets in the order of set and kid,
// starting after the given key.
func (s *KeySets) ListKeys(ctx context.Context, set, kid string, limit int) ([]*keyset.Key, error) {
	const read = `
		SELECT ` + setKeyColumns + ` FROM set_keys
		WHERE set_name > $1 OR set_name = $1 AND kid > $2
		ORDER BY set_name, kid LIMIT $3`
	return s.readKeys(ctx, read, set, kid, limit)
}

func (s *KeySets) readKeys(ctx context.Context, read string, args ...any) (list []*keyset.Key, err error) {
	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		k := &keyset.Key{}
		list = append(list, k)
		return from.Scan(setKeyInto(k)...)
	}, read, args...)
	if err != nil {
		return nil, fmt.Errorf("read keys of sets: %w", err)
	}
	return list, nil
}

// InsertKey adds a key to its set, and creates the set if it does not exist. It
// returns [keyset.ErrExists] if the set has a key with the kid, and [keyset.ErrFull] if
// the set is full.
func (s *KeySets) InsertKey(ctx context.Context, k *keyset.Key) error {
	const insert = `INSERT INTO set_keys (` + setKeyColumns + `) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`

	return s.db.Tx(ctx, func(c db.Conn) error {
		added, err := putSetKey(ctx, c, insert, k)
		if err == nil && added == 0 {
			err = keyset.ErrExists
		}
		if err != nil {
			return err
		}
		return checkSetSize(ctx, c, k.Set)
	})
}

// replaceSetKey keeps the creation time of a key.
const replaceSetKey = `
	INSERT INTO set_keys (` + setKeyColumns + `) VALUES ($1, $2, $3, $4, $5)
	ON CONFLICT (set_name, kid) DO UPDATE SET public = excluded.public, sealed = excluded.sealed`

// PutKeys adds keys to their sets or replaces the keys with the same kid, all or
// none. It returns [keyset.ErrFull] if a set is full.
func (s *KeySets) PutKeys(ctx context.Context, keys ...*keyset.Key) error {
	return s.db.Tx(ctx, func(c db.Conn) error {
		for _, k := range keys {
			if _, err := putSetKey(ctx, c, replaceSetKey, k); err != nil {
				return err
			}
			if err := checkSetSize(ctx, c, k.Set); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReplaceKeySet replaces all keys of a set.
func (s *KeySets) ReplaceKeySet(ctx context.Context, set string, keys []*keyset.Key) error {
	return s.db.Tx(ctx, func(c db.Conn) error {
		if _, err := c.Exec(ctx, `DELETE FROM set_keys WHERE set_name = $1`, set); err != nil {
			return fmt.Errorf("empty key set: %w", err)
		}
		for _, k := range keys {
			if _, err := putSetKey(ctx, c, replaceSetKey, k); err != nil {
				return err
			}
		}
		return checkSetSize(ctx, c, set)
	})
}

func putSetKey(ctx context.Context, on db.Conn, put string, k *keyset.Key) (int64, error) {
	put64, err := on.Exec(ctx, put, k.Set, k.KID, string(k.Public), k.Sealed, stamp(k.CreatedAt))
	if err != nil {
		return 0, fmt.Errorf("put key into set: %w", err)
	}
	return put64, nil
}

func checkSetSize(ctx context.Context, on db.Conn, set string) error {
	var keys int64
	if err := on.QueryRow(ctx, `SELECT count(*) FROM set_keys WHERE set_name = $1`, set).Scan(&keys); err != nil {
		return fmt.Errorf("count keys of set: %w", err)
	}
	if keys > keyset.MaxKeys {
		return keyset.ErrFull
	}
	return nil
}

// ImportKeys adds keys to their sets, all or none. It skips a key if its set has one
// with the same kid. It returns the number of added keys.
func (s *KeySets) ImportKeys(ctx context.Context, keys []*keyset.Key) (created int, err error) {
	const insert = `INSERT INTO set_keys (` + setKeyColumns + `) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`

	err = s.db.TxWithin(ctx, db.ImportTimeout, func(c db.Conn) error {
		created = 0
		for _, k := range keys {
			added, err := putSetKey(ctx, c, insert, k)
			if err == nil && added > 0 {
				err = checkSetSize(ctx, c, k.Set)
			}
			if err != nil {
				return fmt.Errorf("key %s of set %s: %w", k.KID, k.Set, err)
			}
			created += int(added)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("import keys of sets: %w", err)
	}
	return created, nil
}

// ResealKey replaces the sealed private part of a key. It returns
// [keyset.ErrNotFound] if the stored one is no longer k.Sealed.
func (s *KeySets) ResealKey(ctx context.Context, k *keyset.Key, sealed []byte) error {
	const reseal = `UPDATE set_keys SET sealed = $4 WHERE set_name = $1 AND kid = $2 AND sealed = $3`
	return s.changeKeys(ctx, reseal, k.Set, k.KID, k.Sealed, sealed)
}

// DeleteKey deletes a key of a set, or returns [keyset.ErrNotFound].
func (s *KeySets) DeleteKey(ctx context.Context, set, kid string) error {
	return s.changeKeys(ctx, `DELETE FROM set_keys WHERE set_name = $1 AND kid = $2`, set, kid)
}

// DeleteKeySet deletes all keys of a set, or returns [keyset.ErrNotFound] for an
// unknown set.
func (s *KeySets) DeleteKeySet(ctx context.Context, set string) error {
	return s.changeKeys(ctx, `DELETE FROM set_keys WHERE set_name = $1`, set)
}

func (s *KeySets) changeKeys(ctx context.Context, change string, args ...any) error {
	changed, err := s.db.Write.Exec(ctx, change, args...)
	if err != nil {
		return fmt.Errorf("change keys of set: %w", err)
	}
	if changed == 0 {
		return keyset.ErrNotFound
	}
	return nil
}
