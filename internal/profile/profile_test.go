package profile_test

import (
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/profile"
)

// The profile of a client counts only if it is at least as strict as that of the server.
func TestProfileOfClient(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ server, own, want profile.Profile }{
		{"off", "", ""},
		{"off", "fapi1-advanced", "fapi1-advanced"},
		{"baseline", "", "baseline"},
		{"baseline", "fapi1-advanced", "fapi1-advanced"},
		{"fapi2-security", "", "fapi2-security"},
		{"fapi2-security", "baseline", "fapi2-security"},
		{"fapi2-security", "fapi2-message-signing", "fapi2-message-signing"},
		{"fapi2-security", "fapi1-advanced", "fapi2-security"},
		{"fapi2-message-signing", "fapi2-security", "fapi2-message-signing"},
		{"fapi1-advanced", "fapi2-message-signing", "fapi1-advanced"},
	} {
		if got := tc.server.Of(tc.own); got != tc.want {
			t.Errorf("%q on a server with %q has %q, want %q", tc.own, tc.server, got, tc.want)
		}
	}
}

// Each profile has its rules, each with a text and a section that an error response may have.
func TestRules(t *testing.T) {
	t.Parallel()
	for p, want := range map[profile.Profile]string{
		"":                      "",
		"off":                   "",
		"baseline":              "response_type code_challenge redirect_uri",
		"fapi2-security":        "client_authentication sender_constraint assertion_audience pushed_request response_type code_challenge redirect_uri algorithm request_audience request_lifetime",
		"fapi2-message-signing": "client_authentication sender_constraint assertion_audience pushed_request response_type code_challenge redirect_uri algorithm signed_request request_audience request_lifetime signed_response",
		"fapi1-advanced":        "client_authentication certificate_binding response_type signed_response signed_request request_audience request_lifetime code_challenge scope nonce state redirect_uri algorithm",
	} {
		var rules []string
		for _, r := range p.Requirements() {
			rules = append(rules, string(r.Rule))
			if got, required := p.Requires(r.Rule); !required || got != r {
				t.Errorf("%s: %v is not found", p, r)
			}
			text := r.String()
			if r.Section == "" || strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
				t.Errorf("%q cannot be sent", text)
			}
		}
		if got := strings.Join(rules, " "); got != want {
			t.Errorf("%s has the rules %q, want %q", p, got, want)
		}
	}
}

// Spec: FAPI 2.0 §5.4.1, FAPI 1.0 Advanced §8.6.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	for p, refused := range map[profile.Profile]string{"off": "", "baseline": "", "fapi2-security": "RS256", "fapi1-advanced": "RS256 EdDSA"} {
		for _, alg := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
			if got := p.AllowsAlgorithm(alg); got == strings.Contains(refused, alg) {
				t.Errorf("%s allows %s: %t", p, alg, got)
			}
		}
	}
}
