package token_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// declare adds the record of a scope, as an operator does, and lets the server see it.
func declare(s *servertest.Server, records ...*scope.Scope) {
	s.TB.Helper()
	for _, record := range records {
		if err := record.Check(); err != nil {
			s.TB.Fatal(err)
		}
		record.CreatedAt, record.UpdatedAt = s.Time(), s.Time()
		put := s.Store.Scopes.InsertScope
		if scope.IsStandard(record.Name) {
			put = func(ctx context.Context, record *scope.Scope) error {
				return s.Store.Scopes.UpdateScope(ctx, record, nil)
			}
		}
		if err := put(s.TB.Context(), record); err != nil {
			s.TB.Fatal(err)
		}
	}
}

// everywhere is a claim that is released in all places.
func everywhere(claims ...string) map[string][]scope.Destination {
	all := map[string][]scope.Destination{}
	for _, claim := range claims {
		all[claim] = scope.Destinations()
	}
	return all
}

// importUser imports a user with custom claims.
func importUser(s *servertest.Server) {
	s.TB.Helper()
	const users = `[{"username": "ada", "claims": {"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true,
		"groups": ["staff", "math"], "department": "engines", "https://claims.example/tenant": 7}}]`
	if _, _, err := s.ImportUsers([]byte(users)); err != nil {
		s.TB.Fatal(err)
	}
}

func TestOperatorScopesReleaseClaims(t *testing.T) {
	t.Parallel()
	for name, opaque := range map[string]string{"JWT access tokens": "jwt", "opaque access tokens": "opaque"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				s := servertest.Start(t, db, map[string]string{"access_token_format": opaque})
				importUser(s)
				declare(s,
					&scope.Scope{Name: "hr", Title: "See where you work", Claims: everywhere("department", "https://claims.example/tenant")},
					&scope.Scope{Name: "internal", Claims: map[string][]scope.Destination{"department": {scope.Introspection}}},
				)
				servertest.SetClientScope(s, "web", "openid offline_access groups hr internal")

				all := servertest.Object{"groups": []any{"staff", "math"}, "department": "engines", "https://claims.example/tenant": 7.0}
				none := servertest.Object{"groups": nil, "department": nil, "https://claims.example/tenant": nil, "name": nil}
				for scopes, want := range map[string]struct{ userinfo, access, introspection servertest.Object }{
					"openid":           {none, none, none},
					"openid groups hr": {all, servertest.Object{"groups": nil, "department": "engines", "https://claims.example/tenant": 7.0}, servertest.Object{"groups": nil, "department": "engines"}},
					"openid internal":  {none, none, servertest.Object{"department": "engines", "groups": nil}},
				} {
					tokens := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest("scope", scopes)))
					servertest.WantMembers(t, s.Userinfo(tokens["access_token"]).JSON(t), want.userinfo)
					if opaque == "jwt" {
						servertest.WantMembers(t, servertest.Claims(t, tokens["access_token"]), want.access)
					}
					servertest.WantMembers(t, s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(tokens["access_token"])}}).JSON(t), want.introspection)
				}
			})
		})
	}
}

// Operator-defined scopes are in discovery and on the consent page.
func TestOperatorScopesAreDescribed(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	document := func() string { return s.NewBrowser().Get("/.well-known/openid-configuration").Body }
	if before := document(); !strings.Contains(before, `"groups"`) || strings.Contains(before, "department") {
		t.Errorf("from the start discovery says %s", before)
	}
	email := &scope.Scope{Name: "email", Title: "Read your address for letters", Claims: everywhere("email", "email_verified", "mailbox")}
	declare(s,
		&scope.Scope{Name: "hr", Title: "See where you work", Description: "Your department and desk.", Claims: everywhere("department")},
		&scope.Scope{Name: "desk", Claims: everywhere("desk", "chair")}, email,
	)
	if after := document(); !strings.Contains(after, `"department"`) || !strings.Contains(after, `"hr"`) {
		t.Errorf("discovery does not follow: %s", after)
	}
	servertest.SetClientScope(s, "careful", "openid email hr desk unknown")
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest()) // signs in
	page := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "careful", "scope", "openid email hr desk unknown").Encode()).Location().String())
	for _, words := range []string{
		"See where you work", "Your department and desk.", "It can see: chair, desk.", "Read your address for letters", "It can also see: mailbox.",
		"This permission has no description",
	} {
		if !strings.Contains(page.Body, words) {
			t.Errorf("the consent page lacks %q", words)
		}
	}
}

// Dynamically registered clients may have the configured scopes and scopes marked for
// registration, but no scopes of the admin API.
func TestScopesOfSelfRegisteredClients(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"registration_scopes": "openid email", "default_scopes": "openid"})
	declare(s,
		&scope.Scope{Name: "open", SelfRegistration: true}, &scope.Scope{Name: "shut"},
		&scope.Scope{Name: "clients:write", SelfRegistration: true},
	)
	register := func(scope string) servertest.Object {
		t.Helper()
		p := s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://client.example/"],"scope":"`+scope+`"}`)
		if p.Status != http.StatusCreated {
			t.Fatalf("register: %d %s", p.Status, p.Body)
		}
		return p.JSON(t)
	}
	if got := register("openid email profile open shut clients:write groups")["scope"]; got != "openid email open" {
		t.Errorf("registered are the scopes %q", got)
	}
}
