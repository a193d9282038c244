// Package tokens creates and parses the values that clients get: authorization codes and
// refresh tokens, which are computed from a grant, and opaque access tokens, which are sealed.
//
// No token is stored. A code or refresh token contains the ID of its grant and two MACs: the
// first under the system secret alone, so that invalid tokens are rejected without a query;
// the second under a key that also needs the random seed in the grant's row, so that creating a
// token needs both the secret and the database. Each token has exactly one
// encoding, and its kind is bound into it.
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

// ErrMalformed reports a token that this server did not create.
var ErrMalformed = errors.New("token not recognized")

// Kind is a type of computed token.
type Kind string

// The kinds of computed tokens. Their values are the prefixes of the tokens and the labels of
// their MACs.
const (
	Code    Kind = "ost_ac_"
	Refresh Kind = "ost_rt_"
	Device  Kind = "ost_dc_"
	// AuthReqID has the characters that CIBA Core section 7.3 allows.
	AuthReqID Kind = "ost_ar_"
)

// Handle is the content of a computed token.
type Handle struct {
	Ref        grant.Locator
	Generation uint32 // 0 in a code, a device's too
	second     [secondSize]byte
	tag        byte
}

// Key is the token key derived from one system secret, with the tag of the secret.
type Key struct {
	Tag    byte
	Secret []byte
}

// Codec creates and parses computed tokens. The first key creates, all of them parse.
type Codec struct {
	keys []Key
}

// NewCodec returns a codec over at least one key.
func NewCodec(keys []Key) *Codec { return &Codec{keys: keys} }

const (
	version    = 1
	headSize   = 1 + 1 + 4 + 16 + 4 // version, tag, bucket, id, generation
	firstSize  = 16
	secondSize = 32
	tokenSize  = headSize + firstSize + secondSize
)

// Make returns the token of a grant's generation, computed with the seed of the grant.
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

// Parse parses a token and checks its first MAC. Whether it belongs to its grant is known
// after [Codec.Belongs].
func (c *Codec) Parse(kind Kind, token string) (Handle, error) {
	encoded, ok := strings.CutPrefix(token, string(kind))
	if !ok || len(encoded) != base64.RawURLEncoding.EncodedLen(tokenSize) {
		return Handle{}, ErrMalformed
	}
	buf, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	// The decoder skips line breaks, so compare with the canonical encoding.
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

// Belongs reports whether the token of h was made with seed.
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

// secondMAC is mac with a key that also depends on the seed.
func secondMAC(secret []byte, kind Kind, head, seed []byte) [sha256.Size]byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("seed"))
	h.Write(seed)
	return mac(h.Sum(nil), kind, head)
}
