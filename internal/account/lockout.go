package account

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// Limit allows Most password attempts under Key until Window has passed. A window
// begins with its first attempt; rejected attempts do not extend it.
type Limit struct {
	Key         string
	MaxAttempts int
	Window      time.Duration
}

// Lockout returns the limits of one failure counter, narrowest window first.
//
// An attempt that one limit rejects is not counted by the next, so the wait grows
// with persistence: after 10 failures to the end of ten minutes, after 20 to the end
// of the hour, after 30 to the end of three hours. It grows no further: one counter
// takes at most 240 guesses a day.
//
// Spec: NIST SP 800-63B-4 §3.2.2.
func Lockout(counter string) []Limit {
	return []Limit{
		{"account 10m " + counter, 10, 10 * time.Minute},
		{"account 1h " + counter, 20, time.Hour},
		{"account 3h " + counter, 30, 3 * time.Hour},
	}
}

// SharedCounter names the failure counter of all unknown devices and networks
// together. The username may be one that no account has.
func SharedCounter(username string) string { return "name " + username }

// SourceCounter names the failure counter of one known device or network of an
// account, given its digest.
func SourceCounter(digest []byte) string { return "source " + hex.EncodeToString(digest) }

// How long a browser or a network stays known after the last sign-in from it.
const (
	DeviceLifetime  = 400 * 24 * time.Hour // no browser keeps a cookie for longer
	NetworkLifetime = 90 * 24 * time.Hour
)

// SignInSource identifies where a password attempt for one username comes from. The
// digests cover the username, so an unknown account is looked up exactly like a known
// one.
type SignInSource struct {
	Device   []byte   // nil if the browser sent no device cookie
	Networks [][]byte // nested, the narrowest first
}

// NewSignInSource returns the source of an attempt for a canonical username: device is
// the value of the device cookie, empty if there is none, networks are the nested
// address prefixes, the narrowest first.
func NewSignInSource(username, device string, networks ...string) SignInSource {
	var source SignInSource
	for _, network := range networks {
		source.Networks = append(source.Networks, sourceDigest("network", username, network))
	}
	if device != "" {
		source.Device = sourceDigest("device", username, device)
	}
	return source
}

// sourceDigest joins the parts with NUL, which neither usernames, cookies nor networks
// contain.
func sourceDigest(kind, username, value string) []byte {
	sum := sha256.Sum256([]byte(kind + "\x00" + username + "\x00" + value))
	return sum[:]
}

// KnownSource tells which parts of a [SignInSource] have signed in to the account
// before, by the time of the last note: zero if unknown.
type KnownSource struct {
	Device   time.Time
	Networks []time.Time // of each of the source's networks
}

// Network returns the index of the narrowest known network, and -1 if none is known.
func (k KnownSource) Network() int {
	return slices.IndexFunc(k.Networks, func(at time.Time) bool { return !at.IsZero() })
}

// RecordedSince reports whether the device and the narrowest network were noted at t or
// later.
func (k KnownSource) RecordedSince(t time.Time) bool {
	return !k.Device.Before(t) && len(k.Networks) > 0 && !k.Networks[0].Before(t)
}
