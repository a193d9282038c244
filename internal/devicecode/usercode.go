package devicecode

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"
)

// codeLetters are the letters of user codes. Without vowels they spell no word, and each
// looks different from the others and from digits.
//
// Spec: RFC 8628 §6.1.
const (
	codeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	codeLength  = 8
)

// NewUserCode returns a new user code of 34 random bits, formatted for users.
func NewUserCode() string {
	code := make([]byte, 0, codeLength)
	for b := [1]byte{}; len(code) < codeLength; {
		_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
		// Larger numbers would make some letters more likely.
		if int(b[0]) < 256/len(codeLetters)*len(codeLetters) {
			code = append(code, codeLetters[int(b[0])%len(codeLetters)])
		}
	}
	return FormatUserCode(string(code))
}

// FormatUserCode formats a code in two groups, which are easy to read aloud.
func FormatUserCode(code string) string { return code[:codeLength/2] + "-" + code[codeLength/2:] }

// ParseUserCode normalizes an entered code: letters in either case, with or without
// separators. It reports false if the text cannot be a code.
func ParseUserCode(entered string) (code string, ok bool) {
	if len(entered) > 64 {
		return "", false
	}
	code = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r == '-' || r == '\u2010' || r == '\u2011' || r == '\u2013' || r == '.' || r == '_' || r == ' ' || r == '\t' || r == '\u00a0':
			return -1
		default:
			return r
		}
	}, entered)
	return code, len(code) == codeLength && strings.Trim(code, codeLetters) == ""
}

// UserCodes finds the device of an entered user code, and limits wrong codes across all
// replicas.
type UserCodes struct {
	// Keys hash user codes. The first hashes new codes, all of them are tried in a search.
	Keys  [][]byte
	Store interface {
		// DeviceByCode returns ErrNotFound if no device waits for one of the hashed codes.
		DeviceByCode(ctx context.Context, codes [][]byte, now time.Time) (*Device, error)
	}
	// Throttle counts wrong codes; nil disables the limit.
	Throttle interface {
		CountAttempt(ctx context.Context, key string, window time.Duration, now time.Time) (count int, since time.Time, err error)
		AttemptCount(ctx context.Context, key string, now time.Time) (count int, since time.Time, err error)
	}
}

// AttemptLimit allows MaxAttempts wrong codes under Key in each Window.
type AttemptLimit struct {
	Key         string
	MaxAttempts int
	Window      time.Duration
}

// globalLimit limits the wrong codes of all users together. With ten thousand waiting
// devices, one guess in two and a half million finds a device.
func globalLimit() AttemptLimit { return AttemptLimit{"device codes", 1000, time.Minute} }

// TooManyAttemptsError reports too many recent wrong codes. The entered code was not checked.
type TooManyAttemptsError struct{ RetryAfter time.Duration }

// Error implements error.
func (e *TooManyAttemptsError) Error() string { return "too many wrong user codes" }

// Hash returns the keyed hash under which the store keeps a new code.
func (d *UserCodes) Hash(code string) []byte {
	parsed, _ := ParseUserCode(code)
	return hashCode(d.Keys[0], parsed)
}

func hashCode(key []byte, code string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(code))
	return mac.Sum(nil)
}

// Find returns the device that waits for the entered code. It returns [ErrNotFound] for a
// wrong code and a [TooManyAttemptsError] if a limit is reached.
//
// A wrong code counts against each limit in by, one per network of the client. Correct
// codes do not count, since many users may share an address. Concurrent attempts can exceed
// a limit by their number.
func (d *UserCodes) Find(ctx context.Context, entered string, by []AttemptLimit, now time.Time) (*Device, error) {
	code, ok := ParseUserCode(entered)
	if !ok {
		return nil, ErrNotFound
	}
	limits := append(slices.Clone(by), globalLimit())
	for _, limit := range limits {
		if err := d.bound(ctx, limit, now); err != nil {
			return nil, err
		}
	}
	codes := make([][]byte, len(d.Keys))
	for i, key := range d.Keys {
		codes[i] = hashCode(key, code)
	}
	found, err := d.Store.DeviceByCode(ctx, codes, now)
	if err == nil || d.Throttle == nil {
		return found, err
	}
	for _, limit := range limits {
		if _, _, err := d.Throttle.CountAttempt(ctx, limit.Key, limit.Window, now); err != nil {
			return nil, fmt.Errorf("count guess: %w", err)
		}
	}
	return nil, err
}

func (d *UserCodes) bound(ctx context.Context, limit AttemptLimit, now time.Time) error {
	if d.Throttle == nil {
		return nil
	}
	count, since, err := d.Throttle.AttemptCount(ctx, limit.Key, now)
	if err != nil {
		return fmt.Errorf("read guesses: %w", err)
	}
	if count >= limit.MaxAttempts {
		return &TooManyAttemptsError{RetryAfter: since.Add(limit.Window).Sub(now)}
	}
	return nil
}
