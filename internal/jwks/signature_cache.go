package jwks

import (
	"crypto/sha256"

	"github.com/ostiary/ostiary/internal/cache"
)

const (
	// cachedSignatures is the capacity of the signature cache: less than 10 MB of tokens of
	// the usual size.
	cachedSignatures = 8192
	// maxCachedToken is the size in bytes of the longest token that is cached.
	maxCachedToken = 2048
)

// signatureCache caches tokens with a valid signature under the SHA-256 of the token. Clients
// present the same token repeatedly, and an ES256 verification costs more than the rest of
// an introspection.
//
// A valid signature stays valid. The key, the type and everything that depends on time are
// checked for every use.
type signatureCache = cache.Map[[sha256.Size]byte, verifiedToken]

// verifiedToken is the content of a verified token. It is shared and must not be changed.
type verifiedToken struct {
	kid, typ string
	payload  []byte
}

func newSignatureCache() *signatureCache {
	return cache.NewMap[[sha256.Size]byte, verifiedToken](cachedSignatures)
}
