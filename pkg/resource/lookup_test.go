package resource_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/pkg/resource"
)

// wantLookup checks the error of a lookup: nil, ErrInactive or, for errUnavailable, any other.
func wantLookup(t *testing.T, what string, l resource.Lookup, token string, want error) {
	t.Helper()
	got, err := l.Lookup(t.Context(), token)
	inactive := errors.Is(err, resource.ErrInactive)
	if (got == nil) != (want != nil) || (err == nil) != (want == nil) || inactive != errors.Is(want, resource.ErrInactive) {
		t.Errorf("%s: %v, %v, want %v", what, got, err, want)
	}
}

var errUnavailable = errors.New("the issuer cannot be reached")

// The keys are fetched once for many requests, again after a while, and are used while the issuer is
// down.
func TestKeysAreCached(t *testing.T) {
	t.Parallel()
	i, at, one, two := &issuer{}, newClock(), newSigner(t, "one"), newSigner(t, "two")
	i.keys = []jose.JSONWebKey{one.public()}
	v := newJWT(t, i, at)
	old, recent := one.token(t, members{"exp": noon.Add(24 * time.Hour).Unix()}), two.token(t, members{"exp": noon.Add(24 * time.Hour).Unix()})
	fetches := func(want int) {
		t.Helper()
		if got := i.requests("/.well-known/oauth-authorization-server"); got != want {
			t.Errorf("%d fetches, want %d", got, want)
		}
	}
	wantLookup(t, "first", v, old, nil)
	wantLookup(t, "again", v, old, nil)
	fetches(1)

	at.advance(6 * time.Second)
	wantLookup(t, "a new key, not yet published", v, recent, resource.ErrInactive)
	fetches(2)
	i.set(func() { i.keys = append(i.keys, two.public()) })
	at.advance(6 * time.Second)
	wantLookup(t, "a kid that was unknown before", v, recent, resource.ErrInactive)
	fetches(2)
	at.advance(time.Minute)
	wantLookup(t, "a minute later", v, recent, nil)
	fetches(3)

	i.set(func() { i.down = true })
	at.advance(5 * time.Minute)
	wantLookup(t, "issuer is down", v, old, nil)
	wantLookup(t, "issuer is down, again", v, old, nil)
	wantLookup(t, "issuer is down, unknown kid", v, newSigner(t, "three").token(t, nil), errUnavailable)
	fetches(4)
	at.advance(time.Hour)
	wantLookup(t, "issuer is down for long", v, old, errUnavailable)

	i.set(func() { i.down, i.keys = false, []jose.JSONWebKey{two.public()} })
	at.advance(6 * time.Second)
	wantLookup(t, "a key that was withdrawn", v, old, resource.ErrInactive)
	wantLookup(t, "the other", v, recent, nil)
}

// Tokens with unknown kids cause no more than one fetch in five seconds, regardless of their number.
func TestUnknownKIDs(t *testing.T) {
	t.Parallel()
	i, at, key := &issuer{}, newClock(), newSigner(t, "one")
	i.keys = []jose.JSONWebKey{key.public()}
	v := newJWT(t, i, at)
	wantLookup(t, "good", v, key.token(t, nil), nil)
	at.advance(time.Minute)
	for n := range 2000 {
		unknown := signer{fmt.Sprint("kid-", n%1500), key.key}
		wantLookup(t, "unknown", v, unknown.token(t, nil), resource.ErrInactive)
	}
	if got := i.requests("/keys"); got != 2 {
		t.Errorf("%d fetches, want 2", got)
	}
	wantLookup(t, "good", v, key.token(t, nil), nil)
}

// Concurrent requests share one fetch, and one that is cancelled does not end it for the others.
func TestFetchIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		proceed := make(chan struct{})
		at, key := newClock(), newSigner(t, "one")
		i := &issuer{keys: []jose.JSONWebKey{key.public()}, wait: proceed}
		v, token := newJWT(t, i, at), key.token(t, nil)
		ctx, cancel := context.WithCancel(t.Context())
		var cancelled error
		go func() { _, cancelled = v.Lookup(ctx, token) }()
		synctest.Wait()
		results := make(chan error, 20)
		for range 20 {
			go func() {
				_, err := v.Lookup(t.Context(), token)
				results <- err
			}()
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !errors.Is(cancelled, context.Canceled) {
			t.Errorf("the cancelled request: %v", cancelled)
		}
		close(proceed)
		for range 20 {
			if err := <-results; err != nil {
				t.Error(err)
			}
		}
		if got := i.requests("/keys"); got != 1 {
			t.Errorf("%d fetches, want 1", got)
		}
	})
}

// A set may have keys that are not understood; a document of another issuer is not one of it.
func TestDocumentsOfTheIssuer(t *testing.T) {
	t.Parallel()
	i, at, key := &issuer{}, newClock(), newSigner(t, "one")
	i.keys = []jose.JSONWebKey{key.public()}
	other, err := resource.NewJWT(resource.JWTConfig{Issuer: "https://id.example/other", HTTPClient: &http.Client{Transport: i}, Now: at.now})
	if err != nil {
		t.Fatal(err)
	}
	wantLookup(t, "the metadata has another issuer", other, key.token(t, members{"iss": "https://id.example/other"}), errUnavailable)
	private := jose.JSONWebKey{Key: key.key, KeyID: "one"}
	i.set(func() { i.keys = []jose.JSONWebKey{private} })
	wantLookup(t, "a private key", newJWT(t, i, at), key.token(t, nil), resource.ErrInactive)
	direct, err := resource.NewJWT(resource.JWTConfig{Issuer: issuerID, KeysURL: issuerID + "/keys", HTTPClient: &http.Client{Transport: i}, Now: at.now})
	if err != nil {
		t.Fatal(err)
	}
	i.set(func() { i.keys = []jose.JSONWebKey{key.public()} })
	before := i.requests("/.well-known/oauth-authorization-server")
	wantLookup(t, "without metadata", direct, key.token(t, nil), nil)
	if i.requests("/.well-known/oauth-authorization-server") != before {
		t.Error("the metadata was fetched")
	}
}

func newIntrospection(tb testing.TB, i *issuer, at *clock, changes ...func(*resource.IntrospectionConfig)) *resource.Introspection {
	tb.Helper()
	c := resource.IntrospectionConfig{
		Issuer: issuerID, Authentication: resource.ClientSecret("or ders", "se:cret"), HTTPClient: &http.Client{Transport: i}, Now: at.now,
	}
	for _, change := range changes {
		change(&c)
	}
	l, err := resource.NewIntrospection(c)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// Each row is an introspection response.
//
// Spec: RFC 7662 §2.2.
func TestIntrospectionResponses(t *testing.T) {
	t.Parallel()
	active := with(claims(), members{"active": true, "token_type": "Bearer"})
	for name, tc := range map[string]struct {
		response members
		want     error
	}{
		"active":                    {active, nil},
		"inactive":                  {members{"active": false}, resource.ErrInactive},
		"inactive, with claims":     {with(active, members{"active": false}), resource.ErrInactive},
		"active is a text":          {with(active, members{"active": "true"}), errUnavailable},
		"no active":                 {with(active, members{"active": nil}), errUnavailable},
		"a refresh token":           {with(active, members{"token_use": "refresh_token"}), resource.ErrInactive},
		"another issuer":            {with(active, members{"iss": "https://other.example"}), resource.ErrInactive},
		"no issuer":                 {with(active, members{"iss": nil}), nil},
		"expired":                   {with(active, members{"exp": noon.Unix()}), resource.ErrInactive},
		"no exp":                    {with(active, members{"exp": nil}), nil},
		"an audience of numbers":    {with(active, members{"aud": []int{1}}), resource.ErrInactive},
		"not allowed to introspect": {nil, errUnavailable},
	} {
		i, at := &issuer{inform: func(*http.Request) members { return tc.response }}, newClock()
		wantLookup(t, name, newIntrospection(t, i, at), "token", tc.want)
	}
	i := &issuer{inform: func(*http.Request) members { return with(active, members{"cnf": members{"jkt": "x"}}) }}
	got, err := newIntrospection(t, i, newClock()).Lookup(t.Context(), "token")
	if err != nil || got.Subject != "ada" || got.Confirmation.JKT != "x" || got.ACR != "1" || !got.AuthTime.Equal(noon.Add(-time.Minute)) || len(got.Scopes) != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

// Responses are cached for a short time, those about inactive tokens too, and failures are not.
func TestIntrospectionIsCached(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	response := with(claims(), members{"active": true, "exp": noon.Add(7 * time.Second).Unix()})
	i, at := &issuer{}, newClock()
	i.inform = func(r *http.Request) members {
		mu.Lock()
		defer mu.Unlock()
		if id, secret, _ := r.BasicAuth(); id != "or+ders" || secret != "se%3Acret" || r.PostForm.Get("token") == "" {
			return nil
		}
		return response
	}
	l := newIntrospection(t, i, at)
	asked := func(want int) {
		t.Helper()
		if got := i.requests("/introspect"); got != want {
			t.Errorf("%d calls, want %d", got, want)
		}
	}
	wantLookup(t, "first", l, "a", nil)
	wantLookup(t, "second", l, "a", nil)
	wantLookup(t, "another", l, "b", nil)
	asked(2)
	at.advance(5 * time.Second)
	wantLookup(t, "later", l, "a", nil)
	asked(3)
	at.advance(2 * time.Second)
	wantLookup(t, "when it expires", l, "a", resource.ErrInactive)
	asked(4)
	mu.Lock()
	response = members{"active": false}
	mu.Unlock()
	for range 3 {
		wantLookup(t, "inactive", l, "c", resource.ErrInactive)
	}
	asked(5)
	i.set(func() { i.down = true })
	for range 2 {
		wantLookup(t, "issuer is down", l, "d", errUnavailable)
	}
	asked(7)
	if wantLookup(t, "too long", l, strings.Repeat("x", 17<<10), resource.ErrInactive); i.requests("/introspect") != 7 {
		t.Error("a long token was sent")
	}
	i.set(func() { i.down = false })
	off := newIntrospection(t, i, at, func(c *resource.IntrospectionConfig) { c.CacheFor, c.Endpoint = -1, issuerID+"/introspect" })
	wantLookup(t, "without a cache", off, "e", resource.ErrInactive)
	wantLookup(t, "without a cache", off, "e", resource.ErrInactive)
	asked(9)
}

// Spec: RFC 7523 §2.2, RFC 10070.
func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	key, i := newSigner(t, "mine"), &issuer{}
	var sent string
	i.inform = func(r *http.Request) members {
		sent = r.PostForm.Get("client_assertion")
		return members{"active": false}
	}
	authentication, err := resource.PrivateKeyJWT("orders", issuerID, jose.JSONWebKey{Key: key.key, KeyID: "mine", Algorithm: "ES256"})
	if err != nil {
		t.Fatal(err)
	}
	l := newIntrospection(t, i, newClock(), func(c *resource.IntrospectionConfig) { c.Authentication = authentication })
	wantLookup(t, "inactive", l, "a", resource.ErrInactive)
	signed, err := jose.ParseSignedCompact(sent, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		t.Fatal(err)
	}
	payload, err := signed.Verify(key.key.Public())
	header := signed.Signatures[0].Protected
	if err != nil || header.KeyID != "mine" || header.ExtraHeaders["typ"] != "client-authentication+jwt" || !strings.Contains(string(payload), `"aud":"https://id.example"`) {
		t.Errorf("%s %+v %v", payload, header, err)
	}
	if _, err := resource.PrivateKeyJWT("orders", issuerID, jose.JSONWebKey{Key: key.key}); err == nil {
		t.Error("a key without an algorithm: no error")
	}
}

// answering answers every request with a body.
type answering string

func (a answering) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	_, err := w.WriteString(string(a))
	return w.Result(), err
}

// No introspection response makes a token active that it does not describe as active, with a subject of
// the right type.
func FuzzIntrospection(f *testing.F) {
	f.Add(`{"active":true,"sub":"ada","aud":["a"],"exp":9999999999,"cnf":{"jkt":"x"}}`)
	f.Add(`{"active":false}`)
	f.Add(`{"active":true,"active":false}`)
	f.Add(`{"active":true,"aud":{},"scp":[1],"exp":1e400,"cnf":[]}`)
	f.Fuzz(func(t *testing.T, body string) {
		l, err := resource.NewIntrospection(resource.IntrospectionConfig{
			Issuer: issuerID, Endpoint: issuerID + "/introspect", HTTPClient: &http.Client{Transport: answering(body)},
			Authentication: resource.ClientSecret("a", "b"), Now: newClock().now,
		})
		if err != nil {
			t.Fatal(err)
		}
		token, err := l.Lookup(t.Context(), "token")
		if (token == nil) == (err == nil) || token != nil && (token.Claims["active"] != true || !token.Expiry.IsZero() && !token.Expiry.After(noon)) {
			t.Errorf("%s: %+v, %v", body, token, err)
		}
	})
}
