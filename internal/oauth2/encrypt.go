package oauth2

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
)

// Encrypter encrypts what was signed for a client.
type Encrypter interface {
	// Encrypt returns an error that is client.ErrNoKeys where the client has no key
	// that serves.
	Encrypt(ctx context.Context, c *client.Client, alg, enc, signed string) (string, error)
}

// errNoEncrypter reports a client that wants its tokens encrypted where nothing
// does so.
var errNoEncrypter = errors.New("nothing encrypts here")

// defaultEnc is how content is encrypted for a client that named only how to
// encrypt the key (OpenID Connect Registration section 2).
const defaultEnc = "A128CBC-HS256"

// encryptIDToken returns the signed token as the client registered to get it. Who
// wants it encrypted gets it so or not at all.
//
// Spec: OpenID Connect Core §10.2.
func (h *Handler) encryptIDToken(ctx context.Context, c *client.Client, signed string) (string, error) {
	alg := c.IDTokenEncryptedResponseAlg
	if alg == "" {
		return signed, nil
	}
	if h.Encrypter == nil {
		return "", errNoEncrypter
	}
	token, err := h.Encrypter.Encrypt(ctx, c, alg, cmp.Or(c.IDTokenEncryptedResponseEnc, defaultEnc), signed)
	if errors.Is(err, client.ErrNoKeys) {
		return "", &refusal{
			Code: codeInvalidRequest, Description: "The keys of the client are of no use for encrypting its ID token",
			Status: http.StatusBadRequest, cause: err,
		}
	}
	if err != nil {
		return "", fmt.Errorf("encrypt ID token: %w", err)
	}
	return token, nil
}
