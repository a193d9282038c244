package authorize

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
)

// Encrypter encrypts what was signed for a client.
type Encrypter interface {
	// Encrypt returns an error that is client.ErrKeysUnavailable where the client has no key
	// that serves.
	Encrypt(ctx context.Context, c *client.Client, alg, enc, signed string) (string, error)
}

// encryptIDToken returns the signed token as the client registered to get it. Who
// wants it encrypted gets it so or not at all.
//
// Spec: OpenID Connect Core §10.2.
func (h *Handler) encryptIDToken(ctx context.Context, c *client.Client, signed string) (string, error) {
	alg := c.IDTokenEncryptedResponseAlg
	if alg == "" {
		return signed, nil
	}
	token, err := h.Encrypter.Encrypt(ctx, c, alg, c.IDTokenEncryptedResponseEnc, signed)
	if errors.Is(err, client.ErrKeysUnavailable) {
		return "", &oauth2.Error{
			Code: oauth2.CodeInvalidRequest, Description: "The keys of the client are of no use for encrypting its ID token",
			Status: http.StatusBadRequest, Err: err,
		}
	}
	if err != nil {
		return "", fmt.Errorf("encrypt ID token: %w", err)
	}
	return token, nil
}
