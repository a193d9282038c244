package scope

import (
	"strings"
	"testing"
)

func TestRecordsAreChecked(t *testing.T) {
	t.Parallel()
	profile := map[string][]Destination{"department": {Userinfo}}
	for _, claim := range StandardClaimsOf("profile") {
		profile[claim] = []Destination{Userinfo}
	}
	many := map[string][]Destination{}
	for i := range maxClaims + 1 {
		many[strings.Repeat("x", i+1)] = []Destination{Userinfo}
	}
	for name, tc := range map[string]struct {
		record Scope
		want   string // part of the error; empty if valid
	}{
		"a name alone":                         {Scope{Name: "hr"}, ""},
		"a URL as name, with claims":           {Scope{Name: "https://api.example/read", Claims: map[string][]Destination{"https://a.example/dept": Destinations()}}, ""},
		"a standard scope with one more claim": {Scope{Name: "profile", Claims: profile}, ""},
		"words for openid":                     {Scope{Name: "openid", Title: "Know you"}, ""},
		"no name":                              {Scope{}, "name"},
		"two names":                            {Scope{Name: "a b"}, "name"},
		"a quotation mark in the name":         {Scope{Name: `a"b`}, "name"},
		"a long name":                          {Scope{Name: strings.Repeat("a", maxName+1)}, "name"},
		"a title that is not shown as it is":   {Scope{Name: "a", Title: "See \u202ereversed"}, "title"},
		"a long title":                         {Scope{Name: "a", Title: strings.Repeat("a", maxTitle+1)}, "title"},
		"a line end in the description":        {Scope{Name: "a", Description: "a\nb"}, "description"},
		"too many claims":                      {Scope{Name: "a", Claims: many}, "claims must be at most"},
		"a claim of the protocol":              {Scope{Name: "a", Claims: map[string][]Destination{"sub": {Userinfo}}}, "sub"},
		"a claim of access tokens":             {Scope{Name: "a", Claims: map[string][]Destination{"scope": {AccessToken}}}, "scope"},
		"a protocol claim in capitals":         {Scope{Name: "a", Claims: map[string][]Destination{"GID": {AccessToken}}}, "gid"},
		"a protocol claim with a long s":       {Scope{Name: "a", Claims: map[string][]Destination{"ſcope": {AccessToken}}}, "scope"},
		"the state of a token":                 {Scope{Name: "a", Claims: map[string][]Destination{"Active": Destinations()}}, "active"},
		"a username in the ID token":           {Scope{Name: "a", Claims: map[string][]Destination{"username": {IDToken, Userinfo}}}, ""},
		"a claim without a name":               {Scope{Name: "a", Claims: map[string][]Destination{"": {Userinfo}}}, "names"},
		"a claim in no place":                  {Scope{Name: "a", Claims: map[string][]Destination{"b": nil}}, "place"},
		"an unknown place":                     {Scope{Name: "a", Claims: map[string][]Destination{"b": {"header"}}}, "id_token"},
		"a place twice":                        {Scope{Name: "a", Claims: map[string][]Destination{"b": {Userinfo, Userinfo}}}, "once"},
		"claims of openid":                     {Scope{Name: "openid", Claims: map[string][]Destination{"b": {Userinfo}}}, "openid"},
		"email without its claims":             {Scope{Name: "email", Claims: map[string][]Destination{"email": {Userinfo}}}, "email_verified"},
		"email in the ID token alone":          {Scope{Name: "email", Claims: map[string][]Destination{"email": {IDToken}, "email_verified": {Userinfo}}}, "userinfo"},
	} {
		err := tc.record.Check()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: Check() = %v, want %q", name, err, tc.want)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\"\\") {
			t.Errorf("%s: %q cannot be an error_description", name, err)
		}
	}
	for _, record := range standard() {
		if err := record.Check(); err != nil {
			t.Errorf("the built-in record of %s: %v", record.Name, err)
		}
	}
}
