package tokens

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// opaquePrefix is the prefix of opaque access tokens, which is bound into the seal.
const opaquePrefix = "ost_at_"

// maxOpaque is the maximum length in characters of a token to decode.
const maxOpaque = 16 << 10

// Sealer creates and opens opaque access tokens: XChaCha20-Poly1305 over the claims, with
// random nonces that are long enough never to repeat. The first key seals, all of them open.
type Sealer struct {
	seals []seal
}

type seal struct {
	tag  byte
	aead cipher.AEAD
}

// NewSealer returns a sealer over at least one key of 32 bytes.
func NewSealer(keys []Key) (*Sealer, error) {
	s := &Sealer{}
	for _, key := range keys {
		aead, err := chacha20poly1305.NewX(key.Secret)
		if err != nil {
			return nil, fmt.Errorf("make token seal: %w", err)
		}
		s.seals = append(s.seals, seal{tag: key.Tag, aead: aead})
	}
	return s, nil
}

// Seal returns the opaque token with the claims.
func (s *Sealer) Seal(claims []byte) string {
	first := s.seals[0]
	buf := make([]byte, 2+first.aead.NonceSize(), 2+first.aead.NonceSize()+len(claims)+first.aead.Overhead())
	buf[0], buf[1] = version, first.tag
	_, _ = rand.Read(buf[2:])                                         // never fails: crypto/rand ends the process instead
	buf = first.aead.Seal(buf, buf[2:], claims, []byte(opaquePrefix)) //nolint:gosec // the nonce is random except for the position
	return opaquePrefix + base64.RawURLEncoding.EncodeToString(buf)
}

// Opaque reports whether token has the form of an opaque access token.
func Opaque(token string) bool { return strings.HasPrefix(token, opaquePrefix) }

// Open returns the claims in token.
func (s *Sealer) Open(token string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(token, opaquePrefix)
	if !ok || len(encoded) > maxOpaque || strings.ContainsAny(encoded, "\r\n") {
		return nil, ErrMalformed
	}
	buf, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(buf) < 2+chacha20poly1305.NonceSizeX || buf[0] != version {
		return nil, ErrMalformed
	}
	for _, seal := range s.seals {
		if seal.tag != buf[1] {
			continue
		}
		nonce, sealed := buf[2:2+seal.aead.NonceSize()], buf[2+seal.aead.NonceSize():]
		if claims, err := seal.aead.Open(nil, nonce, sealed, []byte(opaquePrefix)); err == nil {
			return claims, nil
		}
	}
	return nil, ErrMalformed
}
