package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
)

// Keys finds API keys: apikey.ErrNotFound for one that is not there.
type Keys interface {
	APIKey(ctx context.Context, id string) (*apikey.Key, error)
}

// Allow lets through those who may use an operation.
//
// Where no key is asked for, only this machine reaches the API, and of that no page in a
// browser: see [browsed].
//
// Spec: RFC 6750 sections 2.1, 3.
func (h *Handler) Allow(o *Operation) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			by, err := h.allow(r, o)
			if err != nil {
				h.refuse(w, r, err)
				return
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), actorKey{}, by)))
		})
	}
}

func (h *Handler) allow(r *http.Request, o *Operation) (audit.Actor, error) {
	nobody := audit.Actor{Kind: audit.Anonymous}
	if h.Open && browsed(r) {
		return nobody, errBrowser
	}
	if h.Open || o.Scope == "" {
		return nobody, nil
	}
	by, holds, err := h.caller(r)
	if err != nil {
		return nobody, err
	}
	if !holds(o.Scope) {
		if o.changes() {
			if err := h.denied(r, o, by); err != nil {
				return nobody, err
			}
		}
		return nobody, insufficientScope(o.Scope)
	}
	return by, nil
}

// browsed reports whether a page in a browser may have sent the request. A program sends
// no Origin. Whoever makes a browser take this address for that of their own site gets it
// to send none either, with what only reads, but not to name another host than theirs: so
// that has to be one whose address nobody else says. No browser calls a Unix socket.
func browsed(r *http.Request) bool {
	if r.Header.Get("Origin") != "" {
		return true
	}
	if _, socket := r.Context().Value(http.LocalAddrContextKey).(*net.UnixAddr); socket {
		return false
	}
	host := (&url.URL{Host: r.Host}).Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host != "localhost" && !strings.HasSuffix(host, ".localhost")
}

// caller authenticates the caller. The function that it returns reports whether the caller
// holds a scope. The error is apikey.ErrNotFound for a missing or invalid credential.
//
// Spec: RFC 6750 §2.1.
func (h *Handler) caller(r *http.Request) (audit.Actor, func(scope string) bool, error) {
	token, err := httpapi.BearerToken(r)
	if err != nil {
		return audit.Actor{}, nil, fmt.Errorf("%w: %w", apikey.ErrNotFound, err)
	}
	if id, ok := apikey.Parse(token); ok {
		key, err := h.key(r.Context(), id, token)
		if err != nil {
			return audit.Actor{}, nil, err
		}
		return audit.Actor{Kind: audit.Key, ID: key.ID, Name: key.Name}, key.Allows, nil
	}
	return h.clientToken(r.Context(), token)
}

// key returns the valid API key that the text presents.
func (h *Handler) key(ctx context.Context, id, text string) (*apikey.Key, error) {
	key, err := h.keyCache.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !key.Matches(text, h.Now()) {
		return nil, apikey.ErrNotFound
	}
	return key, nil
}

// clientToken authenticates a client by its own access token. A client that registered
// itself has no access, regardless of its scopes: only an operator grants them.
func (h *Handler) clientToken(ctx context.Context, token string) (audit.Actor, func(scope string) bool, error) {
	clientID, scopes, err := h.Tokens.Own(ctx, token)
	if errors.Is(err, grant.ErrNotFound) {
		return audit.Actor{}, nil, apikey.ErrNotFound
	}
	if err != nil {
		return audit.Actor{}, nil, err
	}
	c, err := h.Clients.Client(ctx, clientID)
	if errors.Is(err, client.ErrNotFound) || err == nil && c.Dynamic {
		return audit.Actor{}, nil, apikey.ErrNotFound
	}
	if err != nil {
		return audit.Actor{}, nil, err
	}
	// A scope that was removed from the client is invalid in its older tokens as well.
	holds := func(scope string) bool { return slices.Contains(scopes, scope) && slices.Contains(c.Scopes(), scope) }
	return audit.Actor{Kind: audit.Token, ID: clientID, Name: c.ClientName}, holds, nil
}

// holds reports whether whoever makes the call holds a scope.
func (h *Handler) holds(c *Call, scope string) (bool, error) {
	if h.Open {
		return true, nil
	}
	_, holds, err := h.caller(c.Request)
	if err != nil {
		return false, err
	}
	return holds(scope), nil
}

// mayEquip reports, as an error, that a client has scopes of this API that its caller
// does not hold: who can give them to a client, or make it a secret, can use them.
func (h *Handler) mayEquip(c *Call, clients ...*client.Client) error {
	for _, scope := range apikey.Scopes() {
		for _, one := range clients {
			if !slices.Contains(one.Scopes(), scope) {
				continue
			}
			held, err := h.holds(c, scope)
			if err != nil {
				return err
			}
			if !held {
				return insufficientScope(scope)
			}
		}
	}
	return nil
}

// errBrowser reports a request of a browser to an API without authentication.
var errBrowser = &httpapi.Error{
	Status: http.StatusForbidden, Code: "request_forbidden",
	Description: "Browsers must not call this API. Other clients call it at localhost or an IP address.",
}

const (
	// keyTTL bounds how long a key is cached: rows may be changed by hand, without a change
	// of the counter.
	keyTTL     = 2 * time.Second
	cachedKeys = 1000
)

// newKeyCache returns the cache of API keys. It stores no unknown ids, so that guessing
// takes no memory.
func newKeyCache(c *Config) *cache.Cache[string, *apikey.Key] {
	return cache.New(cache.Config[string, *apikey.Key]{
		Size: cachedKeys, Changes: c.Changes, TTL: keyTTL, Now: c.Now,
		Read: func(ctx context.Context, id string) (*apikey.Key, error) { return c.Keys.APIKey(ctx, id) },
	})
}
