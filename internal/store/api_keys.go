package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/store/db"
)

// APIKeys stores the API keys of the administrators' API.
type APIKeys struct {
	db          *db.DB
	replication *replication
}

const keyColumns = `id, name, hash, scopes, created_at, expires_at`

func keyInto(k *apikey.Key) []any {
	return []any{&k.ID, &k.Name, intoBytes(&k.Hash), intoWords(&k.Scopes), intoTime(&k.CreatedAt), intoTime(&k.ExpiresAt)}
}

// InsertAPIKey adds a key.
func (s *APIKeys) InsertAPIKey(ctx context.Context, k *apikey.Key) error {
	const insert = `INSERT INTO api_keys (` + keyColumns + `) VALUES ($1, $2, $3, $4, $5, $6)`

	_, err := s.db.Write.Exec(ctx, insert, k.ID, k.Name, k.Hash, words(k.Scopes), stamp(k.CreatedAt), micros(k.ExpiresAt))
	if err != nil {
		return fmt.Errorf("insert API key: %w", err)
	}
	return nil
}

// APIKey returns the key with an ID, even an expired one, or [apikey.ErrNotFound].
func (s *APIKeys) APIKey(ctx context.Context, id string) (*apikey.Key, error) {
	const read = `SELECT ` + keyColumns + ` FROM api_keys WHERE id = $1`

	k := &apikey.Key{}
	err := s.db.Read.QueryRow(ctx, read, id).Scan(keyInto(k)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, apikey.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read API key: %w", err)
	}
	return k, nil
}

// ListAPIKeys returns up to limit keys in the order of IDs, starting after the ID
// after.
func (s *APIKeys) ListAPIKeys(ctx context.Context, after string, limit int) (list []*apikey.Key, err error) {
	const read = `SELECT ` + keyColumns + ` FROM api_keys WHERE id > $1 ORDER BY id LIMIT $2`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		k := &apikey.Key{}
		list = append(list, k)
		return from.Scan(keyInto(k)...)
	}, read, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list API keys: %w", err)
	}
	return list, nil
}

// DeleteAPIKey removes a key, or returns [apikey.ErrNotFound].
func (s *APIKeys) DeleteAPIKey(ctx context.Context, id string) error {
	return s.replication.change(ctx, func(c db.Conn) error {
		removed, err := c.Exec(ctx, `DELETE FROM api_keys WHERE id = $1`, id)
		if err != nil {
			return fmt.Errorf("delete API key: %w", err)
		}
		if removed == 0 {
			return apikey.ErrNotFound
		}
		return nil
	})
}
