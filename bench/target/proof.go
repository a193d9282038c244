package target

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// ProofKey makes the DPoP proofs of a client. It is safe for concurrent use.
type ProofKey struct{ signer jose.Signer }

// NewProofKey returns a new key for ES256.
func NewProofKey() (*ProofKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate a DPoP key: %w", err)
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	if err != nil {
		return nil, fmt.Errorf("use a DPoP key: %w", err)
	}
	return &ProofKey{signer}, nil
}

// Proof returns a new proof for a POST request to a URL (RFC 9449 section 4.2).
func (k *ProofKey) Proof(url string) (string, error) {
	proof, err := jwt.Signed(k.signer).Claims(map[string]any{
		"jti": rand.Text(), "htm": "POST", "htu": url, "iat": time.Now().Unix(),
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign a DPoP proof: %w", err)
	}
	return proof, nil
}
