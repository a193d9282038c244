package registration

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
)

// presentedToken says which registration access token authenticated the caller; it is empty
// for a caller that sent the client secret.
type presentedToken struct {
	token    string
	current  bool
	previous bool
}

// authenticate returns the client that the path names if the caller may manage it:
// a client that registered itself, by its registration access token or, under
// /connect/register, by its current client secret. Every other caller gets the same
// error, so that nobody learns which clients exist.
//
// Spec: RFC 7592 §2.
func (h *Handler) authenticate(r *http.Request) (*client.Client, presentedToken, error) {
	if h.Mode != Open && h.Mode != Token {
		return nil, presentedToken{}, errClosed
	}
	var err error
	id := chi.URLParam(r, "id")
	if r.URL.RawPath != "" { // else the router has taken it from the decoded path
		id, err = url.PathUnescape(id)
	}
	query := r.URL.Query()
	headers := r.Header.Values("Authorization")
	inQuery := query.Has("client_secret") || query.Has("client_id")
	if err != nil || id == "" || len(headers) > 1 || len(headers) == 1 && inQuery {
		return nil, presentedToken{}, errUnauthorized
	}

	c, err := h.Clients.Client(r.Context(), id)
	if err != nil {
		return nil, presentedToken{}, fmt.Errorf("read client: %w", err)
	}
	refusal.SetClient(r.Context(), c.ID)
	// The operator's own clients are not self-managed: their secret authenticates them
	// and must not change what they are.
	if c.Disabled || !c.Dynamic {
		return nil, presentedToken{}, errUnauthorized
	}

	if token, err := httpapi.BearerToken(r); err == nil {
		by := h.byToken(c, token)
		if !by.current && !by.previous {
			return nil, presentedToken{}, errUnauthorized
		}
		return c, by, nil
	}
	return c, presentedToken{}, h.bySecret(r, c, query)
}

// bySecret checks the client secret of the request against the current one of c. A
// rotated secret does not count: its holder could make a registration access token
// that outlives it.
func (h *Handler) bySecret(r *http.Request, c *client.Client, query url.Values) error {
	secret, ok := h.presentedSecret(r, c, query)
	if !ok {
		return errUnauthorized
	}
	ok, err := client.TrySecret(r.Context(), h.Guesses, c.ID, c.Secret, secret, h.Now(), func(ctx context.Context) (bool, error) {
		return c.Secret.Verify(ctx, h.Slow, secret)
	})
	if err != nil {
		return fmt.Errorf("check client secret: %w", err)
	}
	if !ok {
		return errUnauthorized
	}
	return nil
}

func (h *Handler) byToken(c *client.Client, token string) presentedToken {
	sum := client.HashToken(token)
	fits := func(kept []byte) bool { return subtle.ConstantTimeCompare(sum, kept) == 1 }
	return presentedToken{
		token:    token,
		current:  fits(c.RegistrationToken),
		previous: fits(c.PreviousToken) && h.Now().Before(c.PreviousUntil),
	}
}

// presentedSecret returns the client secret of the request, sent in the way that the
// client registered. Only /connect/register accepts one: version 1 of the API had the
// secret in the Basic header or, if the operator still allows that, in the query.
func (h *Handler) presentedSecret(r *http.Request, c *client.Client, query url.Values) (string, bool) {
	if family(r) != connect {
		return "", false
	}
	switch c.TokenEndpointAuthMethod {
	case client.AuthBasic:
		user, password, ok := r.BasicAuth()
		if !ok {
			return "", false
		}
		id, err := url.QueryUnescape(user) // RFC 6749 section 2.3.1
		if err != nil || id != c.ID {
			return "", false
		}
		secret, err := url.QueryUnescape(password)
		return secret, err == nil
	case client.AuthPost:
		if !h.QuerySecrets || len(query["client_secret"]) != 1 {
			return "", false
		}
		ids := query["client_id"]
		if len(ids) > 1 || len(ids) == 1 && ids[0] != c.ID {
			return "", false
		}
		return query["client_secret"][0], true
	}
	return "", false
}
