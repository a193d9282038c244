package scope

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTheClaimsParameterIsValidated(t *testing.T) {
	t.Parallel()

	many := make(map[string]any)
	for i := range maxRequestNames + 1 {
		many[strings.Repeat("x", i+1)] = nil
	}
	tooMany, err := json.Marshal(map[string]any{"id_token": many})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		``:                                       true,
		`{}`:                                     true,
		`{"userinfo":null}`:                      true,
		`{"userinfo":{"a":null}}`:                true,
		`{"id_token":{"a":{"values":[1]}}}`:      true,
		`{"id_token":{"a":{"value":{}}}}`:        true,
		`null`:                                   false,
		`[]`:                                     false,
		`"x"`:                                    false,
		`{"userinfo":[]}`:                        false,
		`{"userinfo":{"a":true}}`:                false,
		`{"userinfo":{"a":{"essential":"yes"}}}`: false,
		`{"id_token":{"a":{"values":1}}}`:        false,
		string(tooMany):                          false,
		`{"x":"` + strings.Repeat("x", maxRequest) + `"}`: false,
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
