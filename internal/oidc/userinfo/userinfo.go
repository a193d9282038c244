// Package userinfo serves the userinfo endpoint.
package userinfo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/protectedresource"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/pkg/resource"
)

// Clients reads clients, from a cache.
type Clients interface {
	Client(ctx context.Context, id string) (*client.Client, error)
}

// Signer signs userinfo responses.
type Signer interface {
	SignClaims(ctx context.Context, alg jwks.Algorithm, typ string, claims any) (string, error)
}

// Encrypter encrypts answers for clients. Its errors are [client.ErrKeysUnavailable] where the
// client has no key that fits.
type Encrypter interface {
	// Encrypt encrypts a JWT.
	Encrypt(ctx context.Context, c *client.Client, alg, enc, signed string) (string, error)
	// EncryptClaims encrypts unsigned claims.
	EncryptClaims(ctx context.Context, c *client.Client, alg, enc string, claims []byte) (string, error)
}

// Handler serves the userinfo endpoint.
type Handler struct {
	Issuer    string
	Resource  *resource.Server // its lookup attaches the *grant.WithAccount of a token
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
// Spec: OpenID Connect Core §5.3, RFC 6750 §2, §3, RFC 9470 §3.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mediaType, body, err := h.userinfo(w, r)
	if err != nil {
		h.responses().Write(w, r, err)
		return
	}
	header := w.Header()
	header.Set("Content-Type", mediaType)
	header.Set("Cache-Control", "no-store")
	header.Set("Pragma", "no-cache")
	_, _ = w.Write(body)
}

// userinfo returns the response to a request, and its media type.
func (h *Handler) userinfo(w http.ResponseWriter, r *http.Request) (mediaType string, body []byte, err error) {
	token, err := h.Resource.Authenticate(w.Header(), r)
	if err != nil {
		return "", nil, err
	}
	c, claims, err := h.read(r.Context(), token)
	if err != nil {
		return "", nil, err
	}
	return h.encode(r.Context(), c, claims)
}

// responses maps errors to responses. Each one below 500 has a challenge.
//
// Spec: RFC 6750 §3.
func (h *Handler) responses() *httpapi.Errors {
	return protectedresource.Errors("userinfo refused", h.Issuer, httpapi.Is(client.ErrKeysUnavailable, httpapi.Error{
		Code: "invalid_request", Rule: refusal.KeysUnavailable,
		Description: "The response cannot be encrypted: the client has no suitable key.",
	}))
}

// Try returns the claims of the response to a request with the token, for a trial in the
// administrators' console, and the media type that the client would receive. Its errors are those
// of responses to clients.
func (h *Handler) Try(ctx context.Context, token string) (claims map[string]any, mediaType string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	seen, err := h.Resource.Authenticate(http.Header{}, r)
	var c *client.Client
	if err == nil {
		c, claims, err = h.read(ctx, seen)
	}
	if err == nil {
		mediaType, _, err = h.encode(ctx, c, claims)
	}
	if err != nil {
		return nil, "", h.responses().Of(err)
	}
	return claims, mediaType, nil
}

// read returns the client of an access token, and the claims that the token releases.
func (h *Handler) read(ctx context.Context, token *resource.Token) (*client.Client, map[string]any, error) {
	held, ok := token.Data.(*grant.WithAccount)
	if !ok || held.Subject == "" {
		return nil, nil, h.Resource.InvalidToken(token, refusal.New(refusal.TokenInactive, "the token has no user: the client got it for itself or for an assertion"))
	}
	if err := h.Resource.Authorize(token, resource.Need{Scopes: []string{"openid"}}); err != nil {
		return nil, nil, err
	}
	c, err := h.Clients.Client(ctx, held.ClientID)
	if errors.Is(err, client.ErrNotFound) {
		return nil, nil, h.Resource.InvalidToken(token, refusal.New(refusal.ClientUnknown, "the client was deleted"))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read client: %w", err)
	}
	if err := h.Resource.Authorize(token, authenticationOf(c)); err != nil {
		return nil, nil, err
	}
	claims, err := h.claims(ctx, c, held)
	if err != nil {
		return nil, nil, err
	}
	claims["sub"] = held.SubjectFor(h.Subjects.Of(c, held.Subject))
	return c, claims, nil
}

// authenticationOf returns the authentication of the user that the operator requires at a client.
//
// Spec: RFC 9470 §3.
func authenticationOf(c *client.Client) resource.Need {
	need := resource.Need{ACRValues: c.UserinfoACRValues}
	if c.UserinfoMaxAge != nil {
		age := time.Duration(*c.UserinfoMaxAge) * time.Second
		need.MaxAge = &age
	}
	return need
}

// encode encodes the claims in the format that the client registered: JSON or a signed JWT,
// encrypted or not.
//
// Spec: OpenID Connect Core §5.3.2, OpenID Connect Registration §2.
func (h *Handler) encode(ctx context.Context, c *client.Client, claims map[string]any) (mediaType string, body []byte, err error) {
	keyAlg, enc := c.UserinfoEncryptedResponseAlg, c.UserinfoEncryptedResponseEnc
	if alg := c.UserinfoSignedResponseAlg; alg != "" && alg != "none" {
		claims["iss"], claims["aud"], claims["iat"] = h.Issuer, c.ID, h.Now().Unix()
		signed, err := h.Signer.SignClaims(ctx, jwks.Algorithm(alg), "JWT", claims)
		if err != nil {
			return "", nil, fmt.Errorf("sign userinfo: %w", err)
		}
		if keyAlg != "" {
			if signed, err = h.Encrypter.Encrypt(ctx, c, keyAlg, enc, signed); err != nil {
				return "", nil, fmt.Errorf("encrypt userinfo: %w", err)
			}
		}
		return "application/jwt", []byte(signed), nil
	}
	claims["aud"] = []string{c.ID} // as Ory Hydra does; OpenID Connect Core §5.3.2 requires it in signed responses only
	body, err = json.Marshal(claims)
	if err != nil {
		return "", nil, fmt.Errorf("encode userinfo: %w", err)
	}
	if keyAlg != "" {
		sealed, err := h.Encrypter.EncryptClaims(ctx, c, keyAlg, enc, body)
		if err != nil {
			return "", nil, fmt.Errorf("encrypt userinfo: %w", err)
		}
		return "application/jwt", []byte(sealed), nil
	}
	return "application/json", body, nil
}

// claims returns the claims that the grant releases, within the current limits of the
// client.
func (h *Handler) claims(ctx context.Context, c *client.Client, held *grant.WithAccount) (map[string]any, error) {
	scopes, err := h.Scopes.Scopes(ctx)
	if err != nil {
		return nil, fmt.Errorf("read scopes: %w", err)
	}
	access, err := scope.AccessOf(&held.Grant)
	if err != nil {
		return nil, err
	}
	account, err := scopes.AccountClaims(held)
	if err != nil {
		return nil, err
	}
	claims := scopes.UserinfoClaims(account, scopes.Downscope(access, scopes.LimitsOf(c)))
	return claims, scope.AddExtra(claims, held)
}
