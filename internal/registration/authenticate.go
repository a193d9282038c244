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

// authenticator authenticates the callers of the registration endpoints.
type authenticator struct{ *Config }

// presentedToken is the registration access token of a request. It is empty if the request
// has a client secret.
type presentedToken struct {
	token    string
	current  bool
	previous bool
}

// client returns the client that the path names, if the request may manage it. It must be a
// client that registered itself and send its registration access token or, for
// /connect/register, its current client secret. All other requests get the same error, so
// that they do not reveal which clients exist.
//
// Spec: RFC 7592 §2.
func (a authenticator) client(r *http.Request) (*client.Client, presentedToken, error) {
	if a.Mode != Open && a.Mode != Token {
		return nil, presentedToken{}, errClosed
	}
	var err error
	id := chi.URLParam(r, "id")
	if r.URL.RawPath != "" { // otherwise chi has decoded the path
		id, err = url.PathUnescape(id)
	}
	query := r.URL.Query()
	headers := r.Header.Values("Authorization")
	inQuery := query.Has("client_secret") || query.Has("client_id")
	if err != nil || id == "" || len(headers) > 1 || len(headers) == 1 && inQuery {
		return nil, presentedToken{}, errUnauthorized
	}

	c, err := a.Clients.Client(r.Context(), id)
	if err != nil {
		return nil, presentedToken{}, fmt.Errorf("read client: %w", err)
	}
	refusal.SetClient(r.Context(), c.ID)
	// Clients of operators must not change themselves: their secret only authenticates them.
	if c.Disabled || !c.Dynamic {
		return nil, presentedToken{}, errUnauthorized
	}

	if token, err := httpapi.BearerToken(r); err == nil {
		by := a.checkToken(c, token)
		if !by.current && !by.previous {
			return nil, presentedToken{}, errUnauthorized
		}
		return c, by, nil
	}
	return c, presentedToken{}, a.checkSecret(r, c, query)
}

// checkSecret compares the client secret of the request with the current one of c. A
// rotated secret is invalid here: it could be exchanged for a registration access token
// that is valid longer.
func (a authenticator) checkSecret(r *http.Request, c *client.Client, query url.Values) error {
	secret, ok := a.presentedSecret(r, c, query)
	if !ok {
		return errUnauthorized
	}
	ok, err := client.TrySecret(r.Context(), a.SecretThrottle, c.ID, c.Secret, secret, a.Now(), func(ctx context.Context) (bool, error) {
		return c.Secret.Verify(ctx, a.Hasher, secret)
	})
	if err != nil {
		return fmt.Errorf("check client secret: %w", err)
	}
	if !ok {
		return errUnauthorized
	}
	return nil
}

// checkToken compares a registration access token with those of c.
func (a authenticator) checkToken(c *client.Client, token string) presentedToken {
	sum := client.HashToken(token)
	equals := func(stored []byte) bool { return subtle.ConstantTimeCompare(sum, stored) == 1 }
	return presentedToken{
		token:    token,
		current:  equals(c.RegistrationToken),
		previous: equals(c.PreviousToken) && a.Now().Before(c.PreviousUntil),
	}
}

// presentedSecret returns the client secret of the request, sent with the method that the
// client registered. Only /connect/register accepts one: version 1 of the API had the
// secret in the Basic header or, if QuerySecrets is on, in the query.
func (a authenticator) presentedSecret(r *http.Request, c *client.Client, query url.Values) (string, bool) {
	if family(r) != connect {
		return "", false
	}
	switch c.TokenEndpointAuthMethod {
	case client.AuthBasic:
		user, password, ok := r.BasicAuth()
		if !ok {
			return "", false
		}
		id, err := url.QueryUnescape(user) // RFC 6749 §2.3.1
		if err != nil || id != c.ID {
			return "", false
		}
		secret, err := url.QueryUnescape(password)
		return secret, err == nil
	case client.AuthPost:
		if !a.QuerySecrets || len(query["client_secret"]) != 1 {
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

// mayRegister checks the initial access token if the mode requires one.
//
// Spec: RFC 7591 §3.
func (a authenticator) mayRegister(r *http.Request) error {
	switch a.Mode {
	case Open:
		return nil
	case Token:
		if r.Header.Get("Authorization") == "" {
			return errNoToken
		}
		token, _ := httpapi.BearerToken(r)
		sum, known := client.HashToken(token), 0
		for _, want := range a.InitialTokens {
			known |= subtle.ConstantTimeCompare(sum, want)
		}
		if token == "" || known == 0 {
			return errUnauthorized
		}
		return nil
	case Closed:
	}
	return errClosed
}
