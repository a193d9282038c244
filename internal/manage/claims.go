package manage

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/scope"
)

// CheckClaims returns the faults of claims about a user: the standard claims of OpenID
// Connect Core section 5.1 have types, and protocol claims are rejected. All others may
// have any value.
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

// ReservedClaim is the kind of the claims that the server sets itself.
const ReservedClaim = "left out: it is the server's to set"

// ClaimKind returns what a claim must be; nothing if it may be anything. A claim
// may be in a language, as in name#ja (OpenID Connect Core section 5.2).
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
