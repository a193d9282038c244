package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"
	foreign "golang.org/x/oauth2/jwt"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

const bearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// asserter is an issuer of assertions.
type asserter struct {
	s     *server
	name  string
	trust *trustedissuer.Trust
	sign  jose.Signer
}

// trusting makes an issuer that is trusted for a subject, or for anybody if that is
// empty, and a client that may bring its word.
func (s *server) trusting(subject string) *asserter {
	s.tb.Helper()
	s.bring(`{"client_id": "bearer", "client_secret": "` + otherSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["` + bearerGrant + `"], "scope": "api offline_access more", "audience": ["https://api.example"]}`)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.tb.Fatal(err)
	}
	a := &asserter{s: s, name: "https://issuer.example"}
	a.trust = &trustedissuer.Trust{
		ID: trustedissuer.NewID(), Issuer: a.name, Subject: subject, Scopes: []string{"api", "other"},
		Key: jose.JSONWebKey{Key: key.Public(), KeyID: "k"}, CreatedAt: s.time(), ExpiresAt: s.time().Add(24 * time.Hour),
	}
	if err := s.store.InsertTrust(s.tb.Context(), a.trust); err != nil {
		s.tb.Fatal(err)
	}
	if a.sign, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil); err != nil {
		s.tb.Fatal(err)
	}
	return a
}

// asserts returns a token request that brings an assertion of subject; changes are
// pairs of a claim and its value.
func (a *asserter) asserts(subject string, changes ...any) url.Values {
	a.s.tb.Helper()
	now := a.s.time()
	said := map[string]any{
		"iss": a.name, "sub": subject, "aud": a.s.url + "/oauth2/token", "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	for i := 0; i < len(changes); i += 2 {
		said[text(changes[i])] = changes[i+1]
	}
	signed, err := jwt.Signed(a.sign).Claims(said).Serialize()
	if err != nil {
		a.s.tb.Fatal(err)
	}
	return asPost("bearer", url.Values{"grant_type": {bearerGrant}, "assertion": {signed}, "scope": {"api"}})
}

func with(form url.Values, name string, values ...string) url.Values {
	form[name] = values
	return form
}

func TestAnIssuersWordGivesAToken(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, nil)
		a := s.trusting("")
		const path = "/oauth2/token"

		form := with(a.asserts("mike@example"), "scope", "openid api offline_access api")
		p := s.call(path, form)
		got := p.json(t)
		if p.status != http.StatusOK || got["scope"] != "api" || got["refresh_token"] != nil || got["id_token"] != nil ||
			got["token_type"] != "Bearer" || got["expires_in"] != 600.0 {
			t.Fatalf("token: %d %s", p.status, p.body)
		}
		token := got["access_token"]
		wantMembers(t, claims(t, token), object{
			"iss": s.url, "sub": "mike@example", "client_id": "bearer", "scope": "api",
			"aud": []any{s.url}, // and not whom the assertion was for
			"gid": nil, "auth_time": nil,
		})
		said := s.call("/oauth2/introspect", url.Values{"token": {text(token)}}).json(t)
		wantMembers(t, said, object{"active": true, "sub": "mike@example", "client_id": "bearer", "username": nil})
		if info := s.userinfo(token); info.status != http.StatusUnauthorized {
			t.Errorf("userinfo of somebody who never signed in: %d", info.status)
		}
		wantError(t, s.call(path, form), 400, "invalid_grant") // once

		p = s.call(path, with(a.asserts("mike"), "resource", "https://api.example"))
		wantMembers(t, claims(t, p.json(t)["access_token"]), object{"aud": []any{"https://api.example"}})
		p = s.call(path, with(a.asserts("mike"), "scope"))
		wantMembers(t, p.json(t), object{"scope": ""})

		// What the client has wrong does not cost it the assertion.
		for name, tc := range map[string]struct{ value, code string }{
			"scope":    {"api more", "invalid_scope"}, // the issuer's word does not go so far
			"resource": {"urn:other", "invalid_target"},
		} {
			form := a.asserts("mike")
			good := maps.Clone(form)
			wantError(t, s.call(path, with(form, name, tc.value)), 400, tc.code)
			if p := s.call(path, with(good, "scope", "api")); name == "scope" && p.status != http.StatusOK {
				t.Errorf("the assertion is lost after %s: %d %s", tc.code, p.status, p.body)
			}
		}
		wantError(t, s.call(path, with(a.asserts("mike"), "scope", "other")), 400, "invalid_scope") // the client has not registered it
		wantError(t, s.call(path, with(a.asserts("mike"), "assertion")), 400, "invalid_request")
		wantError(t, s.call(path, with(a.asserts("mike"), "assertion", "a.b.c")), 400, "invalid_grant")
		wantError(t, s.call(path, a.asserts("mike", "aud", []string{s.url, "https://other.example"})), 400, "invalid_grant")
		wantError(t, s.call(path, a.asserts("mike", "exp", s.time().Add(2*time.Hour).Unix())), 400, "invalid_grant")
		wantError(t, s.call(path, with(a.asserts("mike"), "client_secret", "wrong")), 401, "invalid_client")
		other := a.asserts("mike")
		other.Del("client_id")
		other.Del("client_secret")
		wantError(t, s.call(path, other), 400, "unauthorized_client") // web has not registered it
	})
}

// A resource server could take a token whose sub is a client_id for that client's own.
func TestAnIssuerDoesNotSpeakForClients(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, nil)
		a := s.trusting("")
		for _, subject := range []string{"web", "bearer"} {
			wantError(t, s.call("/oauth2/token", a.asserts(subject)), 400, "invalid_grant")
		}
		if p := s.call("/oauth2/token", a.asserts("webb")); p.status != http.StatusOK {
			t.Errorf("a subject that is no client_id: %d %s", p.status, p.body)
		}
	})
}

// Whatever takes back the trust, the client or the person takes the token back.
func TestWhatEndsATokenOfAnIssuersWord(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end func(s *server, a *asserter, token, subject string) error
		// again is what the next assertion gets; empty if it is served.
		again string
	}{
		"the client revokes it": {func(s *server, _ *asserter, token, _ string) error {
			s.call("/oauth2/revoke", asPost("bearer", url.Values{"token": {token}}))
			return nil
		}, ""},
		"the trust is deleted": {func(s *server, a *asserter, _, _ string) error {
			return s.store.DeleteTrust(s.tb.Context(), a.trust.ID)
		}, "invalid_grant"},
		"the client's tokens are ended": {func(s *server, _ *asserter, _, subject string) error {
			return s.store.EndClientTokens(s.tb.Context(), "bearer", s.time())
		}, ""},
		"the person is disabled": {func(s *server, _ *asserter, _, subject string) error {
			return s.store.SetDisabled(s.tb.Context(), subject, true, s.time())
		}, "invalid_grant"},
		"the person has a new password": {func(s *server, _ *asserter, _, subject string) error {
			return s.store.SetPassword(s.tb.Context(), subject, testHash(), s.time())
		}, ""},
		"its time is over": {func(s *server, _ *asserter, _, _ string) error {
			s.pass(10 * time.Minute)
			return nil
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, storetest.New(t), nil)
			a := s.trusting("")
			subject := adas(s)
			token := text(s.call("/oauth2/token", a.asserts(subject)).json(t)["access_token"])
			if s.pass(3 * time.Second); !s.active(token) {
				t.Fatal("the token is not active")
			}
			if err := tc.end(s, a, token, subject); err != nil {
				t.Fatal(err)
			}
			s.pass(3 * time.Second) // beyond what is remembered
			if s.active(token) {
				t.Error("the token is active")
			}
			p := s.call("/oauth2/token", a.asserts(subject))
			if got := text(p.json(t)["error"]); got != tc.again {
				t.Errorf("the next assertion gets %d %s, want %q", p.status, p.body, tc.again)
			}
		})
	}
}

// adas is the subject of the person ada.
func adas(s *server) string {
	s.tb.Helper()
	a, err := s.store.AccountByUsername(s.tb.Context(), "ada")
	if err != nil {
		s.tb.Fatal(err)
	}
	return a.Subject
}

// The assertion is the credential; a client that keeps no secret can bring one, too, if
// the operator says so, and one with a key proves who it is besides.
func TestAClientBringsAnAssertionAsItRegistered(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	a := s.trusting("")
	s.bring(`{"client_id": "public", "token_endpoint_auth_method": "none", "grant_types": ["` + bearerGrant + `"], "scope": "api"}`)
	signer := s.addAssertingClient()
	s.bring(describedAgain(t, s, "asserting", bearerGrant))
	public := a.asserts("mike")
	public.Del("client_secret")
	public.Set("client_id", "public")
	keyed := s.assertion(signer)
	for name, values := range a.asserts("mike") {
		if name == "grant_type" || name == "assertion" {
			keyed[name] = values
		}
	}
	for name, form := range map[string]url.Values{"none": public, "private_key_jwt": keyed} {
		if p := s.call("/oauth2/token", form); p.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, p.status, p.body)
		}
	}
}

// describedAgain returns a client that is there, with another grant type.
func describedAgain(tb testing.TB, s *server, id, grantType string) string {
	tb.Helper()
	c, err := s.store.Client(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return `{"client_id": "` + id + `", "token_endpoint_auth_method": "private_key_jwt", "grant_types": ["` + grantType + `"], "jwks": ` + string(c.JWKS) + `}`
}

func TestATokenEndsWithTheTrust(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	a := s.trusting("mike")
	wantError(t, s.call("/oauth2/token", a.asserts("nina")), 400, "invalid_grant")
	s.pass(24*time.Hour - 6*time.Minute)
	token := s.call("/oauth2/token", a.asserts("mike")).json(t)["access_token"]
	wantLasting(t, "a token of six minutes before the end", token, 6*time.Minute)
}

func TestClientsDoNotGiveThemselvesTheWordOfIssuers(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	p := s.send(t, http.MethodPost, "/connect/register", "", `{"grant_types":["`+bearerGrant+`"]}`)
	wantError(t, p, 400, "invalid_client_metadata")
	if !strings.Contains(s.browser().get("/.well-known/openid-configuration").body, bearerGrant) {
		t.Error("discovery does not list the grant type")
	}
}

// basic authenticates a library that knows of no client.
type basic struct{ id, secret string }

func (b basic) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(b.id, b.secret)
	return http.DefaultTransport.RoundTrip(r)
}

func TestAForeignLibraryGetsATokenForItsAssertion(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	s.bring(`{"client_id": "service", "client_secret": "` + otherSecret + `", "grant_types": ["` + bearerGrant + `"], "scope": "api"}`)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.InsertTrust(t.Context(), &trustedissuer.Trust{
		ID: trustedissuer.NewID(), Issuer: "service@project.example", Subject: "mike", Key: jose.JSONWebKey{Key: key.Public(), KeyID: "k"},
		CreatedAt: s.time(), ExpiresAt: s.time().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	config := foreign.Config{
		Email: "service@project.example", Subject: "mike", PrivateKeyID: "k", TokenURL: s.url + "/oauth2/token",
		PrivateKey:    pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		PrivateClaims: map[string]any{"jti": rand.Text()},
	}
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: basic{"service", otherSecret}})
	token, err := config.TokenSource(ctx).Token()
	if err != nil {
		t.Fatal(err)
	}
	if !s.active(token.AccessToken) || claims(t, token.AccessToken)["sub"] != "mike" {
		t.Errorf("the library got %v", token)
	}
	if _, err := config.TokenSource(ctx).Token(); err == nil {
		t.Error("the same jti served twice")
	}
}
