package credential

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// Hasher hashes passwords with argon2id and verifies them. A hash costs time and memory on
// purpose, so that a hasher computes only a few at a time; it queues twice as many.
//
// Spec: RFC 9106.
type Hasher struct {
	memory, passes uint32
	slots          chan struct{} // held by a computation
	admitted       chan struct{} // held by a caller that computes or waits
	maxWait        time.Duration
	decoy          string // a hash of the configured recipe that no password matches
	configured     recipe
	added          recipes
}

// NewHasher returns a hasher whose hashes take memory KiB and the given number of passes.
// It computes slots hashes at once, lets twice as many callers wait, and none of them
// longer than maxWait.
func NewHasher(memory, passes uint32, slots int, maxWait time.Duration) *Hasher {
	h := &Hasher{
		memory: memory, passes: passes, maxWait: maxWait,
		slots:    make(chan struct{}, slots),
		admitted: make(chan struct{}, 3*slots),
	}
	h.decoy = h.encode(make([]byte, 16), make([]byte, 32))
	h.configured, _ = recipeOf(h.decoy)
	return h
}

// Slots returns how many hashes are computed at once.
func (h *Hasher) Slots() int { return cap(h.slots) }

// Capacity returns how many callers the hasher admits: those that compute and those that wait.
func (h *Hasher) Capacity() int { return cap(h.admitted) }

// Hash returns the PHC string of password. It returns [ErrBusy] if the queue is full.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return h.newHash(password), nil
}

// Verify reports whether hash is a hash of password, made here or by a server whose hashes
// [CheckLegacyHash] accepts. An empty hash means that there is no account: it takes the
// same time and does not match. It returns [ErrBusy] if nothing was checked.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (bool, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	absent := hash == ""
	if absent {
		hash = h.decoy
	}
	if legacy, err := parseLegacyHash(hash); err == nil {
		return legacy.matches(password)
	}
	p, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	return h.matchesPHC(p, password) && !absent, nil
}

// enter waits for a slot. The caller calls leave when it has computed its hash.
func (h *Hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.admitted <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	timer := time.NewTimer(h.maxWait)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots; <-h.admitted }, nil
	case <-timer.C:
		<-h.admitted
		return nil, ErrBusy
	case <-ctx.Done():
		<-h.admitted
		return nil, fmt.Errorf("wait to hash: %w", ctx.Err())
	}
}

// newHash hashes a password under the configured recipe and a random salt.
func (h *Hasher) newHash(password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the process instead
	return h.encode(salt, h.key(password, salt, h.memory, h.passes, 1, 32))
}

func (h *Hasher) matchesPHC(p phc, password string) bool {
	got := h.key(password, p.salt, p.memory, p.passes, p.lanes, uint32(len(p.key))) //nolint:gosec // parsePHC bounds it
	return subtle.ConstantTimeCompare(got, p.key) == 1
}

func (h *Hasher) key(password string, salt []byte, memory, passes uint32, lanes uint8, size uint32) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, passes, memory, lanes, size)
}

func (h *Hasher) encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, h.memory, h.passes, b64(salt), b64(key))
}
