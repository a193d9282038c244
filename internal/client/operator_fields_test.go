package client

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOperatorFieldsAreValidated(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct{ text, member string }{
		"a lifespan":                   {`{"client_credentials_grant_access_token_lifespan":"90m","jwt_bearer_grant_access_token_lifespan":null,"implicit_grant_id_token_lifespan":""}`, ""},
		"a lifespan that is over":      {`{"implicit_grant_access_token_lifespan":"-1s"}`, "implicit_grant_access_token_lifespan"},
		"a lifespan without end":       {`{"refresh_token_grant_refresh_token_lifespan":"99999h"}`, "refresh_token_grant_refresh_token_lifespan"},
		"a lifespan in words":          {`{"refresh_token_grant_id_token_lifespan":"a day"}`, "refresh_token_grant_id_token_lifespan"},
		"a lifespan that is a number":  {`{"authorization_code_grant_id_token_lifespan":60}`, "authorization_code_grant_id_token_lifespan"},
		"an owner, and notes":          {`{"owner":"the shop team","metadata":[1,{"a":null}]}`, ""},
		"an owner who hides":           {`{"owner":"a\u202eb"}`, "owner"},
		"a theme":                      {`{"theme":{"product_name":"Shop","accent_color":"#0b57d0"}}`, ""},
		"a theme that is hard to read": {`{"theme":{"accent_color":"#ffff00"}}`, "theme"},
		"a theme that is a text":       {`{"theme":"blue"}`, "theme"},
		"optional scopes":              {`{"optional_scope":"email profile"}`, ""},
		"an optional openid":           {`{"optional_scope":"email openid"}`, "optional_scope"},
		"an optional scope of quotes":  {`{"optional_scope":"\""}`, "optional_scope"},
		"notes without end":            {`{"metadata":"` + strings.Repeat("a", maxNotes) + `"}`, "metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			members := map[string]json.RawMessage{"grant_types": json.RawMessage(`["client_credentials"]`)}
			if err := json.Unmarshal([]byte(tc.text), &members); err != nil {
				t.Fatal(err)
			}
			_, faults := ParseMetadata(members, Policy{})
			if (len(faults) > 0) != (tc.member != "") || len(faults) > 0 && faults[0].Member != tc.member {
				t.Errorf("%s: faults = %v, want one of %q", tc.text, faults, tc.member)
			}
			members["redirect_uris"] = json.RawMessage(`["https://rp.example/cb"]`)
			own, _ := ParseMetadata(members, Policy{SelfRegistered: true})
			if own.Owner != "" || own.Notes != nil || own.Theme != nil || own.Lifespans != (Lifespans{}) {
				t.Errorf("%s: a client gave itself %q, %s, %v", tc.text, own.Owner, own.Notes, own.Lifespans)
			}
		})
	}
}

func TestLifespanUsesGoDurationFormat(t *testing.T) {
	t.Parallel()

	m, faults := ParseMetadata(map[string]json.RawMessage{
		"redirect_uris": json.RawMessage(`["https://rp.example/cb"]`),
		"authorization_code_grant_access_token_lifespan": json.RawMessage(`"1h"`),
	}, Policy{})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	text, err := json.Marshal(m.Lifespans)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"authorization_code_grant_access_token_lifespan":"1h0m0s"}`; string(text) != want {
		t.Errorf("lifespans = %s, want %s", text, want)
	}
	var again Metadata
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m.Lifespans, again.Lifespans); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
}

func TestMarkOperatorScope(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		dynamic, before bool
		scope           string
		want            bool
	}{
		"another scope":            {true, false, "openid api", true},
		"the same scope":           {true, false, "openid", false},
		"the same scope, once set": {true, true, "openid", true},
		"of the operator's client": {false, false, "openid api", false},
	} {
		before := Metadata{Scope: "openid", OperatorScope: tc.before}
		c := &Client{Dynamic: tc.dynamic, Metadata: Metadata{Scope: tc.scope}}
		if c.MarkOperatorScope(&before); c.OperatorScope != tc.want {
			t.Errorf("%s: OperatorScope = %v, want %v", name, c.OperatorScope, tc.want)
		}
	}
	m := Metadata{OperatorScope: true}
	if m.Validate(Policy{SelfRegistered: true}); m.OperatorScope {
		t.Error("a client marks its scope as the operator's")
	}
}
