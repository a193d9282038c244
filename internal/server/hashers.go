package server

import (
	"context"
	"runtime"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/middleware"
)

// hashPatience is how long a password waits to be hashed.
const hashTimeout = 2 * time.Second

// NewHasher returns what hashes passwords for a command, which has the machine to
// itself.
func NewHasher(c *config.Config) *credential.Hasher {
	return newConfiguredHasher(c, runtime.GOMAXPROCS(0))
}

// newHashers returns what hashes people's passwords in a server, and what hashes the
// short secrets of clients. People leave a processor to everything else, since a hash
// holds the one it has for a long time; clients are to have keys or long secrets.
//
// The administrators' API has one of its own, so that no flood of the public listener
// keeps operators from giving clients such secrets.
func newHashers(c *config.Config) (people, clients, operators *credential.Hasher) {
	processors := runtime.GOMAXPROCS(0)
	return newConfiguredHasher(c, max(1, processors-1)), newConfiguredHasher(c, max(1, processors/4)), newHasherWithSlots(c, 1)
}

// hasherOf returns what hashes as much at once as is configured, else slots.
func newConfiguredHasher(c *config.Config, slots int) *credential.Hasher {
	if c.Argon2Slots != 0 {
		slots = c.Argon2Slots
	}
	return newHasherWithSlots(c, slots)
}

// newHasherOf returns what hashes so much at once.
func newHasherWithSlots(c *config.Config, slots int) *credential.Hasher {
	return credential.NewHasher(uint32(c.Argon2MemoryMiB)<<10, uint32(c.Argon2Iterations), slots, hashTimeout) //nolint:gosec // bounded by the configuration
}

// asideHasher hashes the short secrets of clients, which has a queue of its own: who is
// in that one keeps no place in another.
type hasherWithoutSlot struct{ *credential.Hasher }

// Hash is [credential.Hasher.Hash].
func (h hasherWithoutSlot) Hash(ctx context.Context, password string) (hash string, err error) {
	middleware.WithoutSlot(ctx, func() { hash, err = h.Hasher.Hash(ctx, password) })
	return hash, err
}

// Verify is [credential.Hasher.Verify].
func (h hasherWithoutSlot) Verify(ctx context.Context, hash, password string) (ok bool, err error) {
	middleware.WithoutSlot(ctx, func() { ok, err = h.Hasher.Verify(ctx, hash, password) })
	return ok, err
}
