package admin

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/pkg/resource"
)

// APIKeys finds API keys.
type APIKeys interface {
	// APIKey returns apikey.ErrNotFound for an unknown ID.
	APIKey(ctx context.Context, id string) (*apikey.Key, error)
}

// Allow returns middleware that authenticates the caller and requires the scope of the
// operation.
//
// Without authentication only local callers reach the API, and requests of browsers are
// rejected: see [fromBrowser].
//
// Spec: RFC 6750 §2.1, §3.
func (h *Handler) Allow(o *Operation) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			by, holds, err := h.authorize(w.Header(), r, o)
			if err != nil {
				h.writeError(w, r, err)
				return
			}
			ctx := context.WithValue(r.Context(), actorKey{}, by)
			next.ServeHTTP(w, r.WithContext(context.WithValue(ctx, holdsKey{}, holds)))
		})
	}
}

// holdsKey is the context key of the function that reports whether the authenticated caller of a
// request holds a scope. A request is authenticated once, since it uses up the proof of a bound token.
type holdsKey struct{}

func (h *Handler) authorize(header http.Header, r *http.Request, o *Operation) (audit.Actor, scopeHolder, error) {
	anonymous := audit.Actor{Kind: audit.Anonymous}
	if h.access.noAuth && fromBrowser(r) {
		return anonymous, nil, errBrowser
	}
	if h.access.noAuth || o.Scope == "" {
		return anonymous, nil, nil
	}
	by, holds, err := h.access.authenticate(header, r)
	if err != nil {
		return anonymous, nil, err
	}
	if !holds(o.Scope) {
		if o.isAudited() {
			if err := h.recordDenied(r, o, by); err != nil {
				return anonymous, nil, err
			}
		}
		return anonymous, nil, insufficientScope(o.Scope)
	}
	return by, holds, nil
}

// scopeHolder reports whether a caller holds a scope.
type scopeHolder func(scope string) bool

// heldBy returns what the authenticated caller of a request holds: nothing, if there is none.
func heldBy(ctx context.Context) scopeHolder {
	if holds, _ := ctx.Value(holdsKey{}).(scopeHolder); holds != nil {
		return holds
	}
	return func(string) bool { return false }
}

// fromBrowser reports whether a page in a browser may have sent the request.
//
// Programs send no Origin header. DNS rebinding makes a browser send requests without
// Origin, but only with the host name of the attacker, so only localhost and IP addresses
// are accepted as the host. Browsers cannot use Unix sockets.
func fromBrowser(r *http.Request) bool {
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

// errBrowser reports a request of a browser to an API without authentication.
var errBrowser = &httpapi.Error{
	Status: http.StatusForbidden, Code: "request_forbidden",
	Description: "Browsers must not call this API. Other clients call it at localhost or an IP address.",
}

// access authenticates callers and checks their scopes.
type access struct {
	noAuth   bool
	apiKeys  *cache.Cache[string, *apikey.Key]
	resource *resource.Server
	clients  Clients
	now      func() time.Time
}

// authenticate authenticates the caller by an API key or an access token. The error is a
// [resource.Error] for a missing or invalid credential.
//
// Spec: RFC 6750 §2.1.
func (a *access) authenticate(header http.Header, r *http.Request) (audit.Actor, scopeHolder, error) {
	if text, err := httpapi.BearerToken(r); err == nil {
		if id, ok := apikey.Parse(text); ok {
			key, err := a.key(r.Context(), id, text)
			if errors.Is(err, apikey.ErrNotFound) {
				err = a.resource.InvalidToken(&resource.Token{}, err)
			}
			if err != nil {
				return audit.Actor{}, nil, err
			}
			return audit.Actor{Kind: audit.Key, ID: key.ID, Name: key.Name}, key.Allows, nil
		}
	}
	token, err := a.resource.Authenticate(header, r)
	if err != nil {
		return audit.Actor{}, nil, err
	}
	return a.clientToken(r.Context(), token)
}

// key returns the valid API key that the text presents.
func (a *access) key(ctx context.Context, id, text string) (*apikey.Key, error) {
	key, err := a.apiKeys.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !key.Matches(text, a.now()) {
		return nil, apikey.ErrNotFound
	}
	return key, nil
}

// clientToken authenticates a client by its own access token: one with a user, or for an assertion, does
// not operate the server. A client that registered itself has no access, regardless of its scopes: only
// an operator grants them.
func (a *access) clientToken(ctx context.Context, token *resource.Token) (audit.Actor, scopeHolder, error) {
	if token.Data != nil {
		return audit.Actor{}, nil, a.resource.InvalidToken(token, refusal.New(refusal.APIKeyInvalid, "the token has a user, or is for an assertion: it is not the client's own"))
	}
	c, err := a.clients.Client(ctx, token.ClientID)
	if errors.Is(err, client.ErrNotFound) || err == nil && c.Dynamic {
		return audit.Actor{}, nil, a.resource.InvalidToken(token, refusal.New(refusal.APIKeyInvalid, "the client was deleted, or registered itself"))
	}
	if err != nil {
		return audit.Actor{}, nil, err
	}
	// A scope that was removed from the client is invalid in its older tokens as well.
	holds := func(scope string) bool { return token.Allows(scope) && slices.Contains(c.Scopes(), scope) }
	return audit.Actor{Kind: audit.Token, ID: token.ClientID, Name: c.ClientName}, holds, nil
}

// holds reports whether the caller holds a scope.
func (a *access) holds(r *Request, scope string) bool {
	if caller, ok := callerOf(r.Context()); ok {
		return caller.Holds(scope)
	}
	return a.noAuth || heldBy(r.Context())(scope)
}

// authorizeScopeGrant returns an error if one of the clients has a scope of this API that
// the caller does not hold. A caller who sets the scopes or the secret of a client could
// otherwise get a token with more scopes than its own.
func (a *access) authorizeScopeGrant(r *Request, clients ...*client.Client) error {
	for _, scope := range apikey.Scopes() {
		for _, c := range clients {
			if slices.Contains(c.Scopes(), scope) && !a.holds(r, scope) {
				return insufficientScope(scope)
			}
		}
	}
	return nil
}

// roleGuards returns the functions for [manage.Users.Guard] and [manage.Users.GuardSignIn]. The
// caller needs the scopes of the roles of administrators, so that it gets no more rights through an
// account than it has. To change how an owner or administrator signs in, or to take away the role, it
// needs those of an owner: one administrator must not act in the name of another.
func (a *access) roleGuards(r *Request) (change func(before, after account.AdminRole) error, signIn func(account.AdminRole) error) {
	caller, inside := callerOf(r.Context())
	holds := caller.Holds
	switch {
	case inside:
	case a.noAuth:
		return func(_, _ account.AdminRole) error { return nil }, func(account.AdminRole) error { return nil }
	default:
		holds = heldBy(r.Context())
	}
	change = func(before, after account.AdminRole) error {
		if before != after && before == account.Administrator {
			before = account.Owner // without the role, an administrator could change how the account signs in
		}
		return needRoles(holds, before, after)
	}
	return change, func(role account.AdminRole) error {
		if role == account.Administrator {
			role = account.Owner
		}
		return needRoles(holds, role)
	}
}

// needRoles returns an error unless the caller has the scopes of the roles.
func needRoles(holds func(scope string) bool, roles ...account.AdminRole) error {
	var missing []string
	for _, role := range roles {
		missing = append(missing, slices.DeleteFunc(apikey.RoleScopes(role), holds)...)
	}
	if len(missing) > 0 {
		return insufficientScope(missing...)
	}
	return nil
}

const (
	// keyTTL bounds how long a key is cached: rows may be changed by hand, without a change
	// of the counter.
	keyTTL     = 2 * time.Second
	cachedKeys = 1000
)

// newKeyCache returns the cache of API keys. It stores no unknown IDs, so that guessing
// takes no memory.
func newKeyCache(c *Config) *cache.Cache[string, *apikey.Key] {
	return cache.New(cache.Config[string, *apikey.Key]{
		Size: cachedKeys, Changes: c.Changes, TTL: keyTTL, Now: c.Now,
		Read: func(ctx context.Context, id string) (*apikey.Key, error) { return c.APIKeys.APIKey(ctx, id) },
	})
}
