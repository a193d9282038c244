package manage_test

import (
	"errors"
	"testing"

	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/scope"
)

// A standard claim has the type of OpenID Connect Core §5.1, a claim of the protocol has no
// valid value, and any other claim has any value.
func TestCheckClaims(t *testing.T) {
	t.Parallel()
	values := map[string]any{
		"string": "x", "bool": true, "number": 1.5, "object": map[string]any{"country": "CH"}, "array": []any{"x"},
		"mixed": map[string]any{"country": 1.0}, "null": nil,
	}
	for name, valid := range map[string][]string{
		"email": {"string", "null"}, "name#ja": {"string", "null"},
		"email_verified": {"bool", "null"}, "phone_number_verified": {"bool", "null"},
		"updated_at": {"number", "null"},
		"address":    {"object", "null"}, "address#de": {"object", "null"},
		"department": {"string", "bool", "number", "object", "array", "mixed", "null"},
		"sub":        {}, "aud": {}, "cnf": {}, "client_id": {}, "scope": {}, "events": {}, "sub#x": {},
	} {
		want := map[string]bool{}
		for _, kind := range valid {
			want[kind] = true
		}
		got := map[string]bool{}
		for kind, value := range values {
			if manage.CheckClaims(map[string]any{name: value}) == nil {
				got[kind] = true
			}
		}
		wantSame(t, "valid values of "+name, got, want)
	}
	for _, name := range scope.StandardClaims() {
		if name != "sub" && (manage.ClaimKind(name) == "" || manage.ClaimKind(name) == manage.ReservedClaim) {
			t.Errorf("ClaimKind(%q) = %q, want a type", name, manage.ClaimKind(name))
		}
	}
	faults := manage.CheckClaims(map[string]any{"zoneinfo": 1.0, "address": map[string]any{"country": 1.0}, "email": "x"})
	wantSame(t, "faults", errors.Join(faults...).Error(), "claims.address must be an object of strings\nclaims.zoneinfo must be a string")
}
