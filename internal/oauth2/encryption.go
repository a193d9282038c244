package oauth2

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Encrypter encrypts signed tokens and responses for a client.
type Encrypter interface {
	// Encrypt returns an error that is [client.ErrKeysUnavailable] if the client has no key for alg.
	Encrypt(ctx context.Context, c *client.Client, alg, enc, signed string) (string, error)
}

// Encryption says how a token or response is encrypted for a client: by the algorithms that the client
// registered. Alg is empty without encryption.
type Encryption struct {
	Alg, Enc string
	What     string // as in its ID token
	// Parameter is the part of the response, for the record of a refusal.
	Parameter string
}

// Encrypt encrypts a signed token or response, and never returns it unencrypted to a client that
// registered encryption. The error for a client without a suitable key is an error response.
//
// Spec: RFC 7516; OpenID Connect Core §10.2.
func (x Encryption) Encrypt(ctx context.Context, e Encrypter, c *client.Client, signed string) (string, error) {
	if x.Alg == "" {
		return signed, nil
	}
	encrypted, err := e.Encrypt(ctx, c, x.Alg, x.Enc, signed)
	if errors.Is(err, client.ErrKeysUnavailable) {
		description := "The key set of the client has no key that can encrypt its " + x.What
		return "", &Error{
			Status: http.StatusBadRequest, Code: CodeInvalidRequest, Description: description,
			Err: refusal.Wrap(err, refusal.KeysUnavailable, description, refusal.Registered(refusal.ParameterAttr, x.Parameter)),
		}
	}
	if err != nil {
		return "", fmt.Errorf("encrypt %s: %w", x.What, err)
	}
	return encrypted, nil
}
