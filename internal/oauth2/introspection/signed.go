package introspection

import (
	"cmp"
	"context"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/oauth2"
)

const (
	// typeSigned is the typ header of a signed response, and mediaSigned its media type.
	//
	// Spec: RFC 9701 §5.
	typeSigned  = "token-introspection+jwt"
	mediaSigned = "application/" + typeSigned
	// defaultSignedAlg signs the responses of clients that registered no algorithm.
	//
	// Spec: RFC 9701 §6.
	defaultSignedAlg = "RS256"
)

// Signer signs responses.
type Signer interface {
	SignClaims(ctx context.Context, alg jwks.Algorithm, typ string, claims any) (string, error)
}

// signedResponse are the claims of a signed response. It has no sub and no exp, with which it could be
// taken for an access token.
//
// Spec: RFC 9701 §5, §8.1.
type signedResponse struct {
	Issuer   string               `json:"iss"`
	Audience string               `json:"aud"`
	IssuedAt int64                `json:"iat"`
	Response *grant.Introspection `json:"token_introspection"`
}

// sign returns a response as a JWT for c, signed, and encrypted if c registered that.
//
// Spec: RFC 9701 §5.
func (h *Handler) sign(ctx context.Context, c *client.Client, response *grant.Introspection) (string, error) {
	alg := jwks.Algorithm(cmp.Or(c.IntrospectionSignedResponseAlg, defaultSignedAlg))
	signed, err := h.Signer.SignClaims(ctx, alg, typeSigned, signedResponse{h.Issuer, c.ID, h.Now().Unix(), response})
	if err != nil {
		return "", fmt.Errorf("sign introspection response: %w", err)
	}
	encryption := oauth2.Encryption{
		Alg: c.IntrospectionEncryptedResponseAlg, Enc: c.IntrospectionEncryptedResponseEnc, What: "introspection response", Parameter: "response",
	}
	return encryption.Encrypt(ctx, h.Encrypter, c, signed)
}

// writeSigned writes a signed response.
func writeSigned(w http.ResponseWriter, signed string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", mediaSigned)
	_, _ = w.Write([]byte(signed)) //nolint:gosec // a JWT, with its media type; an error means that the client has gone
}

// wantsSigned reports whether a request accepts a signed response, and JSON no more than that.
//
// Spec: RFC 9701 §4, RFC 9110 §12.5.1.
func wantsSigned(r *http.Request) bool {
	signed, plain := 0.0, 0.0
	for header := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		media, parameters, err := mime.ParseMediaType(header)
		if err != nil {
			continue
		}
		quality := 1.0
		if q, ok := parameters["q"]; ok {
			if quality, err = strconv.ParseFloat(q, 64); err != nil {
				continue
			}
		}
		switch media {
		case mediaSigned:
			signed = max(signed, quality)
		case "application/json":
			plain = max(plain, quality)
		}
	}
	return signed > 0 && signed >= plain
}
