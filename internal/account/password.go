package account

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

const (
	// MinPassword is the least number of characters of a chosen password.
	MinPassword = 8
	// MaxPassword is the greatest number of bytes of a password. Nothing is cut off.
	MaxPassword = 1024
)

var (
	// ErrBadPassword reports a password that may not be chosen.
	ErrBadPassword = fmt.Errorf("a password has at least %d characters and at most %d bytes", MinPassword, MaxPassword)
	// ErrBusy reports that too many passwords are being checked already.
	ErrBusy error = unavailable("too many passwords are being checked")
	// ErrBadHash reports a stored hash that is not understood.
	ErrBadHash = errors.New("password hash not understood")
)

// unavailable is a fault of the moment, and never a verdict on a password.
type unavailable string

// Error returns the text.
func (u unavailable) Error() string { return string(u) }

// Unavailable reports that trying again later may help.
func (unavailable) Unavailable() bool { return true }

// CheckPassword reports whether password may be chosen (NIST SP 800-63B section
// 3.1.1.2: a length, no rules about its characters).
func CheckPassword(password string) error {
	if !utf8.ValidString(password) || utf8.RuneCountInString(password) < MinPassword || len(password) > MaxPassword {
		return ErrBadPassword
	}
	return nil
}

// Hasher hashes what people chose, with argon2id (RFC 9106). Hashing is slow and
// takes memory on purpose, so only a few run at a time.
type Hasher struct {
	memory, passes uint32
	slots          chan struct{}
	waiting        chan struct{}
	patience       time.Duration
	decoy          string
	own            recipe // the configured one
	learned        recipes
}

// NewHasher returns a hasher that takes memory KiB and the given passes for each
// hash, runs slots of them at once, lets twice as many wait, and none of them
// longer than patience.
func NewHasher(memory, passes uint32, slots int, patience time.Duration) *Hasher {
	h := &Hasher{
		memory: memory, passes: passes, patience: patience,
		slots:   make(chan struct{}, slots),
		waiting: make(chan struct{}, 3*slots),
	}
	h.decoy = h.encode(make([]byte, 16), make([]byte, 32))
	h.own, _ = recipeOf(h.decoy)
	return h
}

// Slots is how many are hashed at once.
func (h *Hasher) Slots() int { return cap(h.slots) }

// Capacity is how many can be here at once: those that are hashed, and those that wait.
func (h *Hasher) Capacity() int { return cap(h.waiting) }

// Hash returns the PHC string of password.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return h.fresh(password), nil
}

// Verify reports whether password is the one that was hashed, here or by a server
// whose hashes [CheckLegacyHash] takes. An empty hash stands for an account that is not there: it takes the same time and answers
// false. ErrBusy means that nothing was checked.
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
	if other, err := parseForeign(hash); err == nil {
		return other.fits(password)
	}
	p, err := parsePHC(hash)
	if err != nil {
		return false, err
	}
	got := h.key(password, p.salt, p.memory, p.passes, p.lanes, uint32(len(p.key))) //nolint:gosec // parsePHC bounds it
	return subtle.ConstantTimeCompare(got, p.key) == 1 && !absent, nil
}

func (h *Hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.waiting <- struct{}{}:
	default:
		return nil, ErrBusy
	}
	timer := time.NewTimer(h.patience)
	defer timer.Stop()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots; <-h.waiting }, nil
	case <-timer.C:
		<-h.waiting
		return nil, ErrBusy
	case <-ctx.Done():
		<-h.waiting
		return nil, fmt.Errorf("wait to hash: %w", ctx.Err())
	}
}

func (h *Hasher) key(password string, salt []byte, memory, passes uint32, lanes uint8, size uint32) []byte {
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, passes, memory, lanes, size)
}

func (h *Hasher) encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, h.memory, h.passes, b64(salt), b64(key))
}

type phc struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

// CheckHash returns [ErrBadHash] for what [Hasher.Verify] would not understand. It
// costs no hash. The bounds are those of imported hashes: an operator who imports one
// waits for it at every sign-in.
func CheckHash(hash string) error {
	p, err := parsePHC(hash)
	if err == nil && (p.memory > 1<<20 || p.passes > 16) {
		return ErrBadHash
	}
	return err
}

// parsePHC reads an argon2id string whose costs are within those that the configuration
// allows.
func parsePHC(s string) (phc, error) {
	var p phc
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v=19" || strings.ContainsAny(s, "\r\n") {
		return phc{}, ErrBadHash // base64 would pass over the ends of lines
	}
	const costs = "m=%d,t=%d,p=%d"
	_, err := fmt.Sscanf(parts[3], costs, &p.memory, &p.passes, &p.lanes)
	if err != nil || parts[3] != fmt.Sprintf(costs, p.memory, p.passes, p.lanes) {
		return phc{}, ErrBadHash
	}
	if p.memory < 8 || p.memory > 4<<20 || p.passes < 1 || p.passes > 100 || p.lanes < 1 || p.lanes > 16 {
		return phc{}, ErrBadHash
	}
	if p.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(p.salt) < 8 || len(p.salt) > 64 {
		return phc{}, ErrBadHash
	}
	if p.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(p.key) < 16 || len(p.key) > 64 {
		return phc{}, ErrBadHash
	}
	return p, nil
}
