package token_test

import (
	"context"
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
	"golang.org/x/oauth2"
	foreign "golang.org/x/oauth2/jwt"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

func with(form url.Values, name string, values ...string) url.Values {
	form[name] = values
	return form
}

func TestJWTBearerGrant(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		a := servertest.NewAssertionIssuer(s, "")
		const path = "/oauth2/token"

		form := with(a.TokenRequest("mike@example"), "scope", "openid api offline_access api")
		p := s.PostForm(path, form)
		got := p.JSON(t)
		if p.Status != http.StatusOK || got["scope"] != "api" || got["refresh_token"] != nil || got["id_token"] != nil ||
			got["token_type"] != "Bearer" || got["expires_in"] != 600.0 {
			t.Fatalf("token: %d %s", p.Status, p.Body)
		}
		token := got["access_token"]
		servertest.WantMembers(t, servertest.Claims(t, token), servertest.Object{
			"iss": s.URL, "sub": "mike@example", "client_id": "bearer", "scope": "api",
			"aud": []any{s.URL}, // and not the aud of the assertion
			"gid": nil, "auth_time": nil,
		})
		claims := s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(token)}}).JSON(t)
		servertest.WantMembers(t, claims, servertest.Object{"active": true, "sub": "mike@example", "client_id": "bearer", "username": nil})
		if info := s.Userinfo(token); info.Status != http.StatusUnauthorized {
			t.Errorf("userinfo of somebody who never signed in: %d", info.Status)
		}
		servertest.WantError(t, s.PostForm(path, form), 400, "invalid_grant") // once

		p = s.PostForm(path, with(a.TokenRequest("mike"), "resource", "https://api.example"))
		servertest.WantMembers(t, servertest.Claims(t, p.JSON(t)["access_token"]), servertest.Object{"aud": []any{"https://api.example"}})
		p = s.PostForm(path, with(a.TokenRequest("mike"), "scope"))
		servertest.WantMembers(t, p.JSON(t), servertest.Object{"scope": ""})

		// An invalid request does not use up the assertion.
		for name, tc := range map[string]struct{ value, code string }{
			"scope":    {"api more", "invalid_scope"}, // the issuer's word does not go so far
			"resource": {"urn:other", "invalid_target"},
		} {
			form := a.TokenRequest("mike")
			good := maps.Clone(form)
			servertest.WantError(t, s.PostForm(path, with(form, name, tc.value)), 400, tc.code)
			if p := s.PostForm(path, with(good, "scope", "api")); name == "scope" && p.Status != http.StatusOK {
				t.Errorf("the assertion is lost after %s: %d %s", tc.code, p.Status, p.Body)
			}
		}
		servertest.WantError(t, s.PostForm(path, with(a.TokenRequest("mike"), "scope", "other")), 400, "invalid_scope") // the client has not registered it
		servertest.WantError(t, s.PostForm(path, with(a.TokenRequest("mike"), "assertion")), 400, "invalid_request")
		servertest.WantError(t, s.PostForm(path, with(a.TokenRequest("mike"), "assertion", "a.b.c")), 400, "invalid_grant")
		servertest.WantError(t, s.PostForm(path, a.TokenRequest("mike", "aud", []string{s.URL, "https://other.example"})), 400, "invalid_grant")
		servertest.WantError(t, s.PostForm(path, a.TokenRequest("mike", "exp", s.Time().Add(2*time.Hour).Unix())), 400, "invalid_grant")
		servertest.WantError(t, s.PostForm(path, with(a.TokenRequest("mike"), "client_secret", "wrong")), 401, "invalid_client")
		other := a.TokenRequest("mike")
		other.Del("client_id")
		other.Del("client_secret")
		servertest.WantError(t, s.PostForm(path, other), 400, "unauthorized_client") // web has not registered it
	})
}

// Only members of the allowed groups of a client get tokens, with each grant that has a subject.
func TestTokenEndpointChecksAllowedGroups(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithDeviceClients(t, db, nil)
		a := servertest.NewAssertionIssuer(s, "")
		s.Populate()
		ada := servertest.SubjectOf(t, s, "ada")
		servertest.Must(t, db.Groups.InsertGroup(t.Context(), &account.Group{Name: "staff", CreatedAt: s.Time(), UpdatedAt: s.Time()}))
		setGroups := func(groups ...string) {
			t.Helper()
			_, err := db.Accounts.ChangeAccount(t.Context(), ada, s.Time(), func(a *account.Account) error {
				a.Groups = groups
				return nil
			})
			servertest.Must(t, err)
		}
		setGroups("staff")
		for _, id := range []string{"bearer", "web", "tv"} {
			c, err := db.Clients.Client(t.Context(), id)
			servertest.Must(t, err)
			c.AllowedGroups = []string{"staff"}
			servertest.Must(t, db.Clients.UpdateClient(t.Context(), c))
		}
		if p := s.PostForm("/oauth2/token", a.TokenRequest(ada)); p.Status != http.StatusOK {
			t.Errorf("the assertion for a member: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.PostForm("/oauth2/token", a.TokenRequest("mike@example")), 400, "invalid_grant") // has no account

		b := s.NewBrowser()
		code := b.Code(servertest.AuthorizationRequest())
		d := servertest.AuthorizeDevice(s, servertest.DeviceClientForm("scope", "openid"))
		p := b.Follow(b.EnterUserCode(d, "continue"))
		if strings.HasPrefix(p.Header.Get("Location"), s.URL+"/consent") {
			b.AnswerConsent(p, "accept")
		}
		setGroups()
		servertest.WantError(t, s.PostForm("/oauth2/token", a.TokenRequest(ada)), 400, "invalid_grant")
		servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(code)), 400, "invalid_grant")
		servertest.WantError(t, d.Poll(), 400, "invalid_grant")
	})
}

// A resource server could take a token whose sub is a client_id for that client's own.
func TestJWTBearerSubjectIsNotAClientID(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		a := servertest.NewAssertionIssuer(s, "")
		for _, subject := range []string{"web", "bearer"} {
			servertest.WantError(t, s.PostForm("/oauth2/token", a.TokenRequest(subject)), 400, "invalid_grant")
		}
		if p := s.PostForm("/oauth2/token", a.TokenRequest("webb")); p.Status != http.StatusOK {
			t.Errorf("a subject that is no client_id: %d %s", p.Status, p.Body)
		}
	})
}

// Deleting or disabling the trusted issuer, the client or the account revokes the token.
func TestJWTBearerTokenRevocation(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		end func(s *servertest.Server, a *servertest.AssertionIssuer, token, subject string) error
		// again is the error code for the next assertion; empty for tokens.
		again string
	}{
		"the client revokes it": {func(s *servertest.Server, _ *servertest.AssertionIssuer, token, _ string) error {
			s.PostForm("/oauth2/revoke", servertest.AsPost("bearer", url.Values{"token": {token}}))
			return nil
		}, ""},
		"the trust is deleted": {func(s *servertest.Server, a *servertest.AssertionIssuer, _, _ string) error {
			return s.Store.TrustedIssuers.DeleteTrust(s.TB.Context(), a.Trust.ID)
		}, "invalid_grant"},
		"the client's tokens are ended": {func(s *servertest.Server, _ *servertest.AssertionIssuer, _, subject string) error {
			return s.Store.Clients.EndClientTokens(s.TB.Context(), "bearer", s.Time())
		}, ""},
		"the person is disabled": {func(s *servertest.Server, _ *servertest.AssertionIssuer, _, subject string) error {
			return s.Store.Accounts.SetDisabled(s.TB.Context(), subject, true, s.Time())
		}, "invalid_grant"},
		"the person has a new password": {func(s *servertest.Server, _ *servertest.AssertionIssuer, _, subject string) error {
			return s.Store.Accounts.SetPassword(s.TB.Context(), subject, servertest.PasswordHash(), s.Time())
		}, ""},
		"its time is over": {func(s *servertest.Server, _ *servertest.AssertionIssuer, _, _ string) error {
			s.Advance(10 * time.Minute)
			return nil
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Start(t, storetest.New(t), nil)
			a := servertest.NewAssertionIssuer(s, "")
			subject := adas(s)
			token := servertest.Text(s.PostForm("/oauth2/token", a.TokenRequest(subject)).JSON(t)["access_token"])
			if s.Advance(3 * time.Second); !s.IsActive(token) {
				t.Fatal("the token is not active")
			}
			if err := tc.end(s, a, token, subject); err != nil {
				t.Fatal(err)
			}
			s.Advance(3 * time.Second) // longer than the cache
			if s.IsActive(token) {
				t.Error("the token is active")
			}
			p := s.PostForm("/oauth2/token", a.TokenRequest(subject))
			if got := servertest.Text(p.JSON(t)["error"]); got != tc.again {
				t.Errorf("the next assertion gets %d %s, want %q", p.Status, p.Body, tc.again)
			}
		})
	}
}

// adas returns the subject of the user ada.
func adas(s *servertest.Server) string {
	s.TB.Helper()
	a, err := s.Store.Accounts.AccountByUsername(s.TB.Context(), "ada")
	if err != nil {
		s.TB.Fatal(err)
	}
	return a.Subject
}

// The client must have registered the grant type, and authenticates as it registered: a public
// client by its client_id, other clients by secret or key.
func TestJWTBearerGrantRequiresRegistration(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	a := servertest.NewAssertionIssuer(s, "")
	s.ImportClient(`{"client_id": "public", "token_endpoint_auth_method": "none", "grant_types": ["` + servertest.JWTBearerGrant + `"], "scope": "api"}`)
	signer := servertest.AddPrivateKeyJWTClient(s)
	s.ImportClient(describedAgain(t, s, "asserting", servertest.JWTBearerGrant))
	public := a.TokenRequest("mike")
	public.Del("client_secret")
	public.Set("client_id", "public")
	keyed := servertest.PrivateKeyJWTForm(s, signer)
	for name, values := range a.TokenRequest("mike") {
		if name == "grant_type" || name == "assertion" {
			keyed[name] = values
		}
	}
	for name, form := range map[string]url.Values{"none": public, "private_key_jwt": keyed} {
		if p := s.PostForm("/oauth2/token", form); p.Status != http.StatusOK {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
}

// describedAgain returns a client that is there, with another grant type.
func describedAgain(tb testing.TB, s *servertest.Server, id, grantType string) string {
	tb.Helper()
	c, err := s.Store.Clients.Client(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return `{"client_id": "` + id + `", "token_endpoint_auth_method": "private_key_jwt", "grant_types": ["` + grantType + `"], "jwks": ` + string(c.JWKS) + `}`
}

func TestJWTBearerTokenEndsWithTrust(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	a := servertest.NewAssertionIssuer(s, "mike")
	servertest.WantError(t, s.PostForm("/oauth2/token", a.TokenRequest("nina")), 400, "invalid_grant")
	s.Advance(24*time.Hour - 6*time.Minute)
	token := s.PostForm("/oauth2/token", a.TokenRequest("mike")).JSON(t)["access_token"]
	wantLasting(t, "a token of six minutes before the end", token, 6*time.Minute)
}

func TestSelfRegisteredClientsCannotUseJWTBearer(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	p := s.Call(t, http.MethodPost, "/connect/register", "", `{"grant_types":["`+servertest.JWTBearerGrant+`"]}`)
	servertest.WantError(t, p, 400, "invalid_client_metadata")
	if !strings.Contains(s.NewBrowser().Get("/.well-known/openid-configuration").Body, servertest.JWTBearerGrant) {
		t.Error("discovery does not list the grant type")
	}
}

// basic adds client authentication to the requests of a library.
type basic struct{ id, secret string }

func (b basic) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.SetBasicAuth(b.id, b.secret)
	return http.DefaultTransport.RoundTrip(r)
}

func TestJWTBearerWithXOAuth2(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	s.ImportClient(`{"client_id": "service", "client_secret": "` + servertest.OtherSecret + `", "grant_types": ["` + servertest.JWTBearerGrant + `"], "scope": "api"}`)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Store.TrustedIssuers.InsertTrust(t.Context(), &trustedissuer.Trust{
		ID: trustedissuer.NewID(), Issuer: "service@project.example", Subject: "mike", Key: jose.JSONWebKey{Key: key.Public(), KeyID: "k"},
		CreatedAt: s.Time(), ExpiresAt: s.Time().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	config := foreign.Config{
		Email: "service@project.example", Subject: "mike", PrivateKeyID: "k", TokenURL: s.URL + "/oauth2/token",
		PrivateKey:    pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		PrivateClaims: map[string]any{"jti": rand.Text()},
	}
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, &http.Client{Transport: basic{"service", servertest.OtherSecret}})
	token, err := config.TokenSource(ctx).Token()
	if err != nil {
		t.Fatal(err)
	}
	if !s.IsActive(token.AccessToken) || servertest.Claims(t, token.AccessToken)["sub"] != "mike" {
		t.Errorf("the library got %v", token)
	}
	if _, err := config.TokenSource(ctx).Token(); err == nil {
		t.Error("the same jti served twice")
	}
}
