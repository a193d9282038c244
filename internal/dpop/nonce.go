package dpop

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

const (
	// nonceLifetime is how long one nonce is sent. It is accepted in the next period too.
	nonceLifetime = time.Minute
	// nonceSkew is the difference of the clocks of replicas for which a nonce is accepted.
	nonceSkew = 2 * time.Second
	// macSize is the size of the MAC of a nonce, in bytes.
	macSize = 16
)

// Nonces makes and checks the nonces of proofs. A nonce is the number of a minute with its MAC: none
// is stored, and every replica with the same keys accepts it.
//
// Spec: RFC 9449 §8, §9.
type Nonces struct {
	keys [][]byte
	now  func() time.Time
}

// NewNonces returns nonces over keys of 32 bytes. The first makes them, and all are accepted.
func NewNonces(keys [][]byte, now func() time.Time) *Nonces { return &Nonces{keys, now} }

// Current returns the nonce of this minute.
func (n *Nonces) Current() string { return nonceOf(n.keys[0], period(n.now())) }

// isValid reports whether nonce is that of this or the previous minute, at any replica.
func (n *Nonces) isValid(nonce string) bool {
	raw, ok := octets(nonce, 8+macSize)
	if !ok {
		return false
	}
	at, now := binary.BigEndian.Uint64(raw), n.now()
	if at < period(now.Add(-nonceLifetime-nonceSkew)) || at > period(now.Add(nonceSkew)) {
		return false
	}
	for _, key := range n.keys {
		if hmac.Equal([]byte(nonceOf(key, at)), []byte(nonce)) {
			return true
		}
	}
	return false
}

// period returns the number of the period of nonces at a time.
func period(at time.Time) uint64 {
	return uint64(at.Unix() / int64(nonceLifetime/time.Second)) //nolint:gosec // no time before 1970
}

func nonceOf(key []byte, at uint64) string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 8+sha256.Size), at)
	mac := hmac.New(sha256.New, key)
	mac.Write(b)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(b)[:8+macSize])
}
