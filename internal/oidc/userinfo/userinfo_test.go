package userinfo

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oidc/oidctest"
	"github.com/ostiary/ostiary/internal/outbound"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/unavailable"
	"github.com/ostiary/ostiary/pkg/resource"
)

// tokens is a fixed set of access tokens, because this package must not import oauth2.
type tokens map[string]*grant.WithAccount

func (k tokens) Lookup(_ context.Context, token string) (*resource.Token, error) {
	if token == "lost" {
		return nil, fmt.Errorf("read grant: %w", unavailable.New("connection refused"))
	}
	held, ok := k[token]
	if !ok {
		return nil, fmt.Errorf("read grant: %w", resource.ErrInactive)
	}
	seen := &resource.Token{Audience: []string{oidctest.Issuer}, Scopes: held.Scopes, ACR: held.Authorization.ACR, Data: held}
	if at := held.Authorization.AuthTime; at != 0 {
		seen.AuthTime = time.Unix(at, 0)
	}
	return seen, nil
}

// setTokens makes h accept the tokens.
func setTokens(tb testing.TB, h *Handler, known tokens) {
	tb.Helper()
	protected, err := resource.New(resource.Config{
		Resource: oidctest.Issuer + "/userinfo", Audience: []string{oidctest.Issuer}, Tokens: known, Realm: oidctest.Issuer, FormBody: true, Now: h.Now,
		SatisfiesACR: func(acr string, values []string) bool {
			_, ok := session.Strongest(acr, values)
			return ok
		},
	})
	if err != nil {
		tb.Fatal(err)
	}
	h.Resource = protected
}

func held(clientID, subject string, scopes ...string) *grant.WithAccount {
	return &grant.WithAccount{
		Grant:    grant.Grant{ClientID: clientID, Subject: subject, Scopes: scopes},
		Username: "ada", Claims: json.RawMessage(`{"name":"Ada","email":"ada@example.org","nickname":""}`),
	}
}

func userinfo(t *testing.T) (*Handler, *oidctest.Fixture) {
	t.Helper()
	r := oidctest.New(t)
	r.AddClient(t, "signed", client.Metadata{RedirectURIs: []string{"https://s.example/cb"}, UserinfoSignedResponseAlg: "ES256"})
	requesting := held("shop", "ada-subject", "openid")
	requesting.Authorization.Claims, requesting.Authorization.ClaimScopes = json.RawMessage(`{"userinfo":{"email":null}}`), []string{"email"}
	narrowed := held("narrow", "ada-subject", "openid", "profile")
	narrowed.Authorization = requesting.Authorization
	r.AddClient(t, "narrow", client.Metadata{RedirectURIs: []string{"https://n.example/cb"}, Scope: "openid"})
	fetcher, err := outbound.New(outbound.Config{})
	if err != nil {
		t.Fatal(err)
	}
	h := &Handler{
		Issuer: oidctest.Issuer, Clients: r.Store.Clients, Scopes: store.NewScopeCache(r.Store, func(records []*scope.Scope) *scope.Set { return scope.NewSet(records, nil, nil) }), Signer: r.Keys, Encrypter: outbound.Encrypter{Keys: outbound.NewKeySets(fetcher, time.Now)},
		Subjects: client.Subjects{Salt: []byte("salt")}, Now: func() time.Time { return r.Now }, Log: r.Logger(),
	}
	setTokens(t, h, tokens{
		"good":       held("shop", "ada-subject", "openid", "profile"),
		"requesting": requesting,
		"narrow":     narrowed,
		"signed":     held("signed", "ada-subject", "openid", "email"),
		"plain":      held("shop", "ada-subject", "profile"),
		"service":    held("shop", "", "openid"),
		"orphan":     held("gone", "ada-subject", "openid"),

		"encrypted":  held("encrypted", "ada-subject", "openid", "email"),
		"nested":     held("nested", "ada-subject", "openid", "email"),
		"keyless":    held("keyless", "ada-subject", "openid", "email"),
		"pairwise":   held("pairwise", "ada-subject", "openid"),
		"brother":    held("brother", "ada-subject", "openid"),
		"stranger":   held("stranger", "ada-subject", "openid"),
		"pairwise 2": held("pairwise", "bob-subject", "openid"),
	})
	return h, r
}

// ask sends a request whose form was parsed, as the layer in front leaves it.
func ask(t *testing.T, h http.Handler, method, query, form string, auth ...string) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequest(method, "/userinfo?"+query, strings.NewReader(form))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, value := range auth {
		req.Header.Add("Authorization", value)
	}
	if err := req.ParseForm(); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	if w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s may be cached", method, auth)
	}
	return w
}

func TestUserinfoReleasesGrantedClaims(t *testing.T) {
	t.Parallel()

	u, _ := userinfo(t)
	for name, tc := range map[string]struct {
		w    *httptest.ResponseRecorder
		want map[string]any
	}{
		"by header":                         {ask(t, u, "GET", "", "", "Bearer good"), map[string]any{"sub": "ada-subject", "aud": []any{"shop"}, "name": "Ada", "preferred_username": "ada"}},
		"in any case":                       {ask(t, u, "GET", "", "", "bEARER good"), map[string]any{"sub": "ada-subject", "aud": []any{"shop"}, "name": "Ada", "preferred_username": "ada"}},
		"by header of POST":                 {ask(t, u, "POST", "", "", "Bearer good"), map[string]any{"sub": "ada-subject", "aud": []any{"shop"}, "name": "Ada", "preferred_username": "ada"}},
		"by form":                           {ask(t, u, "POST", "", "access_token=good"), map[string]any{"sub": "ada-subject", "aud": []any{"shop"}, "name": "Ada", "preferred_username": "ada"}},
		"of a client that may have no more": {ask(t, u, "GET", "", "", "Bearer narrow"), map[string]any{"sub": "ada-subject", "aud": []any{"narrow"}}},
		"requested by name":                 {ask(t, u, "GET", "", "", "Bearer requesting"), map[string]any{"sub": "ada-subject", "aud": []any{"shop"}, "email": "ada@example.org"}},
	} {
		var got map[string]any
		if err := json.Unmarshal(tc.w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%s: %d %q: %v", name, tc.w.Code, tc.w.Body, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" || tc.w.Code != 200 || tc.w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d, claims differ (-want +got):\n%s", name, tc.w.Code, diff)
		}
	}
}

func TestSignedUserinfo(t *testing.T) {
	t.Parallel()

	u, r := userinfo(t)
	w := ask(t, u, "GET", "", "", "Bearer signed")
	payload, _, err := r.Keys.Verify(w.Body.String(), "JWT")
	if err != nil || w.Header().Get("Content-Type") != "application/jwt" {
		t.Fatalf("answer = %q of %s: %v", w.Body, w.Header().Get("Content-Type"), err)
	}
	var got map[string]any
	if err := json.Unmarshal(payload, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"sub": "ada-subject", "email": "ada@example.org", "iss": oidctest.Issuer, "aud": "signed", "iat": float64(r.Now.Unix()),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claims differ (-want +got):\n%s", diff)
	}
}

func TestEncryptedUserinfo(t *testing.T) {
	t.Parallel()

	u, r := userinfo(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "ours", Use: "enc"}}})
	if err != nil {
		t.Fatal(err)
	}
	for id, alg := range map[string]string{"encrypted": "none", "nested": "EdDSA"} {
		r.AddClient(t, id, client.Metadata{
			RedirectURIs: []string{"https://e.example/cb"}, JWKS: set, UserinfoSignedResponseAlg: alg,
			UserinfoEncryptedResponseAlg: "ECDH-ES+A256KW", UserinfoEncryptedResponseEnc: "A256GCM",
		})
	}
	open := func(token string) (content []byte, cty any) {
		t.Helper()
		w := ask(t, u, "GET", "", "", "Bearer "+token)
		object, err := jose.ParseEncryptedCompact(w.Body.String(), []jose.KeyAlgorithm{jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil || w.Header().Get("Content-Type") != "application/jwt" || object.Header.KeyID != "ours" {
			t.Fatalf("%s: %d %q of %s: %v; want a JWE for the key ours", token, w.Code, w.Body, w.Header().Get("Content-Type"), err)
		}
		if content, err = object.Decrypt(key); err != nil {
			t.Fatal(err)
		}
		return content, object.Header.ExtraHeaders[jose.HeaderContentType]
	}
	read := func(payload []byte) (claims map[string]any) {
		t.Helper()
		if err := json.Unmarshal(payload, &claims); err != nil {
			t.Fatal(err)
		}
		return claims
	}

	plain, cty := open("encrypted")
	want := map[string]any{"sub": "ada-subject", "aud": []any{"encrypted"}, "email": "ada@example.org"}
	if diff := cmp.Diff(want, read(plain)); diff != "" || cty != nil {
		t.Errorf("not signed: cty %v, claims differ (-want +got):\n%s", cty, diff)
	}
	signed, cty := open("nested")
	payload, _, err := r.Keys.Verify(string(signed), "JWT")
	if err != nil {
		t.Fatal(err)
	}
	want["iss"], want["aud"], want["iat"] = oidctest.Issuer, "nested", float64(r.Now.Unix())
	if diff := cmp.Diff(want, read(payload)); diff != "" || cty != "JWT" {
		t.Errorf("signed: cty %v, claims differ (-want +got):\n%s", cty, diff)
	}
}

func TestPairwiseSubjects(t *testing.T) {
	t.Parallel()

	u, r := userinfo(t)
	for id, uri := range map[string]string{"pairwise": "https://p.example/a", "brother": "https://p.example/b", "stranger": "https://q.example/"} {
		r.AddClient(t, id, client.Metadata{RedirectURIs: []string{uri}, SubjectType: client.Pairwise})
	}
	sub := func(token string) any {
		t.Helper()
		var claims map[string]any
		if err := json.Unmarshal(ask(t, u, "GET", "", "", "Bearer "+token).Body.Bytes(), &claims); err != nil {
			t.Fatal(err)
		}
		return claims["sub"]
	}
	own := sub("pairwise")
	if own == nil || own == "ada-subject" || own != sub("pairwise") || own != sub("brother") {
		t.Errorf("sub = %v, then %v, and of another client of the sector %v; want one pairwise subject", own, sub("pairwise"), sub("brother"))
	}
	if own == sub("stranger") || own == sub("pairwise 2") {
		t.Errorf("sub = %v of another sector too, or of another person", own)
	}
}

func TestUserinfoErrors(t *testing.T) {
	t.Parallel()

	u, r := userinfo(t)
	r.AddClient(t, "keyless", client.Metadata{
		RedirectURIs: []string{"https://k.example/cb"}, JWKSURI: "https://127.0.0.1/keys", UserinfoEncryptedResponseAlg: "ECDH-ES",
	})
	for name, tc := range map[string]struct {
		w         *httptest.ResponseRecorder
		status    int
		challenge string // a part of WWW-Authenticate
	}{
		"no token":                   {ask(t, u, "GET", "", ""), 401, `Bearer realm="`},
		"another scheme":             {ask(t, u, "GET", "", "", "Basic Z29vZA=="), 401, `Bearer realm="`},
		"an empty token":             {ask(t, u, "GET", "", "", "Bearer "), 401, `Bearer realm="`},
		"an unknown token":           {ask(t, u, "GET", "", "", "Bearer bad"), 401, `error="invalid_token"`},
		"a token without a user":     {ask(t, u, "GET", "", "", "Bearer service"), 401, `error="invalid_token"`},
		"a client that is gone":      {ask(t, u, "GET", "", "", "Bearer orphan"), 401, `error="invalid_token"`},
		"a token without openid":     {ask(t, u, "GET", "", "", "Bearer plain"), 403, `error="insufficient_scope"`},
		"a token in the query":       {ask(t, u, "GET", "access_token=good", ""), 400, `error="invalid_request"`},
		"in header and query":        {ask(t, u, "GET", "access_token=good", "", "Bearer good"), 400, `error="invalid_request"`},
		"in header and form":         {ask(t, u, "POST", "", "access_token=good", "Bearer good"), 400, `error="invalid_request"`},
		"in two headers":             {ask(t, u, "GET", "", "", "Bearer good", "Bearer good"), 400, `error="invalid_request"`},
		"no key to encrypt with":     {ask(t, u, "GET", "", "", "Bearer keyless"), 400, `error="invalid_request"`},
		"while the database is lost": {ask(t, u, "GET", "", "", "Bearer lost"), 503, ``},
	} {
		var body map[string]any
		if err := json.Unmarshal(tc.w.Body.Bytes(), &body); err != nil {
			t.Fatalf("%s: %q: %v", name, tc.w.Body, err)
		}
		challenge := tc.w.Header().Get("WWW-Authenticate")
		if tc.w.Code != tc.status || !strings.Contains(challenge, tc.challenge) || (challenge == "") != (tc.challenge == "") {
			t.Errorf("%s: %d %q, want %d with %q", name, tc.w.Code, challenge, tc.status, tc.challenge)
		}
		if strings.HasPrefix(tc.challenge, "Bearer realm") && strings.Contains(challenge, "error") {
			t.Errorf("%s: %q reveals more than the realm", name, challenge)
		}
		if tc.status == 503 && (body["error"] != "temporarily_unavailable" || tc.w.Header().Get("Retry-After") == "") {
			t.Errorf("%s: %v, want temporarily_unavailable and Retry-After", name, body)
		}
	}
	for _, token := range []string{"good", "bad"} {
		if strings.Contains(r.Log.String(), token+`"`) || strings.Contains(r.Log.String(), url.QueryEscape("Bearer "+token)) {
			t.Errorf("the log holds a token:\n%s", &r.Log)
		}
	}
}
