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

// codeLetters are those of user codes: none of them is a vowel, so that they spell no
// word, and none looks like another or like a digit (RFC 8628 section 6.1).
const (
	codeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	codeLength  = 8
)

// NewUserCode returns a fresh code of 34 random bits, as it is shown to people.
func NewUserCode() string {
	code := make([]byte, 0, codeLength)
	for b := [1]byte{}; len(code) < codeLength; {
		_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
		// The numbers left over would favour some letters.
		if int(b[0]) < 256/len(codeLetters)*len(codeLetters) {
			code = append(code, codeLetters[int(b[0])%len(codeLetters)])
		}
	}
	return FormatUserCode(string(code))
}

// FormatUserCode writes a code in two groups, as people read it aloud.
func FormatUserCode(code string) string { return code[:codeLength/2] + "-" + code[codeLength/2:] }

// ParseUserCode returns the code that somebody entered: letters in either case, with
// whatever they put between them. It reports false for what can be no code.
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

// UserCodes finds the device that waits for a person to enter a code, and bounds how many
// wrong codes are looked at, for all replicas together.
type UserCodes struct {
	// Keys make what the store knows codes by: the first that of a new one, all those of
	// one that is looked for.
	Keys  [][]byte
	Store interface {
		// DeviceByCode returns ErrNotFound if none waits for any of the codes.
		DeviceByCode(ctx context.Context, codes [][]byte, now time.Time) (*Device, error)
	}
	// Guesses is nil where nothing is bounded.
	Guesses interface {
		CountGuess(ctx context.Context, key string, window time.Duration, now time.Time) (count int, since time.Time, err error)
		GuessState(ctx context.Context, key string, now time.Time) (count int, since time.Time, err error)
	}
}

// AttemptLimit is somebody of whom so many wrong codes are looked at in a window.
type AttemptLimit struct {
	Key         string
	MaxAttempts int
	Window      time.Duration
}

// everybody bounds what all together may guess. A guess finds one of ten thousand
// devices that wait once in two and a half million times.
func everybody() AttemptLimit { return AttemptLimit{"device codes", 1000, time.Minute} }

// TooManyAttemptsError reports that too many wrong codes came of late. What was entered has
// not been looked at.
type TooManyAttemptsError struct{ RetryAfter time.Duration }

// Error implements error.
func (e *TooManyAttemptsError) Error() string { return "too many wrong user codes of late" }

// Hash returns what the store knows a new code by.
func (d *UserCodes) Hash(code string) []byte {
	parsed, _ := ParseUserCode(code)
	return hashCode(d.Keys[0], parsed)
}

func hashCode(key []byte, code string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(code))
	return mac.Sum(nil)
}

// Find returns the device that waits for the code that somebody entered. It returns
// ErrNotFound for a wrong one, and a [TooManyAttemptsError] where there were too many.
//
// A guess counts against each of the guessers: the networks that it comes from.
// Right ones are not counted, since many people may be behind one address. So those
// that are looked at at once can go beyond the bound, by as many as are let in.
func (d *UserCodes) Find(ctx context.Context, entered string, by []AttemptLimit, now time.Time) (*Device, error) {
	code, ok := ParseUserCode(entered)
	if !ok {
		return nil, ErrNotFound
	}
	limits := append(slices.Clone(by), everybody())
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
	if err == nil || d.Guesses == nil {
		return found, err
	}
	for _, limit := range limits {
		if _, _, err := d.Guesses.CountGuess(ctx, limit.Key, limit.Window, now); err != nil {
			return nil, fmt.Errorf("count guess: %w", err)
		}
	}
	return nil, err
}

func (d *UserCodes) bound(ctx context.Context, limit AttemptLimit, now time.Time) error {
	if d.Guesses == nil {
		return nil
	}
	count, since, err := d.Guesses.GuessState(ctx, limit.Key, now)
	if err != nil {
		return fmt.Errorf("read guesses: %w", err)
	}
	if count >= limit.MaxAttempts {
		return &TooManyAttemptsError{RetryAfter: since.Add(limit.Window).Sub(now)}
	}
	return nil
}
