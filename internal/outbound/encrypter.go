package outbound

import (
	"context"
	"fmt"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
)

// Encrypter encrypts tokens and responses with the public keys of clients.
type Encrypter struct {
	Keys *KeySets
}

// Encrypt encrypts a signed JWT for the client (a nested JWT). It returns
// [client.ErrKeysUnavailable] if the client has no encryption key for alg.
//
// Spec: RFC 7519 §11.2, OpenID Connect Core §10.2.
func (e Encrypter) Encrypt(ctx context.Context, c *client.Client, alg, enc, signed string) (string, error) {
	return e.encrypt(ctx, c, alg, enc, []byte(signed), (&jose.EncrypterOptions{}).WithContentType("JWT"))
}

// EncryptClaims encrypts unsigned claims for the client.
//
// Spec: OpenID Connect Core §5.3.2.
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
		return "", fmt.Errorf("%w: no encryption key for %s", client.ErrKeysUnavailable, alg)
	}
	// The kid in the header identifies the private key of the client.
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
