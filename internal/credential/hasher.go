package credential

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/ostiary/ostiary/internal/admission"
)

// Hasher hashes passwords with argon2id and verifies them. A hash costs time and memory on
// purpose, so that a hasher computes only a few at a time; it queues twice as many.
//
// Spec: RFC 9106.
type Hasher struct {
	memory, passes uint32
	queue          *admission.Queue
	decoy          string // a hash of the configured recipe that no password matches
	configured     recipe
	added          recipes
}

// NewHasher returns a hasher whose hashes take memory KiB and the given number of passes.
// It computes slots hashes concurrently and lets twice as many callers wait, each for at most
// maxWait.
func NewHasher(memory, passes uint32, slots int, maxWait time.Duration) *Hasher {
	h := &Hasher{
		memory: memory, passes: passes,
		queue: admission.New(slots, 2*slots, maxWait),
	}
	h.decoy = h.encode(make([]byte, 16), make([]byte, 32))
	h.configured, _ = recipeOf(h.decoy)
	return h
}

// Slots returns the number of hashes that are computed concurrently.
func (h *Hasher) Slots() int { return h.queue.Slots() }

// Capacity returns the number of callers that the hasher admits, computing and waiting.
func (h *Hasher) Capacity() int { return h.queue.Capacity() }

// Hash returns the PHC string of password. It returns [ErrBusy] if the queue is full.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	slot, err := h.acquire(ctx)
	if err != nil {
		return "", err
	}
	defer slot.Release()
	return h.newHash(password), nil
}

// Verify reports whether hash is a hash of password, made here or by a server whose hashes
// [CheckImportedHash] accepts. An empty hash means that there is no account: it takes the
// same time and does not match. It returns [ErrBusy] if nothing was checked.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	slot, err := h.acquire(ctx)
	if err != nil {
		return false, err
	}
	defer slot.Release()
	absent := hash == ""
	if absent {
		hash = h.decoy
	}
	if legacy, err := parseForeignHash(hash); err == nil {
		return legacy.matches(password)
	}
	p, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	return h.matchesPHC(p, password) && !absent, nil
}

// Run calls work, which takes about as long as a hash, in a slot of the hasher. It returns
// [ErrBusy] if the queue is full.
func (h *Hasher) Run(ctx context.Context, work func()) error {
	slot, err := h.acquire(ctx)
	if err != nil {
		return err
	}
	defer slot.Release()
	work()
	return nil
}

// acquire waits for a slot. It returns [ErrBusy] if the queue is full or the wait too long.
func (h *Hasher) acquire(ctx context.Context) (admission.Slot, error) {
	slot, err := h.queue.Acquire(ctx)
	if errors.Is(err, admission.ErrBusy) {
		return slot, ErrBusy
	}
	if err != nil {
		return slot, fmt.Errorf("wait to hash: %w", ctx.Err())
	}
	return slot, nil
}

// newHash hashes a password under the configured recipe and a random salt.
func (h *Hasher) newHash(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the process instead
	return h.encode(salt, h.key(password, salt, h.memory, h.passes, 1, 32))
}

func (h *Hasher) matchesPHC(p phc, password string) bool {
	size := uint32(len(p.key)) //nolint:gosec // parsePHC bounds it
	if p.dataIndependent {
		key := argon2.Key([]byte(password), p.salt, p.passes, p.memory, p.parallelism, size)
		return subtle.ConstantTimeCompare(key, p.key) == 1
	}
	got := h.key(password, p.salt, p.memory, p.passes, p.parallelism, size)
	return subtle.ConstantTimeCompare(got, p.key) == 1
}

func (h *Hasher) key(password string, salt []byte, memory, passes uint32, parallelism uint8, size uint32) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, passes, memory, parallelism, size)
}

func (h *Hasher) encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, h.memory, h.passes, b64(salt), b64(key))
}
