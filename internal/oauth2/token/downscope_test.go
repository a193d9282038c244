package token_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const emailByName = `{"userinfo":{"email":null},"id_token":{"email":null}}`

// wantEmail compares the email claim of ID token and userinfo response.
func wantEmail(s *servertest.Server, what string, tokens servertest.Object, want any) {
	s.TB.Helper()
	if tokens["id_token"] != nil {
		if got := servertest.Claims(s.TB, tokens["id_token"])["email"]; got != want {
			s.TB.Errorf("%s: the ID token says %v, want %v", what, got, want)
		}
	}
	if got := s.Userinfo(tokens["access_token"]).JSON(s.TB)["email"]; got != want {
		s.TB.Errorf("%s: userinfo says %v, want %v", what, got, want)
	}
}

// tokensOf exchanges a code of a client that authenticates by client_secret_basic.
func tokensOf(s *servertest.Server, id, secret, code string) servertest.Object {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), http.MethodPost, s.URL+"/oauth2/token", strings.NewReader(servertest.CodeExchange(code).Encode()))
	if err != nil {
		s.TB.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return servertest.Send(s.TB, http.DefaultClient, r).JSON(s.TB)
}

// A claim requested by name needs a scope that the client may have, at each step.
func TestRequestedClaimsNeedClientScopes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		const grown, shrunk = "openid profile email offline_access api", "openid profile offline_access api"
		form := servertest.AuthorizationRequest("scope", "openid offline_access", "claims", emailByName)

		tokens := s.ExchangeCode(s.NewBrowser().Code(form))
		wantEmail(s, "a client that may have the scope", tokens, "ada@example.com")
		before := tokens["access_token"]

		servertest.SetClientScope(s, "web", shrunk)
		wantEmail(s, "a client that may not", s.ExchangeCode(s.NewBrowser().Code(form)), nil)
		wantEmail(s, "an access token from before the scope was taken", servertest.Object{"access_token": before}, nil)
		tokens = s.Refresh(tokens["refresh_token"]).JSON(t)
		wantEmail(s, "a refresh after the scope was taken", tokens, nil)

		// A code from before the scope was taken.
		servertest.SetClientScope(s, "web", grown)
		code := s.NewBrowser().Code(form)
		servertest.SetClientScope(s, "web", shrunk)
		wantEmail(s, "a code from before the scope was taken", s.ExchangeCode(code), nil)
	})
}

// The claims of a scope that was granted are not released when a refresh leaves it out.
func TestRefreshDownscopesClaims(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	tokens := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest("scope", "openid email offline_access", "claims", emailByName)))
	wantEmail(s, "at first", tokens, "ada@example.com")
	tokens = s.Refresh(tokens["refresh_token"], "scope", "openid offline_access").JSON(t)
	wantEmail(s, "for less", tokens, nil)
	wantEmail(s, "for everything again", s.Refresh(tokens["refresh_token"]).JSON(t), "ada@example.com")
}

// Claims of scopes outside of registration_scopes are not released to dynamically registered
// clients, also after that setting changed.
func TestRequestedClaimsNeedRegistrationScopes(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	s := servertest.Start(t, db, nil)
	p := s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["`+servertest.RedirectURI+`"],"scope":"openid profile email"}`)
	if p.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", p.Status, p.Body)
	}
	id, secret := servertest.Text(p.JSON(t)["client_id"]), servertest.Text(p.JSON(t)["client_secret"])
	tokens := func(s *servertest.Server) servertest.Object {
		t.Helper()
		return tokensOf(s, id, secret, s.NewBrowser().Code(servertest.AuthorizationRequest("client_id", id, "scope", "openid profile", "claims", emailByName)))
	}
	wantEmail(s, "while registration_scopes has email", tokens(s), "ada@example.com")
	narrow := servertest.Start(t, db, map[string]string{"registration_scopes": "openid profile", "default_scopes": "openid"})
	got := tokens(narrow)
	wantEmail(narrow, "when it has not", got, nil)
	if got["scope"] != "openid profile" {
		t.Errorf("granted are %v", got["scope"])
	}
}

// The consent app receives the scopes that the claims parameter implies. Claims of scopes that
// it does not grant are not released.
func TestConsentAppGrantsRequestedClaims(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		importUser(s.Server)
		declare(s.Server, &scope.Scope{Name: "hr", Claims: map[string][]scope.Destination{"department": {scope.Userinfo}}})
		servertest.SetClientScope(s.Server, "web", "openid profile email offline_access api hr")
		ada, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		form := servertest.AuthorizationRequest("scope", "openid", "claims", `{"userinfo":{"email":null,"department":null,"phone_number":null}}`)
		for name, tc := range map[string]struct {
			grants []string
			want   servertest.Object
		}{
			"all":          {[]string{"openid", "email", "hr"}, servertest.Object{"email": "ada@example.com", "department": "engines"}},
			"one of them":  {[]string{"openid", "hr"}, servertest.Object{"email": nil, "department": "engines"}},
			"none of them": {[]string{"openid"}, servertest.Object{"email": nil, "department": nil}},
		} {
			b := s.NewBrowser()
			p := b.Get("/oauth2/auth?" + form.Encode())
			p = b.SignInByApp(s, p, servertest.Object{"subject": ada.Subject})
			told := s.CallAdmin(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+s.ConsentChallenge(p), "").JSON(t)
			servertest.WantMembers(t, told, servertest.Object{"requested_scope": []any{"openid", "hr", "email"}})
			p = b.ConsentByApp(s, p, servertest.Object{"grant_scope": tc.grants, "remember": true})
			tokens := s.ExchangeCode(servertest.CodeOf(t, p))
			servertest.WantMembers(t, tokens, servertest.Object{"scope": "openid"})
			t.Log(name)
			servertest.WantMembers(t, s.Userinfo(tokens["access_token"]).JSON(t), tc.want)
		}
	})
}

// Only claims that the consent page has shown are granted, not claims of scopes that the client
// got in between.
func TestClaimsNotShownAreNotGranted(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	servertest.SetClientScope(s, "careful", "openid profile")
	b := s.NewBrowser()
	form := servertest.AuthorizationRequest("client_id", "careful", "scope", "openid", "claims", `{"userinfo":{"email":null,"name":null}}`)
	p := b.Get("/oauth2/auth?" + form.Encode())
	for !strings.HasPrefix(p.Header.Get("Location"), s.URL+"/consent") {
		page := b.Get(p.Header.Get("Location"))
		if page.Status == http.StatusOK {
			page = b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {"ada"}, "password": {servertest.Password}})
		}
		p = page
	}
	page := b.Get(p.Header.Get("Location"))
	if strings.Contains(page.Body, "email address") || !strings.Contains(page.Body, "your profile") {
		t.Errorf("the page shows not what the claims imply, within what the client may have:\n%s", page.Body)
	}
	servertest.SetClientScope(s, "careful", "openid profile email")
	p = b.Follow(b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "decision": {"accept"}}))
	got := s.Userinfo(tokensOf(s, "careful", "careful-secret-careful-secret-ca", servertest.CodeOf(t, p))["access_token"]).JSON(t)
	servertest.WantMembers(t, got, servertest.Object{"name": "Ada Lovelace", "email": nil})
}
