package manage

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/scope"
)

// CheckClaims returns an error for each invalid claim about a user: a standard claim with a
// wrong type, or a claim that the protocol defines. Other claims may have any value.
//
// Spec: OpenID Connect Core §5.1.
func CheckClaims(claims map[string]any) []error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		want := ClaimKind(name)
		var ok bool
		switch value := claims[name].(type) {
		case nil:
			ok = want != ReservedClaim
		case string:
			ok = want == "a string" || want == ""
		case bool:
			ok = want == "true or false" || want == ""
		case float64:
			ok = want == "a number" || want == ""
		case map[string]any:
			ok = want == "an object" || want == ""
			if ok && want != "" {
				ok = !slices.ContainsFunc(slices.Collect(maps.Values(value)), func(v any) bool { _, text := v.(string); return !text })
				want = "an object of strings"
			}
		default:
			ok = want == ""
		}
		if !ok {
			faults = append(faults, fmt.Errorf("claims.%s must be %s", name, want))
		}
	}
	return faults
}

// ReservedClaim is the kind of claims that only the server sets.
const ReservedClaim = "absent: the server sets it"

// ClaimKind returns the type that a claim must have, for use in an error message, or an empty
// string if it may have any type. The name may have a language tag, such as name#ja.
//
// Spec: OpenID Connect Core §5.2.
func ClaimKind(name string) string {
	base, _, _ := strings.Cut(name, "#")
	switch base {
	case "email_verified", "phone_number_verified":
		return "true or false"
	case "updated_at":
		return "a number"
	case "address":
		return "an object"
	case "sub", "iss", "aud", "exp", "nbf", "iat", "jti", "auth_time", "nonce", "acr", "amr", "azp", "sid",
		"at_hash", "c_hash", "s_hash", "cnf", "client_id", "scope", "events":
		return ReservedClaim
	}
	if slices.Contains(scope.StandardClaims(), base) {
		return "a string"
	}
	return ""
}
