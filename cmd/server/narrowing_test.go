package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const emailByName = `{"userinfo":{"email":null},"id_token":{"email":null}}`

// wantEmail compares what tokens tell of the user's email address.
func (s *server) wantEmail(what string, tokens object, want any) {
	s.tb.Helper()
	if tokens["id_token"] != nil {
		if got := claims(s.tb, tokens["id_token"])["email"]; got != want {
			s.tb.Errorf("%s: the ID token says %v, want %v", what, got, want)
		}
	}
	if got := s.userinfo(tokens["access_token"]).json(s.tb)["email"]; got != want {
		s.tb.Errorf("%s: userinfo says %v, want %v", what, got, want)
	}
}

// tokensOf exchanges a code of a client that authenticates by client_secret_basic.
func (s *server) tokensOf(id, secret, code string) object {
	s.tb.Helper()
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost, s.url+"/oauth2/token", strings.NewReader(exchanging(code).Encode()))
	if err != nil {
		s.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return send(s.tb, http.DefaultClient, r).json(s.tb)
}

// A claim requested by name needs a scope that the client may have, at each step.
func TestClaimsByNameAreHeldAgainstTheClientsScopes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, nil)
		const grown, shrunk = "openid profile email offline_access api", "openid profile offline_access api"
		form := asking("scope", "openid offline_access", "claims", emailByName)

		tokens := s.tokens(s.browser().code(form))
		s.wantEmail("a client that may have the scope", tokens, "ada@example.com")
		before := tokens["access_token"]

		s.rescope("web", shrunk)
		s.wantEmail("a client that may not", s.tokens(s.browser().code(form)), nil)
		s.wantEmail("an access token from before the scope was taken", object{"access_token": before}, nil)
		tokens = s.refresh(tokens["refresh_token"]).json(t)
		s.wantEmail("a refresh after the scope was taken", tokens, nil)

		// A code from before the scope was taken.
		s.rescope("web", grown)
		code := s.browser().code(form)
		s.rescope("web", shrunk)
		s.wantEmail("a code from before the scope was taken", s.tokens(code), nil)
	})
}

// The claims of a scope that was granted are not released when a refresh leaves it out.
func TestARefreshNarrowsClaimsToo(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	tokens := s.tokens(s.browser().code(asking("scope", "openid email offline_access", "claims", emailByName)))
	s.wantEmail("at first", tokens, "ada@example.com")
	tokens = s.refresh(tokens["refresh_token"], "scope", "openid offline_access").json(t)
	s.wantEmail("for less", tokens, nil)
	s.wantEmail("for everything again", s.refresh(tokens["refresh_token"]).json(t), "ada@example.com")
}

// A self-registered client gets no claims by name of scopes that such clients may not
// have, also where the configuration has changed since it registered.
func TestClaimsByNameAreHeldAgainstTheRegistrationScopes(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	s := start(t, db, nil)
	p := s.send(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["`+testCallback+`"],"scope":"openid profile email"}`)
	if p.status != http.StatusCreated {
		t.Fatalf("register: %d %s", p.status, p.body)
	}
	id, secret := text(p.json(t)["client_id"]), text(p.json(t)["client_secret"])
	tokens := func(s *server) object {
		t.Helper()
		return s.tokensOf(id, secret, s.browser().code(asking("client_id", id, "scope", "openid profile", "claims", emailByName)))
	}
	s.wantEmail("while registration_scopes has email", tokens(s), "ada@example.com")
	narrow := start(t, db, map[string]string{"registration_scopes": "openid profile", "default_scopes": "openid"})
	got := tokens(narrow)
	narrow.wantEmail("when it has not", got, nil)
	if got["scope"] != "openid profile" {
		t.Errorf("granted are %v", got["scope"])
	}
}

// A consent app is told the scopes that the claims parameter implies, and what it does
// not grant is not released.
func TestAConsentAppGrantsClaimsByName(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		s.people()
		s.declare(&scope.Scope{Name: "hr", Claims: map[string][]scope.Destination{"department": {scope.Userinfo}}})
		s.rescope("web", "openid profile email offline_access api hr")
		ada, err := s.store.AccountByUsername(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		form := asking("scope", "openid", "claims", `{"userinfo":{"email":null,"department":null,"phone_number":null}}`)
		for name, tc := range map[string]struct {
			grants []string
			want   object
		}{
			"all":          {[]string{"openid", "email", "hr"}, object{"email": "ada@example.com", "department": "engines"}},
			"one of them":  {[]string{"openid", "hr"}, object{"email": nil, "department": "engines"}},
			"none of them": {[]string{"openid"}, object{"email": nil, "department": nil}},
		} {
			b := s.browser()
			p := b.get("/oauth2/auth?" + form.Encode())
			p = b.signIn(s, p, object{"subject": ada.Subject})
			told := s.ask(http.MethodGet, "/oauth2/auth/requests/consent?consent_challenge="+s.consent(p), "").json(t)
			wantMembers(t, told, object{"requested_scope": []any{"openid", "hr", "email"}})
			p = b.agree(s, p, object{"grant_scope": tc.grants, "remember": true})
			tokens := s.tokens(codeOf(t, p))
			wantMembers(t, tokens, object{"scope": "openid"})
			t.Log(name)
			wantMembers(t, s.userinfo(tokens["access_token"]).json(t), tc.want)
		}
	})
}

// What a page has shown is what is granted: claims whose scope the client got while the
// user was reading are not.
func TestClaimsThatWereNotShownAreNotGranted(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	s.rescope("careful", "openid profile")
	b := s.browser()
	form := asking("client_id", "careful", "scope", "openid", "claims", `{"userinfo":{"email":null,"name":null}}`)
	p := b.get("/oauth2/auth?" + form.Encode())
	for !strings.HasPrefix(p.header.Get("Location"), s.url+"/consent") {
		page := b.get(p.header.Get("Location"))
		if page.status == http.StatusOK {
			page = b.post(page.action(), url.Values{"request": {page.field("request")}, "username": {"ada"}, "password": {testPassword}})
		}
		p = page
	}
	page := b.get(p.header.Get("Location"))
	if strings.Contains(page.body, "email address") || !strings.Contains(page.body, "your profile") {
		t.Errorf("the page shows not what the claims imply, within what the client may have:\n%s", page.body)
	}
	s.rescope("careful", "openid profile email")
	p = b.follow(b.post(page.action(), url.Values{"request": {page.field("request")}, "decision": {"accept"}}))
	got := s.userinfo(s.tokensOf("careful", "careful-secret-careful-secret-ca", codeOf(t, p))["access_token"]).json(t)
	wantMembers(t, got, object{"name": "Ada Lovelace", "email": nil})
}
