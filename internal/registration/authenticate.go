package registration

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/client"
)

// credential tells by what the caller was recognised.
type credential struct {
	token    string // the registration access token presented, if it was that
	current  bool
	previous bool
}

// authenticate returns the client that the path names if the caller may manage
// it. Every way of not being that caller has the same answer.
//
// Spec: RFC 7592 section 2.
func (h *Handler) authenticate(r *http.Request) (*client.Client, credential, error) {
	if h.Mode != Open && h.Mode != Token {
		return nil, credential{}, errClosed
	}
	var err error
	id := chi.URLParam(r, "id")
	if r.URL.RawPath != "" { // else the router has taken it from the decoded path
		id, err = url.PathUnescape(id)
	}
	query := r.URL.Query()
	headers := r.Header.Values("Authorization")
	asked := query.Has("client_secret") || query.Has("client_id")
	if err != nil || id == "" || len(headers) > 1 || len(headers) == 1 && asked {
		return nil, credential{}, errUnauthorized
	}

	c, err := h.Clients.Client(r.Context(), id)
	if err != nil {
		return nil, credential{}, fmt.Errorf("read client: %w", err)
	}
	if c.Disabled {
		return nil, credential{}, errUnauthorized
	}

	if token, ok := bearer(r); ok {
		by := h.byToken(c, token)
		if !by.current && !by.previous {
			return nil, credential{}, errUnauthorized
		}
		return c, by, nil
	}
	secret, ok := h.presentedSecret(r, c, query)
	if !ok {
		return nil, credential{}, errUnauthorized
	}
	ok, err = client.TrySecret(r.Context(), h.Guesses, c.ID, c.Secret, secret, h.Now(), func(ctx context.Context) (bool, error) {
		fits, err := c.Secret.Verify(ctx, h.Slow, secret)
		for _, before := range c.Before(h.Now()) {
			if fits || err != nil {
				break
			}
			fits, err = before.Verify(ctx, h.Slow, secret)
		}
		return fits, err //nolint:wrapcheck // names itself
	})
	if err != nil {
		return nil, credential{}, fmt.Errorf("check client secret: %w", err)
	}
	if !ok {
		return nil, credential{}, errUnauthorized
	}
	return c, credential{}, nil
}

func (h *Handler) byToken(c *client.Client, token string) credential {
	sum := client.HashToken(token)
	fits := func(kept []byte) bool { return subtle.ConstantTimeCompare(sum, kept) == 1 }
	return credential{
		token:    token,
		current:  fits(c.RegistrationToken),
		previous: fits(c.PreviousToken) && h.Now().Before(c.PreviousUntil),
	}
}

// presentedSecret returns the client secret that came the way the client
// registered for. In the query it is of use under one family of paths only, where
// the first description of the API put it.
func (h *Handler) presentedSecret(r *http.Request, c *client.Client, query url.Values) (string, bool) {
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
		if h.NoQuerySecrets || family(r) != connect || len(query["client_secret"]) != 1 {
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

// bearer returns the token of the Authorization header (RFC 6750 section 2.1).
func bearer(r *http.Request) (string, bool) {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return "", false
	}
	scheme, token, ok := strings.Cut(headers[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.Trim(token, " "), true
}
