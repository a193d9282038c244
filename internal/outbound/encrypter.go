package outbound

import (
	"context"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
)

// Encrypter encrypts what is sent to clients, with the keys that they published.
type Encrypter struct {
	Keys *KeySets
}

// Encrypt returns a JWT that was signed for the client, encrypted: a nested JWT. Its
// error is [client.ErrKeysUnavailable] if the client has no key to encrypt with by alg.
//
// Spec: RFC 7519 section 11.2; OpenID Connect Core section 10.2.
func (e Encrypter) Encrypt(ctx context.Context, c *client.Client, alg, enc, signed string) (string, error) {
	return e.encrypt(ctx, c, alg, enc, []byte(signed), (&jose.EncrypterOptions{}).WithContentType("JWT"))
}

// EncryptClaims returns claims that are not signed, encrypted.
//
// Spec: OpenID Connect Core section 5.3.2.
func (e Encrypter) EncryptClaims(ctx context.Context, c *client.Client, alg, enc string, claims []byte) (string, error) {
	return e.encrypt(ctx, c, alg, enc, claims, nil)
}

func (e Encrypter) encrypt(
	ctx context.Context, c *client.Client, alg, enc string, content []byte, options *jose.EncrypterOptions,
) (string, error) {
	keys, err := e.Keys.Recent(ctx, c)
	if err != nil {
		return "", err
	}
	key, ok := client.EncryptionKey(keys, alg)
	if !ok {
		return "", fmt.Errorf("%w: none to encrypt with by %s", client.ErrKeysUnavailable, alg)
	}
	// The kid of the key goes into the header, for the client to find its half.
	to := jose.Recipient{Algorithm: jose.KeyAlgorithm(alg), Key: key.Key, KeyID: key.KeyID}
	encrypter, err := jose.NewEncrypter(jose.ContentEncryption(enc), to, options)
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	sealed, err := encrypter.Encrypt(content)
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	compact, err := sealed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	return compact, nil
}
