package resource

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Authentication adds the credential of this service to the header or the form of a request to the
// authorization server.
type Authentication func(ctx context.Context, header http.Header, form url.Values) error

// ClientSecret authenticates with a client secret, in the method client_secret_basic.
//
// Spec: RFC 6749 §2.3.1.
func ClientSecret(id, secret string) Authentication {
	credential := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
	return func(_ context.Context, header http.Header, _ url.Values) error {
		header.Set("Authorization", credential)
		return nil
	}
}

// PrivateKeyJWT authenticates with a JWT that the private key signs, in the method private_key_jwt. The
// algorithm is that of the key, and issuer is the identifier of the authorization server.
//
// Spec: RFC 7523 §2.2, §3, RFC 10070.
func PrivateKeyJWT(id, issuer string, key jose.JSONWebKey) (Authentication, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, (&jose.SignerOptions{}).WithType("client-authentication+jwt"))
	if err != nil {
		return nil, fmt.Errorf("invalid key %q: %w", key.KeyID, err)
	}
	return func(_ context.Context, _ http.Header, form url.Values) error {
		now := time.Now() //nolint:forbidigo // an assertion has the time of the server that verifies it
		assertion, err := jwt.Signed(signer).Claims(map[string]any{
			"iss": id, "sub": id, "aud": issuer, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
		}).Serialize()
		if err != nil {
			return fmt.Errorf("sign a client assertion: %w", err)
		}
		form.Set("client_id", id)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
		return nil
	}, nil
}
