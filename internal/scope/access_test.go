package scope

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
)

// testSet has two scopes of an operator's, of which hr is open to clients that registered
// themselves.
func testSet() *Set {
	return NewSet([]*Scope{
		{Name: "groups", Claims: map[string][]Destination{"groups": {IDToken, Userinfo}}},
		{Name: "hr", SelfRegistration: true, Claims: map[string][]Destination{"department": {Userinfo}, "email": {Userinfo}, "groups": {Userinfo}}},
		{Name: "api", Claims: map[string][]Destination{"tenant": {AccessToken, Introspection}}},
		{Name: "clients:write", SelfRegistration: true},
	}, []string{"openid", "email", "clients:read"}, []string{"clients:read", "clients:write"})
}

func request(t *testing.T, text string) ClaimsRequest {
	t.Helper()
	r, err := ParseClaimsRequest(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestClaimsByNameNeedAScopeThatTheClientMayHave(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		scopes, claims, allowed string
		consents, kept          string
	}{
		"no claims":                           {"openid", ``, "openid email", "openid", ``},
		"a claim that implies its scope":      {"openid", `{"userinfo":{"email":null}}`, "openid email", "openid email", `{"userinfo":{"email":null}}`},
		"a claim whose scope is requested":    {"openid email", `{"id_token":{"email":{"essential":true}}}`, "openid email", "openid email", `{"id_token":{"email":{"essential":true}}}`},
		"a claim that the client may not get": {"openid", `{"userinfo":{"email":null,"name":null}}`, "openid profile", "openid profile", `{"userinfo":{"name":null}}`},
		"none that it may get":                {"openid", `{"userinfo":{"email":null}}`, "openid", "openid", ``},
		"a standard claim needs its standard scope, whatever else releases it": {"openid hr", `{"userinfo":{"email":null}}`, "openid hr", "openid hr", ``},
		"a claim of an operator's scope":                                       {"openid", `{"userinfo":{"department":null}}`, "openid hr", "openid hr", `{"userinfo":{"department":null}}`},
		"a claim of two scopes implies one":                                    {"openid", `{"userinfo":{"groups":null}}`, "openid groups hr", "openid groups", `{"userinfo":{"groups":null}}`},
		"a claim of two scopes, one of which is there":                         {"openid hr", `{"userinfo":{"groups":null}}`, "openid groups hr", "openid hr", `{"userinfo":{"groups":null}}`},
		"a claim for services alone":                                           {"openid", `{"userinfo":{"tenant":null}}`, "openid api", "openid", ``},
		"a claim of the protocol":                                              {"openid", `{"id_token":{"acr":{"essential":true},"sub":null}}`, "openid", "openid", ``},
		"a claim in a language":                                                {"openid", `{"userinfo":{"name#ja":null}}`, "openid profile", "openid profile", `{"userinfo":{"name#ja":null}}`},
		"a scope that the client may not have":                                 {"openid email", ``, "openid", "openid", ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := testSet().Request(strings.Fields(tc.scopes), nil, request(t, tc.claims), Limits{Scopes: strings.Fields(tc.allowed)})
			if consents := strings.Join(got.ScopesToConsent(), " "); consents != tc.consents {
				t.Errorf("Consents() = %q, want %q", consents, tc.consents)
			}
			var kept grant.Authorization
			got.StoreIn(&kept)
			if string(kept.Claims) != tc.kept {
				t.Errorf("kept are the claims %s, want %s", kept.Claims, tc.kept)
			}
		})
	}
}

func TestWhatRidesBesideScopesIsNarrowedWithThem(t *testing.T) {
	t.Parallel()
	whole := Access{
		Scopes: []string{"openid", "hr"}, ClaimScopes: []string{"email"}, Resources: []string{"https://a.example", "https://b.example"},
		Claims: request(t, `{"userinfo":{"email":null,"department":null},"id_token":{"email":null}}`),
	}
	for name, tc := range map[string]struct {
		limits Limits
		want   Access
	}{
		"nothing is taken": {
			Limits{Scopes: []string{"openid", "hr", "email"}, Resources: whole.Resources}, whole,
		},
		"the implied scope is taken": {
			Limits{Scopes: []string{"openid", "hr"}, Resources: whole.Resources},
			Access{
				Scopes: []string{"openid", "hr"}, ClaimScopes: []string{}, Resources: whole.Resources,
				Claims: request(t, `{"userinfo":{"department":null},"id_token":{}}`),
			},
		},
		"a requested scope and a resource are taken": {
			Limits{Scopes: []string{"openid", "email", "profile"}, Resources: []string{"https://b.example"}},
			Access{
				Scopes: []string{"openid"}, ClaimScopes: []string{"email"}, Resources: []string{"https://b.example"},
				Claims: request(t, `{"userinfo":{"email":null},"id_token":{"email":null}}`),
			},
		},
		"everything is taken": {
			Limits{}, Access{Scopes: []string{}, ClaimScopes: []string{}, Resources: []string{}, Claims: request(t, `{"userinfo":{},"id_token":{}}`)},
		},
	} {
		if diff := cmp.Diff(tc.want, testSet().Downscope(whole, tc.limits)); diff != "" {
			t.Errorf("%s: Narrow differs (-want +got):\n%s", name, diff)
		}
	}
}

func TestAGrantKeepsWhatNarrowingLeft(t *testing.T) {
	t.Parallel()
	a := testSet().Request([]string{"openid"}, nil, request(t, `{"userinfo":{"email":{"values":["x"],"essential":true},"name":null}}`),
		Limits{Scopes: []string{"openid", "email"}})
	g := &grant.Grant{Scopes: a.Scopes}
	a.StoreIn(&g.Authorization)
	got, err := AccessOf(g)
	if err != nil {
		t.Fatal(err)
	}
	a.Claims.IDToken, a.Resources = nil, nil
	if diff := cmp.Diff(a, got); diff != "" {
		t.Errorf("what was kept differs (-want +got):\n%s", diff)
	}
	g.Authorization.Claims = []byte(`[]`)
	if _, err := AccessOf(g); err == nil {
		t.Error("a request that is no object: no error")
	}
}

func TestSelfRegisteredClientsHaveWhatTheyMayRegister(t *testing.T) {
	t.Parallel()
	c := &client.Client{Metadata: client.Metadata{Scope: "openid email hr groups clients:read clients:write"}}
	for name, tc := range map[string]struct {
		dynamic, operators bool
		want               string
	}{
		"the operator's client":                {false, false, c.Scope},
		"registered itself":                    {true, false, "openid email hr"},
		"registered itself, scope by operator": {true, true, c.Scope},
	} {
		c.Dynamic, c.OperatorScope = tc.dynamic, tc.operators
		if got := strings.Join(testSet().Allowed(c), " "); got != tc.want {
			t.Errorf("%s: Allowed() = %q, want %q", name, got, tc.want)
		}
	}
}
