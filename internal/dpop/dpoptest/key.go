// Package dpoptest makes DPoP proofs, as clients do. It is for tests and the load generator.
package dpoptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Key is the key of a client, for ES256. It is safe for concurrent use.
type Key struct {
	signer     jose.Signer
	thumbprint string
}

// NewKey returns a new key.
func NewKey() (*Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate a DPoP key: %w", err)
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, options)
	if err != nil {
		return nil, fmt.Errorf("use a DPoP key: %w", err)
	}
	sum, err := (&jose.JSONWebKey{Key: private.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("read a DPoP key: %w", err)
	}
	return &Key{signer, base64.RawURLEncoding.EncodeToString(sum)}, nil
}

// Thumbprint returns the SHA-256 thumbprint of the key (RFC 7638), in base64url.
func (k *Key) Thumbprint() string { return k.thumbprint }

// Proof returns a new proof for a request, and for an access token unless it is empty. Claims replace
// those of the proof.
//
// Spec: RFC 9449 §4.2.
func (k *Key) Proof(method, url, accessToken string, now time.Time, claims ...map[string]any) (string, error) {
	all := map[string]any{"jti": rand.Text(), "htm": method, "htu": url, "iat": now.Unix()}
	if accessToken != "" {
		sum := sha256.Sum256([]byte(accessToken))
		all["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	for _, changes := range claims {
		maps.Copy(all, changes)
	}
	proof, err := jwt.Signed(k.signer).Claims(all).Serialize()
	if err != nil {
		return "", fmt.Errorf("sign a DPoP proof: %w", err)
	}
	return proof, nil
}
