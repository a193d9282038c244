package oidc

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/grant"
)

const person = `{
	"name":"Ada Lovelace","name#ja":"エイダ","nickname":"","website":"  ","gender":null,"updated_at":1700000000,
	"email":"ada@example.org","email_verified":false,"phone_number":"+44 1","groups":["staff"],
	"address":{"country":"UK","region":""},"picture":{}
}`

func TestClaimsAreReleasedByScopeAndByName(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		scopes  string
		request string
		target  Target
		want    map[string]any
	}{
		"openid alone releases nothing": {"openid", "", InUserinfo, map[string]any{}},
		"a scope releases its claims, and no empty ones": {"openid profile", "", InUserinfo, map[string]any{
			"name": "Ada Lovelace", "name#ja": "エイダ", "updated_at": json.Number("1700000000"),
		}},
		"false is a claim":                        {"email", "", InUserinfo, map[string]any{"email": "ada@example.org", "email_verified": false}},
		"an address without its empty parts":      {"address", "", InUserinfo, map[string]any{"address": map[string]any{"country": "UK"}}},
		"scopes do not reach into the ID token":   {"openid profile email", "", InIDToken, map[string]any{}},
		"but into one that comes alone":           {"openid email", `{"id_token":{"name#ja":null}}`, InLoneIDToken, map[string]any{"email": "ada@example.org", "email_verified": false, "name#ja": "エイダ"}},
		"a claim asked for by name":               {"openid", `{"userinfo":{"name":{"essential":true}}}`, InUserinfo, map[string]any{"name": "Ada Lovelace", "name#ja": "エイダ"}},
		"a claim asked for in one language":       {"openid", `{"userinfo":{"name#ja":null}}`, InUserinfo, map[string]any{"name#ja": "エイダ"}},
		"a claim asked for in the ID token":       {"openid", `{"id_token":{"email":null}}`, InIDToken, map[string]any{"email": "ada@example.org"}},
		"a claim asked for elsewhere":             {"openid", `{"id_token":{"email":null}}`, InUserinfo, map[string]any{}},
		"a claim that no scope would release":     {"openid", `{"userinfo":{"groups":null}}`, InUserinfo, map[string]any{}},
		"a claim that is not there":               {"openid", `{"userinfo":{"birthdate":{"essential":true},"nickname":null}}`, InUserinfo, map[string]any{}},
		"members that nobody knows are no matter": {"openid", `{"userinfo":{"email":{"cats":1}},"x":7}`, InUserinfo, map[string]any{"email": "ada@example.org"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			account, err := accountClaims(json.RawMessage(person))
			if err != nil {
				t.Fatal(err)
			}
			var request *ClaimsRequest
			if tc.request != "" {
				if request, err = ParseClaimsRequest(tc.request); err != nil {
					t.Fatal(err)
				}
			}
			got := Select(account, strings.Fields(tc.scopes), request, tc.target)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("claims differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheIDTokenHoldsWhatWasAskedForInIt(t *testing.T) {
	t.Parallel()

	for requested, want := range map[string]map[string]any{
		"":                           nil,
		`{"userinfo":{"name":null}}`: {},
		`{"id_token":{"phone_number":{"essential":true},"acr":{"values":["x"]}}}`: {"phone_number": "+44 1"},
	} {
		held := &grant.Held{Claims: json.RawMessage(person), Grant: grant.Grant{Scopes: []string{"openid", "email"}}}
		held.Detail.Claims = json.RawMessage(requested)
		got, err := IDTokenClaims(held, false)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("for %s claims differ (-want +got):\n%s", requested, diff)
		}
	}
	held := &grant.Held{Username: "ada", Grant: grant.Grant{Scopes: []string{"openid", "profile"}}}
	if got, err := IDTokenClaims(held, true); err != nil || got["preferred_username"] != "ada" || len(got) != 1 {
		t.Errorf("alone: %v, %v; want the name to sign in with", got, err)
	}
	held.Detail.Claims = json.RawMessage(`[]`)
	if _, err := IDTokenClaims(held, false); err == nil {
		t.Error("a request that is no object: no error")
	}
}

func TestAPersonOfWhomNothingIsKnownHasNoClaims(t *testing.T) {
	t.Parallel()

	for _, raw := range []string{"", "null", "{}"} {
		got, err := accountClaims(json.RawMessage(raw))
		if diff := cmp.Diff(map[string]any{}, got); diff != "" || err != nil {
			t.Errorf("accountClaims(%q), %v, differs (-want +got):\n%s", raw, err, diff)
		}
	}
}

func TestTheClaimsParameterIsValidated(t *testing.T) {
	t.Parallel()

	many := make(map[string]any)
	for i := range maxClaimsNames + 1 {
		many[strings.Repeat("x", i+1)] = nil
	}
	tooMany, err := json.Marshal(map[string]any{"id_token": many})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		`{}`:                                     true,
		`{"userinfo":null}`:                      true,
		`{"userinfo":{"a":null}}`:                true,
		`{"id_token":{"a":{"values":[1]}}}`:      true,
		`{"id_token":{"a":{"value":{}}}}`:        true,
		``:                                       false,
		`null`:                                   false,
		`[]`:                                     false,
		`"x"`:                                    false,
		`{"userinfo":[]}`:                        false,
		`{"userinfo":{"a":true}}`:                false,
		`{"userinfo":{"a":{"essential":"yes"}}}`: false,
		`{"id_token":{"a":{"values":1}}}`:        false,
		string(tooMany):                          false,
		`{"x":"` + strings.Repeat("x", maxClaims) + `"}`: false,
	} {
		_, err := ParseClaimsRequest(text)
		if got := err == nil; got != want {
			t.Errorf("ParseClaimsRequest(%.60s): err = %v, want accepted = %v", text, err, want)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\"\\") {
			t.Errorf("err %q cannot be an error_description", err)
		}
	}
}

func TestAClaimsRequestNamesTheScopesItStandsFor(t *testing.T) {
	t.Parallel()

	r, err := ParseClaimsRequest(`{"userinfo":{"phone_number":null,"groups":null},"id_token":{"name#ja":null,"acr":null}}`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"profile", "phone"}, r.Scopes()); diff != "" {
		t.Errorf("scopes differ (-want +got):\n%s", diff)
	}
	var none *ClaimsRequest
	if got := none.Scopes(); len(got) != 0 {
		t.Errorf("no request stands for %v", got)
	}
}
