package authorize

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/oauth2"
)

// The response modes with a JWT. Without a prefix, the response_type decides where it is.
//
// Spec: JWT Secured Authorization Response Mode §2.3.
const (
	modeJWT   = "jwt"
	suffixJWT = ".jwt"
)

const (
	// responseJWTLifetime is the time within which the client must receive a response.
	//
	// Spec: JWT Secured Authorization Response Mode §2.1.
	responseJWTLifetime = 10 * time.Minute
	// typeResponse is the typ header of responses.
	typeResponse = "JWT"
)

// ResponseModes returns the values of response_mode.
func ResponseModes() []string {
	return []string{modeQuery, modeFragment, modeFormPost, modeJWT, modeQuery + suffixJWT, modeFragment + suffixJWT, modeFormPost + suffixJWT}
}

// ResponseSigner signs authorization responses.
type ResponseSigner interface {
	SignClaims(ctx context.Context, alg jwks.Algorithm, typ string, claims any) (string, error)
}

// splitMode returns a response mode without the JWT that it may have, empty for the default.
func splitMode(mode string) (plain string, hasJWT bool) {
	if mode == modeJWT {
		return "", true
	}
	plain, hasJWT = strings.CutSuffix(mode, suffixJWT)
	return plain, hasJWT
}

// responseJWT returns the parameters of a response as one JWT for the client, signed, and encrypted if
// the client registered that.
//
// Spec: JWT Secured Authorization Response Mode §2.1, §2.2.
func (p *responder) responseJWT(ctx context.Context, a *AuthorizationRequest, response []parameter) (string, error) {
	claims := map[string]any{"aud": a.client.ID, "exp": p.Now().Add(responseJWTLifetime).Unix()}
	for _, one := range response {
		claims[one.name] = one.value
	}
	claims["iss"] = p.Issuer
	alg := cmp.Or(a.client.AuthorizationSignedResponseAlg, p.Requests.profileOf(a).DefaultAlgorithm())
	signed, err := p.Signer.SignClaims(ctx, jwks.Algorithm(alg), typeResponse, claims)
	if err != nil {
		return "", err
	}
	encryption := oauth2.Encryption{
		Alg: a.client.AuthorizationEncryptedResponseAlg, Enc: a.client.AuthorizationEncryptedResponseEnc, What: "authorization response", Parameter: "response",
	}
	return encryption.Encrypt(ctx, p.Encrypter, a.client, signed)
}
