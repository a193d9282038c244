package server

import (
	"context"
	"runtime"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/middleware"
)

// hashTimeout is how long a password waits for a hashing slot.
const hashTimeout = 2 * time.Second

// NewHasher returns the password hasher of a command, which may use all processors.
func NewHasher(c *config.Config) *credential.Hasher {
	return newConfiguredHasher(c, runtime.GOMAXPROCS(0))
}

// newHashers returns the hashers of a server: of users' passwords, of short client secrets,
// and of the client secrets that the admin API sets. Password hashing leaves one processor to
// other work, since a hash occupies one for a long time; clients should use keys or long
// secrets.
//
// The admin API has a separate hasher, so that a flood of the public listener does not keep
// operators from setting client secrets.
func newHashers(c *config.Config) (users, clients, operators *credential.Hasher) {
	processors := runtime.GOMAXPROCS(0)
	return newConfiguredHasher(c, max(1, processors-1)), newConfiguredHasher(c, max(1, processors/4)), newHasherWithSlots(c, 1)
}

// newConfiguredHasher returns a hasher with the configured number of slots, or with slots if
// none is configured.
func newConfiguredHasher(c *config.Config, slots int) *credential.Hasher {
	if c.Argon2Slots != 0 {
		slots = c.Argon2Slots
	}
	return newHasherWithSlots(c, slots)
}

// newHasherWithSlots returns a hasher with the configured costs and so many slots.
func newHasherWithSlots(c *config.Config, slots int) *credential.Hasher {
	return credential.NewHasher(uint32(c.Argon2MemoryMiB)<<10, uint32(c.Argon2Iterations), slots, hashTimeout) //nolint:gosec // bounded by the configuration
}

// hasherWithoutSlot hashes the short secrets of clients. The request leaves its admission slot
// while it waits in the queue of the hasher.
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
