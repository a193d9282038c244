package jwks

import (
	"context"
	"errors"
	"time"
)

// Algorithm is a JWS signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1).
type Algorithm string

// The algorithms that this package signs with.
const (
	RS256 Algorithm = "RS256"
	PS256 Algorithm = "PS256"
	ES256 Algorithm = "ES256"
	EdDSA Algorithm = "EdDSA"
)

// allAlgorithms is also the order in which keys are published.
func allAlgorithms() []Algorithm { return []Algorithm{RS256, PS256, ES256, EdDSA} }

// State says where a key stands in its life.
type State string

// A key is published as next, signs as current, and stays published as past
// until the last token it signed has ended. Its public half then verifies ID token
// hints, unpublished, for as long as a session may last.
const (
	Next    State = "next"
	Current State = "current"
	Past    State = "past"
	Hint    State = "hint"
)

// Record is a key as the store keeps it. A zero time has not come yet.
type Record struct {
	// KID is the RFC 7638 thumbprint of the public key.
	KID       string
	Algorithm Algorithm
	State     State
	// Sealed is the private key, bound to KID and Algorithm; of a hint key the public
	// one. Records that leave the manager as information have none.
	Sealed []byte

	PublishedAt time.Time
	ActivatedAt time.Time
	RetiredAt   time.Time
	// TokenLifetime is the longest that a token signed with the key may live, by the
	// settings of all processes that signed with it.
	TokenLifetime time.Duration
	// RemoveAfter is when the last token signed with a past key has ended, or when a
	// hint key is removed.
	RemoveAfter time.Time
}

// Store is what the manager asks of the store.
type Store interface {
	// LoadKeys reads the whole key set and its version, 0 when it was never written.
	LoadKeys(ctx context.Context) (version int64, records []Record, err error)
	// SaveKeys writes all or nothing, and only when the stored version is still
	// version; otherwise it returns [ErrConflict]. It raises the stored version.
	SaveKeys(ctx context.Context, version int64, put []Record, remove []string) error
}

// Changes tells whether records that were read before may have changed.
type Changes interface {
	// Version returns the number of the last change known, and false where nothing that
	// was read before may be used.
	Version() (version int64, fresh bool)
}

// Errors that a caller must tell apart.
var (
	// ErrConflict reports that another replica changed the key set first.
	ErrConflict = errors.New("key set changed by another replica")
	// ErrUnknownKey reports a kid or an algorithm without a key.
	ErrUnknownKey = errors.New("unknown key")
	// ErrExists reports a key that is there already.
	ErrExists = errors.New("the key is there already")
	// ErrUnsuitable reports a key that cannot sign.
	ErrUnsuitable = errors.New("the key cannot sign")
	// ErrTooManyWaiting reports that so many keys wait for their turn that there is no room
	// for another.
	ErrTooManyWaiting = errors.New("too many keys wait to sign")
	// ErrBadToken reports a token that we did not sign, or not for this use.
	ErrBadToken = errors.New("bad token")
	// ErrBadSignature reports a signature that does not verify. It comes with ErrBadToken.
	ErrBadSignature = errors.New("its signature does not verify")
	// ErrStale reports that the store has been out of reach for too long to
	// know which keys are good. It is a temporary fault, never a verdict.
	ErrStale error = unavailable("keys not read from the store for too long")
	// ErrBusy reports that too much waits to be signed already.
	ErrBusy error = unavailable("too much waits to be signed")
)

// unavailable is a fault of the moment.
type unavailable string

// Error returns the text.
func (u unavailable) Error() string { return string(u) }

// Unavailable reports that trying again later may help.
func (unavailable) Unavailable() bool { return true }
