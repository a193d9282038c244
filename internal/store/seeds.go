package store

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/ostiary/ostiary/internal/store/db"
)

// Seeds stores random values that all replicas share.
type Seeds struct{ db *db.DB }

// Seed returns the random value of a name, 32 bytes. The first caller of all replicas
// creates it; all others get the same value.
func (s *Seeds) Seed(ctx context.Context, name string) ([]byte, error) {
	const (
		plant = `INSERT INTO seeds (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`
		read  = `SELECT value FROM seeds WHERE name = $1`
	)
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never returns an error: crypto/rand ends the process instead
	if _, err := s.db.Write.Exec(ctx, plant, name, fresh); err != nil {
		return nil, fmt.Errorf("plant seed: %w", err)
	}
	var seed []byte
	if err := s.db.Write.QueryRow(ctx, read, name).Scan(&seed); err != nil {
		return nil, fmt.Errorf("read seed: %w", err)
	}
	return seed, nil
}
