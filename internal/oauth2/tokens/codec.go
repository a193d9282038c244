// Package tokens makes and reads what Ostiary hands to clients: authorization
// codes and refresh tokens, which are computed from a grant, and opaque access
// tokens, which are sealed.
//
// Nothing here is stored. A code or refresh token names its grant and carries two
// MACs: the first under the system secret alone, so that garbage is refused
// without a query; the second under a key that also needs the random seed of the
// grant's row, so that neither the secret nor the database alone makes a token.
// A token has exactly one spelling, and no kind passes for another.
package tokens

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/ostiary/ostiary/internal/grant"
)

// ErrMalformed reports a token that Ostiary did not make.
var ErrMalformed = errors.New("token not recognised")

// Kind is a kind of computed token.
type Kind string

// The kinds of computed tokens. Their texts are the prefixes of the tokens and
// the labels of their MACs.
const (
	Code    Kind = "ost_ac_"
	Refresh Kind = "ost_rt_"
	Device  Kind = "ost_dc_"
)

// Handle is what a computed token says.
type Handle struct {
	Ref        grant.Locator
	Generation uint32 // 0 in a code, a device's too
	second     [secondSize]byte
	tag        byte
}

// Key is one system secret's key for tokens, with the tag that names the secret.
type Key struct {
	Tag    byte
	Secret []byte
}

// Codec makes and reads computed tokens. The first key makes, all read.
type Codec struct {
	keys []Key
}

// NewCodec returns a codec over keys, of which there is at least one.
func NewCodec(keys []Key) *Codec { return &Codec{keys: keys} }

const (
	version    = 1
	headSize   = 1 + 1 + 4 + 16 + 4 // version, tag, bucket, id, generation
	firstSize  = 16
	secondSize = 32
	tokenSize  = headSize + firstSize + secondSize
)

// Make returns the token of a grant's generation. The seed is the grant's.
func (c *Codec) Make(kind Kind, ref grant.Locator, generation uint32, seed []byte) string {
	key := c.keys[0]
	buf := make([]byte, 0, tokenSize)
	buf = append(buf, version, key.Tag)
	buf = binary.BigEndian.AppendUint32(buf, uint32(ref.Partition))
	buf = append(buf, ref.ID[:]...)
	buf = binary.BigEndian.AppendUint32(buf, generation)
	first := mac(key.Secret, kind, buf)
	second := secondMAC(key.Secret, kind, buf, seed)
	buf = append(buf, first[:firstSize]...)
	buf = append(buf, second[:]...)
	return string(kind) + base64.RawURLEncoding.EncodeToString(buf)
}

// Parse reads a token that somebody presents. It has been made by one of our
// secrets if no error returns; whether it belongs to the grant it names, only
// [Codec.Belongs] can tell.
func (c *Codec) Parse(kind Kind, token string) (Handle, error) {
	encoded, ok := strings.CutPrefix(token, string(kind))
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return Handle{}, ErrMalformed
	}
	buf, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	// The decoder skips line ends: only what it would write itself is a token.
	if err != nil || len(buf) != tokenSize || buf[0] != version || strings.ContainsAny(encoded, "\r\n") {
		return Handle{}, ErrMalformed
	}
	head := buf[:headSize]
	for _, key := range c.keys {
		if key.Tag != buf[1] {
			continue
		}
		first := mac(key.Secret, kind, head)
		if subtle.ConstantTimeCompare(first[:firstSize], buf[headSize:headSize+firstSize]) != 1 {
			continue
		}
		h := Handle{
			Ref:        grant.Locator{Partition: grant.Partition(binary.BigEndian.Uint32(head[2:]))},
			Generation: binary.BigEndian.Uint32(head[22:]),
			tag:        buf[1],
		}
		copy(h.Ref.ID[:], head[6:])
		copy(h.second[:], buf[headSize+firstSize:])
		return h, nil
	}
	return Handle{}, ErrMalformed
}

// Belongs reports whether the token that h was read from was made with seed.
func (c *Codec) Belongs(kind Kind, h Handle, seed []byte) bool {
	head := make([]byte, 0, headSize)
	head = append(head, version, h.tag)
	head = binary.BigEndian.AppendUint32(head, uint32(h.Ref.Partition))
	head = append(head, h.Ref.ID[:]...)
	head = binary.BigEndian.AppendUint32(head, h.Generation)
	for _, key := range c.keys {
		if key.Tag != h.tag {
			continue
		}
		want := secondMAC(key.Secret, kind, head, seed)
		if subtle.ConstantTimeCompare(want[:], h.second[:]) == 1 {
			return true
		}
	}
	return false
}

func mac(secret []byte, kind Kind, head []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(kind))
	h.Write(head)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}

// secondMAC differs from mac in its key, which the secret alone does not give.
func secondMAC(secret []byte, kind Kind, head, seed []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("seed"))
	h.Write(seed)
	return mac(h.Sum(nil), kind, head)
}
