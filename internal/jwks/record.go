package jwks

import (
	"context"
	"errors"
	"time"

	"github.com/ostiary/ostiary/internal/unavailable"
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

// allAlgorithms returns the supported algorithms in the order of the published key set.
func allAlgorithms() []Algorithm { return []Algorithm{RS256, PS256, ES256, EdDSA} }

// State is the state in the lifecycle of a key.
type State string

// A next key is published, a current key signs, and a past key remains published until
// the last token that it signed expires. A hint key is an unpublished public key that
// verifies ID token hints until the longest session has ended.
const (
	Next    State = "next"
	Current State = "current"
	Past    State = "past"
	Hint    State = "hint"
)

// Record is a stored key. Times that are not reached yet are zero.
type Record struct {
	// KID is the RFC 7638 thumbprint of the public key.
	KID       string
	Algorithm Algorithm
	State     State
	// Sealed is the sealed private key, or the public key of a hint or foreign key, bound to
	// KID and Algorithm. The manager returns records without it.
	Sealed []byte

	PublishedAt time.Time
	ActivatedAt time.Time
	RetiredAt   time.Time
	// TokenLifetime is the longest token lifetime in the configurations of all processes
	// that signed with the key.
	TokenLifetime time.Duration
	// RemoveAfter is the time at which the last token of a past key has expired, or at
	// which a hint key is removed.
	RemoveAfter time.Time
}

// Store loads and saves the key set.
type Store interface {
	// LoadKeys returns the key set and its version, which is 0 before the first save.
	LoadKeys(ctx context.Context) (version int64, records []Record, err error)
	// SaveKeys atomically puts and removes keys and increments the stored version. It
	// returns [ErrConflict] if the stored version is not version.
	SaveKeys(ctx context.Context, version int64, put []Record, remove []string) error
}

// Changes reports changes of the store by any replica.
type Changes interface {
	// Version returns the number of the last known change. It reports false if data that
	// was read earlier may be outdated.
	Version() (version int64, fresh bool)
}

// Errors of the manager.
var (
	// ErrConflict reports that another replica changed the key set first.
	ErrConflict = errors.New("key set changed by another replica")
	// ErrUnknownKey reports a kid or an algorithm without a key.
	ErrUnknownKey = errors.New("unknown key")
	// ErrExists reports a key that is already in the key set.
	ErrExists = errors.New("the key already exists")
	// ErrUnsuitable reports a key that cannot sign.
	ErrUnsuitable = errors.New("the key cannot sign")
	// ErrTooManyWaiting reports too many pending rotations.
	ErrTooManyWaiting = errors.New("too many rotations are pending")
	// ErrBadToken reports a token that this server did not sign, or not for this use.
	ErrBadToken = errors.New("invalid token")
	// ErrBadSignature reports an invalid signature. It is joined with ErrBadToken.
	ErrBadSignature = errors.New("invalid signature")
	// ErrStale reports that the store has been unavailable for too long to decide which
	// keys are valid. It is temporary and does not mean that a token is invalid.
	ErrStale = unavailable.New("keys not read from the store for too long")
	// ErrBusy reports that too many signatures wait already.
	ErrBusy = unavailable.New("too many signatures are waiting")
)
