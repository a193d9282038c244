package account

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"
)

// Limit allows MaxAttempts under Key in a Window. A window begins with its first attempt;
// rejected attempts do not extend it.
type Limit struct {
	Key         string
	MaxAttempts int
	Window      time.Duration
}

// Lockout returns the limits of one failure counter, narrowest window first.
//
// An attempt that one limit rejects is not counted by the next, so the wait grows with the
// number of failures: after 10 to the end of ten minutes, after 20 to the end of the hour,
// after 30 to the end of three hours, which is the maximum. One counter allows at most 240
// attempts a day.
//
// Spec: NIST SP 800-63B-4 §3.2.2.
func Lockout(counter string) []Limit {
	return []Limit{
		{"account 10m " + counter, 10, 10 * time.Minute},
		{"account 1h " + counter, 20, time.Hour},
		{"account 3h " + counter, 30, 3 * time.Hour},
	}
}

// MailLimits returns the limits of one kind of messages to an address: three in an hour, ten in a
// day.
func MailLimits(kind, address string) []Limit {
	return []Limit{
		{"mail " + kind + " 1h " + address, 3, time.Hour},
		{"mail " + kind + " 1d " + address, 10, 24 * time.Hour},
	}
}

// Failures in a row from unknown devices and networks, whatever the time between them.
const (
	// RestAfter is the number after which the password is accepted only from known devices and
	// networks, until it is replaced or an operator unlocks the account.
	RestAfter = 100
	// FailureMemory is how long failures below that number are remembered after the last one.
	FailureMemory = 30 * 24 * time.Hour
)

// SharedCounter returns the name of the failure counter that all unknown devices and
// networks share. The username need not exist.
func SharedCounter(username string) string { return "name " + spelling(username) }

// spelling returns the spelling of a username by which attempts are counted: several spellings
// of one name are one.
func spelling(username string) string {
	if canonical, err := CanonicalUsername(username); err == nil {
		return canonical
	}
	return username // no account has it; it is counted like any other
}

// SourceCounter returns the name of the failure counter of one known device or network of
// an account, given its digest.
func SourceCounter(digest []byte) string { return "source " + hex.EncodeToString(digest) }

// The time after a sign-in during which its browser and network are known.
const (
	DeviceLifetime  = 400 * 24 * time.Hour // the longest lifetime that browsers allow for a cookie
	NetworkLifetime = 90 * 24 * time.Hour
)

// SignInSource is the device and network of a password attempt for one username. The
// digests include the username, so that unknown accounts are looked up like known ones.
type SignInSource struct {
	Device   []byte   // nil if the browser sent no device cookie
	Networks [][]byte // nested, the narrowest first
}

// NewSignInSource returns the source of an attempt for a username: device is
// the value of the device cookie, empty if there is none, networks are the nested
// address prefixes, the narrowest first.
func NewSignInSource(username, device string, networks ...string) SignInSource {
	var source SignInSource
	username = spelling(username)
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

// KnownSource has the times at which the device and the networks of a [SignInSource] were
// last recorded for the account; zero if unknown.
type KnownSource struct {
	Device   time.Time
	Networks []time.Time // of each of the source's networks
}

// Network returns the index of the narrowest known network, -1 if all are unknown.
func (k KnownSource) Network() int {
	return slices.IndexFunc(k.Networks, func(at time.Time) bool { return !at.IsZero() })
}

// RecordedSince reports whether the device and the narrowest network were recorded at t or
// later.
func (k KnownSource) RecordedSince(t time.Time) bool {
	return !k.Device.Before(t) && len(k.Networks) > 0 && !k.Networks[0].Before(t)
}
