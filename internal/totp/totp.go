// Package totp computes and checks time-based one-time passwords, and formats the secrets
// that users enter into authenticator apps.
//
// Spec: RFC 6238, RFC 4226.
package totp

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HMAC-SHA-1, which all authenticator apps support
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode"
)

const (
	digits = 6
	period = 30 // seconds
	window = 1  // steps before and after the current one that are accepted
)

// SecretSize is the size of secrets in bytes: the output size of SHA-1 (RFC 4226 §4).
const SecretSize = sha1.Size

// Step returns the time step of t: the number of periods of 30 s since the Unix epoch.
func Step(t time.Time) int64 { return t.Unix() / period }

// Code returns the code of 6 digits for a time step.
//
// Spec: RFC 4226 §5.3, RFC 6238 §4.2.
func Code(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash returns no error
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	value := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", digits, value%1_000_000)
}

// Match returns the time step that an entered code belongs to: the current one at t, the
// one before or the one after. It reports false if the code belongs to none of them. Spaces
// in the code are ignored. The caller accepts each step at most once.
//
// Spec: RFC 6238 §5.2.
func Match(secret []byte, entered string, t time.Time) (step int64, ok bool) {
	code := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, entered)
	now := Step(t)
	for s := now - window; s <= now+window; s++ {
		if subtle.ConstantTimeCompare([]byte(Code(secret, s)), []byte(code)) == 1 {
			step, ok = s, true
		}
	}
	return step, ok
}

// Text returns a secret in base32 without padding, as users enter it.
func Text(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// GroupedText returns a secret like [Text], in groups of four letters.
func GroupedText(secret []byte) string {
	text := Text(secret)
	var groups []string
	for ; len(text) > 4; text = text[4:] {
		groups = append(groups, text[:4])
	}
	return strings.Join(append(groups, text), " ")
}

// URI returns the otpauth URI of a secret, which authenticator apps read from a QR code.
// Issuer and username name the entry in the app; colons in them become spaces, since a
// colon separates the two.
func URI(secret []byte, issuer, username string) string {
	plain := func(s string) string {
		return strings.Join(strings.Fields(strings.ReplaceAll(s, ":", " ")), " ")
	}
	issuer, username = plain(issuer), plain(username)
	// Some apps show a plus sign as such, so a space is always %20.
	escaped := url.PathEscape(issuer)
	query := strings.NewReplacer("+", "%2B", "&", "%26", "=", "%3D").Replace(escaped)
	return fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%d",
		escaped, url.PathEscape(username), Text(secret), query, digits, period)
}
