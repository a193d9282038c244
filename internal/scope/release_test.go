package scope

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/grant"
)

const user = `{
	"name":"Ada Lovelace","name#ja":"エイダ","nickname":"","website":"  ","gender":null,"updated_at":1700000000,
	"email":"ada@example.org","email_verified":false,"phone_number":"+44 1","groups":["staff"],"tenant":7,"shoe_size":38,
	"address":{"country":"UK","region":""},"picture":{}
}`

func accountClaims(t *testing.T) map[string]any {
	t.Helper()
	claims, err := DecodeClaims(json.RawMessage(user))
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestScopesReleaseTheirClaimsInTheirPlaces(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		scopes string
		place  Destination
		want   map[string]any
	}{
		"openid alone releases nothing": {"openid", Userinfo, map[string]any{}},
		"a scope releases its claims, and no empty ones": {"openid profile", Userinfo, map[string]any{
			"name": "Ada Lovelace", "name#ja": "エイダ", "updated_at": json.Number("1700000000"),
		}},
		"false is a claim":                   {"email", Userinfo, map[string]any{"email": "ada@example.org", "email_verified": false}},
		"an address without its empty parts": {"address", Userinfo, map[string]any{"address": map[string]any{"country": "UK"}}},
		"standard claims in the ID token":    {"email", IDToken, map[string]any{"email": "ada@example.org", "email_verified": false}},
		"but not in access tokens":           {"email phone profile", AccessToken, map[string]any{}},
		"an operator's scope":                {"groups", IDToken, map[string]any{"groups": []any{"staff"}}},
		"one that is for another place":      {"hr", IDToken, map[string]any{}},
		"one with a standard claim":          {"hr", Userinfo, map[string]any{"email": "ada@example.org", "groups": []any{"staff"}}},
		"one for services":                   {"api", AccessToken, map[string]any{"tenant": json.Number("7")}},
		"a scope without a record":           {"other", Userinfo, map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := testSet().ByScope(accountClaims(t), Access{Scopes: strings.Fields(tc.scopes)}, tc.place)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("claims differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClaimsAreReleasedByName(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		scopes, implied string
		request         string
		place           Destination
		want            map[string]any
	}{
		"in every language":                  {"openid profile", "", `{"userinfo":{"name":{"essential":true}}}`, Userinfo, map[string]any{"name": "Ada Lovelace", "name#ja": "エイダ"}},
		"in one language":                    {"openid", "profile", `{"userinfo":{"name#ja":null}}`, Userinfo, map[string]any{"name#ja": "エイダ"}},
		"in the ID token":                    {"openid", "email", `{"id_token":{"email":null}}`, IDToken, map[string]any{"email": "ada@example.org"}},
		"elsewhere":                          {"openid", "email", `{"id_token":{"email":null}}`, Userinfo, map[string]any{}},
		"never in access tokens":             {"openid", "email", `{"id_token":{"email":null},"userinfo":{"email":null}}`, AccessToken, map[string]any{}},
		"no scope stands for it":             {"openid", "", `{"userinfo":{"email":null}}`, Userinfo, map[string]any{}},
		"no scope releases it":               {"openid profile", "", `{"userinfo":{"shoe_size":null}}`, Userinfo, map[string]any{}},
		"the account does not have it":       {"openid profile", "", `{"userinfo":{"birthdate":{"essential":true},"nickname":null}}`, Userinfo, map[string]any{}},
		"unknown members make no difference": {"openid email", "", `{"userinfo":{"email":{"cats":1}},"x":7}`, Userinfo, map[string]any{"email": "ada@example.org"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			access := Access{Scopes: strings.Fields(tc.scopes), ClaimScopes: strings.Fields(tc.implied), Claims: request(t, tc.request)}
			if diff := cmp.Diff(tc.want, testSet().ByName(accountClaims(t), access, tc.place)); diff != "" {
				t.Errorf("claims differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnAccountWithoutClaimsHasItsUsername(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "null", "{}"} {
		held := &grant.WithAccount{Claims: json.RawMessage(raw), Username: "ada"}
		got, err := AccountClaims(held)
		if diff := cmp.Diff(map[string]any{"preferred_username": "ada"}, got); diff != "" || err != nil {
			t.Errorf("AccountClaims of %q, %v, differs (-want +got):\n%s", raw, err, diff)
		}
	}
	if _, err := AccountClaims(&grant.WithAccount{Claims: json.RawMessage(`[]`)}); err == nil {
		t.Error("claims that are no object: no error")
	}
}

func TestTheConsentAppHasTheLastWord(t *testing.T) {
	t.Parallel()
	held := &grant.WithAccount{}
	held.Authorization.ExtraClaims.IDToken = json.RawMessage(`{"email":"app@example.org","level":3}`)
	claims := map[string]any{"email": "ada@example.org", "name": "Ada"}
	if err := AddExtra(claims, held); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"email": "app@example.org", "name": "Ada", "level": json.Number("3")}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("claims differ (-want +got):\n%s", diff)
	}
}

func TestTheSetNamesScopesAndClaims(t *testing.T) {
	t.Parallel()
	set := testSet()
	want := "openid profile email address phone offline_access api clients:write groups hr"
	if got := strings.Join(set.Names(), " "); got != want {
		t.Errorf("Names() = %q, want %q", got, want)
	}
	claims := set.Claims(IDToken, Userinfo)
	if got := strings.Join(claims[len(claims)-4:], " "); got != "phone_number phone_number_verified groups department" {
		t.Errorf("Claims() ends with %q", got)
	}
	for claim, released := range map[string]bool{"groups": true, "tenant": true, "name#ja": true, "shoe_size": false, "sub": false} {
		if got := set.Releases(claim); got != released {
			t.Errorf("Releases(%q) = %v, want %v", claim, got, released)
		}
	}
}
