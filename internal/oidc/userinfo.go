package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// Tokens tells what stands behind an access token: [grant.ErrNotFound], with its cause,
// for one that is not active.
type Tokens interface {
	Active(ctx context.Context, token string) (*grant.GrantWithAccount, error)
}

// Clients finds clients, from a cache.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Signer signs userinfo answers.
type Signer interface {
	SignClaims(ctx context.Context, alg jwks.Algorithm, typ string, claims any) (string, error)
}

// Encrypter encrypts answers for clients. Its errors are [client.ErrKeysUnavailable] where the
// client has no key that fits.
type Encrypter interface {
	// Encrypt encrypts a JWT.
	Encrypt(ctx context.Context, c *client.Client, alg, enc, signed string) (string, error)
	// EncryptClaims encrypts claims that are not signed.
	EncryptClaims(ctx context.Context, c *client.Client, alg, enc string, claims []byte) (string, error)
}

// Userinfo serves the userinfo endpoint.
type Userinfo struct {
	Issuer    string
	Tokens    Tokens
	Clients   Clients
	Scopes    scope.Source
	Signer    Signer
	Encrypter Encrypter
	Subjects  client.Subjects
	Now       func() time.Time
	Log       *slog.Logger
}

// ServeHTTP serves GET and POST /userinfo.
//
// Spec: OpenID Connect Core section 5.3; RFC 6750 sections 2 and 3.
func (u *Userinfo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, body, err := u.answer(r)
	if err != nil {
		u.refuse(w, r, err)
		return
	}
	head := w.Header()
	head.Set("Content-Type", kind)
	head.Set("Cache-Control", "no-store")
	head.Set("Pragma", "no-cache")
	_, _ = w.Write(body)
}

func (u *Userinfo) answer(r *http.Request) (kind string, body []byte, err error) {
	ctx := r.Context()
	token, err := bearer(r)
	if err != nil {
		return "", nil, err
	}
	held, err := u.Tokens.Active(ctx, token)
	if errors.Is(err, grant.ErrNotFound) {
		return "", nil, errors.Join(errBadToken, err)
	}
	if err != nil {
		return "", nil, fmt.Errorf("look up token: %w", err)
	}
	refusal.Concerns(ctx, held.ClientID)
	if held.Subject == "" {
		return "", nil, errBadToken
	}
	if !held.Allows("openid") {
		return "", nil, errScope
	}
	c, err := u.Clients.Client(ctx, held.ClientID)
	if errors.Is(err, client.ErrNotFound) {
		return "", nil, refusal.Wrap(errBadToken, refusal.ClientUnknown, "the client was deleted")
	}
	if err != nil {
		return "", nil, fmt.Errorf("read client: %w", err)
	}
	claims, err := u.claims(ctx, c, held)
	if err != nil {
		return "", nil, err
	}
	claims["sub"] = held.SubjectFor(u.Subjects.Of(c, held.Subject))
	return u.write(ctx, c, claims)
}

// write gives the answer the form that the client registered: JSON or a signed JWT,
// either of them encrypted or not.
//
// Spec: OpenID Connect Core section 5.3.2; OpenID Connect Registration section 2.
func (u *Userinfo) write(ctx context.Context, c *client.Client, claims map[string]any) (kind string, body []byte, err error) {
	keyAlg, enc := c.UserinfoEncryptedResponseAlg, c.UserinfoEncryptedResponseEnc
	if alg := c.UserinfoSignedResponseAlg; alg != "" && alg != "none" {
		claims["iss"], claims["aud"], claims["iat"] = u.Issuer, c.ID, u.Now().Unix()
		signed, err := u.Signer.SignClaims(ctx, jwks.Algorithm(alg), "JWT", claims)
		if err != nil {
			return "", nil, fmt.Errorf("sign userinfo: %w", err)
		}
		if keyAlg != "" {
			if signed, err = u.Encrypter.Encrypt(ctx, c, keyAlg, enc, signed); err != nil {
				return "", nil, fmt.Errorf("encrypt userinfo: %w", err)
			}
		}
		return "application/jwt", []byte(signed), nil
	}
	claims["aud"] = []string{c.ID} // as in Ory Hydra; OpenID Connect Core §5.3.2 demands it of signed answers alone
	body, err = json.Marshal(claims)
	if err != nil {
		return "", nil, fmt.Errorf("write userinfo: %w", err)
	}
	if keyAlg != "" {
		sealed, err := u.Encrypter.EncryptClaims(ctx, c, keyAlg, enc, body)
		if err != nil {
			return "", nil, fmt.Errorf("encrypt userinfo: %w", err)
		}
		return "application/jwt", []byte(sealed), nil
	}
	return "application/json", body, nil
}

// claims returns what the grant lets the client know of the user, as far as the client
// may still have it.
func (u *Userinfo) claims(ctx context.Context, c *client.Client, held *grant.GrantWithAccount) (map[string]any, error) {
	scopes, err := u.Scopes.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read scopes: %w", err)
	}
	access, err := scope.AccessOf(&held.Grant)
	if err != nil {
		return nil, err
	}
	account, err := scope.AccountClaims(held)
	if err != nil {
		return nil, err
	}
	claims := scopes.UserinfoClaims(account, scopes.Downscope(access, scopes.LimitsOf(c)))
	return claims, scope.AddExtra(claims, held)
}

// bearer returns the access token, which comes in the header or in the form of a
// POST, but never in the query, where logs and histories keep it.
func bearer(r *http.Request) (string, error) {
	headers := r.Header.Values("Authorization")
	form := r.PostForm["access_token"]
	if r.URL.Query().Has("access_token") || len(headers)+len(form) > 1 {
		return "", errTwoTokens
	}
	if len(form) == 1 && r.Method == http.MethodPost {
		return form[0], nil
	}
	if len(headers) == 0 {
		return "", errNoToken
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	if token = strings.Trim(token, " "); !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errNoToken
	}
	return token, nil
}
