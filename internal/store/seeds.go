package store

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/ostiary/ostiary/internal/store/db"
)

// Seeds stores random values that all replicas share.
type Seeds struct{ db *db.DB }

// Seed returns the random value of that name: 32 bytes, made by whoever asks for it
// first and the same ever after, for every replica.
func (s *Seeds) Seed(ctx context.Context, name string) ([]byte, error) {
	const (
		plant = `INSERT INTO seeds (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`
		read  = `SELECT value FROM seeds WHERE name = $1`
	)
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails: crypto/rand ends the process instead
	if _, err := s.db.Write.Exec(ctx, plant, name, fresh); err != nil {
		return nil, fmt.Errorf("plant seed: %w", err)
	}
	var seed []byte
	if err := s.db.Write.QueryRow(ctx, read, name).Scan(&seed); err != nil {
		return nil, fmt.Errorf("read seed: %w", err)
	}
	return seed, nil
}
