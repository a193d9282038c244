package refusal_test

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/refusal"
)

var update = flag.Bool("update", false, "write the table of docs/refusals.md")

// rules returns the rules of rules.go, in their order.
func rules(t *testing.T) []refusal.Rule {
	t.Helper()
	source, err := os.ReadFile("rules.go")
	if err != nil {
		t.Fatal(err)
	}
	var all []refusal.Rule
	for _, found := range regexp.MustCompile(`Rule += "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
		all = append(all, refusal.Rule(found[1]))
	}
	if len(all) < 50 {
		t.Fatalf("found %d rules: the test does not parse rules.go", len(all))
	}
	return all
}

// Each rule has a sentence for administrators, and a place among the checks of an endpoint unless any
// check can fail with it.
func TestEachRuleIsExplained(t *testing.T) {
	t.Parallel()
	placed := map[refusal.Rule]bool{}
	for _, rule := range refusal.ByAnyCheck() {
		placed[rule] = true
	}
	for _, endpoint := range refusal.Endpoints() {
		for _, check := range endpoint.Checks {
			if check.Name == "" || len(check.Rules) == 0 {
				t.Errorf("%s: the check %+v has no name or no rule", endpoint.Name, check)
			}
			for _, rule := range check.Rules {
				placed[rule] = true
			}
		}
	}
	noFix := []refusal.Rule{ // the decision of a user, or of a browser that somebody attacks
		refusal.DeviceDenied, refusal.BackchannelDenied, refusal.AccessDenied, refusal.SignUpInvalid, refusal.BodyTooSlow, refusal.NotNavigation,
	}
	all := rules(t)
	for _, rule := range all {
		e := rule.Explanation()
		if !strings.HasSuffix(e.Meaning, ".") {
			t.Errorf("%s has the meaning %q, want a sentence", rule, e.Meaning)
		}
		if (e.Fix == "") != slices.Contains(noFix, rule) {
			t.Errorf("%s has the fix %q", rule, e.Fix)
		}
		if !placed[rule] {
			t.Errorf("%s is in no check of an endpoint", rule)
		}
		delete(placed, rule)
	}
	if len(placed) > 0 {
		t.Errorf("checks have rules that do not exist: %v", placed)
	}
}

// docs/refusals.md explains each rule, and only existing rules.
func TestEachRuleIsDocumented(t *testing.T) {
	t.Parallel()
	const page = "../../docs/refusals.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	const head = "| rule | meaning | what to do |\n|---|---|---|\n"
	before, table, ok := strings.Cut(string(text), head)
	if !ok {
		t.Fatal("docs/refusals.md has no table of the rules")
	}
	var want strings.Builder
	for _, rule := range rules(t) {
		e := rule.Explanation()
		want.WriteString("| `" + string(rule) + "` | " + e.Meaning + " | " + e.Fix + " |\n")
	}
	if table == want.String() {
		return
	}
	if !*update {
		t.Error("docs/refusals.md is not the table of the rules; run the test with -update")
		return
	}
	if err := os.WriteFile(page, []byte(before+head+want.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The place of a rule is the first check that has it, unless the parameter decides.
func TestPlace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		route, parameter, want string
		rule                   refusal.Rule
	}{
		"redirect_uri":                 {"/oauth2/auth", "", "redirect_uri is an address of the client", refusal.RedirectURIMismatch},
		"invalid response_mode":        {"/oauth2/auth", "", "response_mode, state", refusal.ParameterInvalid},
		"invalid prompt":               {"/oauth2/auth", "prompt", "nonce, prompt, max_age, id_token_hint, acr_values", refusal.ParameterInvalid},
		"redirect_uri of a code":       {"/oauth2/token", "", "redirect_uri is that of the authorization request", refusal.RedirectURIMismatch},
		"registered client":            {"/connect/register/{id}", "", "the registration token is valid", refusal.RegistrationToken},
		"route of the API":             {"/clients/{id}", "", "the key has the scope of the operation", refusal.APIScopeMissing},
		"API below authorization":      {"/oauth2/auth/requests/login", "", "the caller has a valid API key", refusal.APIKeyInvalid},
		"sign-in":                      {"/login/second-factor", "", "the password, passkey or code is right", refusal.SignInSecondFactor},
		"page of the console":          {"/console/keys", "", "the administrator is signed in, and the role allows the page", refusal.AccessDenied},
		"failure of the server":        {"/oauth2/auth", "", "", refusal.InternalError},
		"rule of another endpoint":     {"/userinfo", "", "", refusal.RedirectURIMismatch},
		"form of another origin":       {"/consent", "", "the request comes from a page of this server", refusal.CrossOrigin},
		"parameter without its rule":   {"/oauth2/auth", "prompt", "the client is registered and enabled", refusal.ClientUnknown},
		"introspection of a bad token": {"/oauth2/introspect", "", "the token has not expired", refusal.TokenExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endpoint, got := refusal.EndpointOf(tc.route), ""
			if at := endpoint.Place(tc.rule, tc.parameter); at >= 0 {
				got = endpoint.Checks[at].Name
			}
			if got != tc.want {
				t.Errorf("%s at %s, %q: %q, want %q", tc.rule, tc.route, tc.parameter, got, tc.want)
			}
		})
	}
}
