package conformance

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/test/rig"
)

// plan is a test plan of the suite in one variant.
type plan struct {
	name    string
	variant map[string]string
	static  string // name of its static clients, if it does not register clients
}

// title returns the name of the plan for the report, without the common parts.
func (p plan) title() string {
	name := strings.TrimSuffix(strings.TrimPrefix(p.name, "oidcc-"), "-test-plan")
	return strings.TrimSuffix(name, "-certification")
}

// values returns the values of the variant, in the order of their names and without the
// usual ones.
func (p plan) values() []string {
	var values []string
	for _, key := range slices.Sorted(maps.Keys(p.variant)) {
		if value := p.variant[key]; value != "discovery" && value != "default" && value != "plain_fapi" {
			values = append(values, value)
		}
	}
	return values
}

// variants returns the variant for the report.
func (p plan) variants() string { return strings.Join(p.values(), ", ") }

// id returns a name of the plan and its variant that fits an alias and a file name.
func (p plan) id() string {
	return strings.ReplaceAll(strings.Join(append([]string{p.title()}, p.values()...), "-"), " ", "-")
}

// searched returns the text that patterns of plans must match.
func (p plan) searched() string { return strings.Join(append([]string{p.title()}, p.values()...), " ") }

// is reports whether the variant has one of the values.
func (p plan) is(values ...string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(p.variant)), func(v string) bool { return slices.Contains(values, v) })
}

// plans returns the plans that the server must pass.
func plans() []plan {
	return slices.Concat(openIDPlans(), fapi2Plans(), fapi1Plans(), cibaPlans())
}

// openIDPlans returns the plans for OpenID Providers.
func openIDPlans() []plan {
	list := []plan{{name: "oidcc-config-certification-test-plan"}}
	for _, kind := range []string{"basic", "implicit", "hybrid"} {
		for _, form := range []string{"", "formpost-"} {
			name := "oidcc-" + form + kind + "-certification-test-plan"
			list = append(list,
				plan{name, variant("server_metadata", "discovery", "client_registration", "dynamic_client"), ""},
				plan{name, variant("server_metadata", "discovery", "client_registration", "static_client"), form + kind},
			)
		}
	}
	for _, answer := range []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"} {
		list = append(list, plan{name: "oidcc-dynamic-certification-test-plan", variant: variant("response_type", answer)})
	}
	list = append(list, plan{name: "oidcc-3rdparty-init-login-certification-test-plan", variant: variant("response_type", "code")})
	// The client name is in the callback URLs, which identify a sign-out to the
	// browser's tasks.
	for _, kind := range []struct{ plan, clients string }{
		{"rp-initiated-logout", "leaving"},
		{"session-management", "watching"},
		{"frontchannel-rp-initiated-logout", "frontchannel"},
		{"backchannel-rp-initiated-logout", "backchannel"},
	} {
		list = append(list,
			plan{"oidcc-" + kind.plan + "-certification-test-plan", variant("response_type", "code", "client_registration", "dynamic_client"), ""},
			plan{"oidcc-" + kind.plan + "-certification-test-plan", variant("response_type", "code", "client_registration", "static_client"), kind.clients},
		)
	}
	for _, method := range []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"} {
		list = append(list, anyPlan(method, "code"))
	}
	// The suite registers clients with an authentication method that is called "mtls".
	certified := anyPlan("mtls", "code")
	certified.variant["client_registration"], certified.static = "static_client", "certified"
	list = append(list, certified)
	// The suite sends no code_challenge for public clients, which the server requires
	// for codes (RFC 9700 section 2.1.1).
	return append(list, anyPlan("none", "id_token"), anyPlan("none", "id_token token"))
}

// anyPlan returns the general plan, which is not a certification profile.
func anyPlan(method, answer string) plan {
	return plan{name: "oidcc-test-plan", variant: variant(
		"client_auth_type", method, "response_type", answer, "response_mode", "default", "client_registration", "dynamic_client")}
}

// The variants of FAPI plans.
var (
	authentications = []string{"private_key_jwt", "mtls"}
	constraints     = []string{"dpop", "mtls"}
	protocols       = []string{"openid_connect", "plain_oauth"}
	requestTypes    = []string{"simple", "rar"}
)

// fapi2Plans returns the plans of FAPI 2.0: the security profile and message signing.
func fapi2Plans() []plan {
	const security, signing = "fapi2-security-profile-final-test-plan", "fapi2-message-signing-final-test-plan"
	var list, signed []plan
	for _, kind := range requestTypes {
		for _, protocol := range protocols {
			for _, constraint := range constraints {
				for _, authentication := range authentications {
					common := []string{
						"client_auth_type", authentication, "sender_constrain", constraint, "openid", protocol,
						"fapi_profile", "plain_fapi", "authorization_request_type", kind,
					}
					list = append(list, static(security, common...))
					for _, messages := range [][]string{
						{"fapi_request_method", "signed_non_repudiation", "fapi_response_mode", "jarm"},
						{"fapi_request_method", "signed_non_repudiation", "fapi_response_mode", "plain_response"},
						{"fapi_request_method", "unsigned", "fapi_response_mode", "jarm"},
					} {
						signed = append(signed, static(signing, append(messages, common...)...))
					}
				}
			}
		}
	}
	for _, constraint := range constraints {
		for _, authentication := range authentications {
			list = append(list, static(security, "client_auth_type", authentication, "sender_constrain", constraint,
				"openid", "plain_oauth", "fapi_profile", "fapi_client_credentials_grant"))
		}
	}
	return append(list, signed...)
}

// fapi1Plans returns the plans of FAPI 1.0 Advanced.
func fapi1Plans() []plan {
	var list []plan
	for _, authentication := range authentications {
		for _, method := range []string{"by_value", "pushed"} {
			for _, mode := range []string{"plain_response", "jarm"} {
				list = append(list, static("fapi1-advanced-final-test-plan", "client_auth_type", authentication,
					"fapi_auth_request_method", method, "fapi_response_mode", mode, "fapi_profile", "plain_fapi"))
			}
		}
	}
	return list
}

// cibaPlans returns the plans of FAPI-CIBA.
func cibaPlans() []plan {
	var list []plan
	for _, registration := range []string{"static_client", "dynamic_client"} {
		for _, authentication := range authentications {
			for _, mode := range []string{"poll", "ping"} {
				p := static("fapi-ciba-id1-test-plan", "client_auth_type", authentication, "ciba_mode", mode,
					"client_registration", registration, "fapi_ciba_profile", "plain_fapi")
				if registration == "dynamic_client" {
					p.static = ""
				}
				list = append(list, p)
			}
		}
	}
	return list
}

// static returns a plan with two clients that no other plan has.
func static(name string, pairs ...string) plan {
	p := plan{name: name, variant: variant(pairs...)}
	p.static = p.id()
	return p
}

func variant(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// selected returns the plans for an engine that match a list of patterns, separated by
// commas. A pattern is a regular expression for a part of the plan's title and the values
// of its variant, separated by spaces. It returns an error if a pattern matches no plan.
func selected(engine rig.Engine, patterns string) ([]plan, error) {
	all := plans()
	if engine != rig.SQLite {
		all = pairwise(all)
	}
	if patterns == "" {
		return all, nil
	}
	wanted := map[int]bool{}
	for pattern := range strings.SplitSeq(patterns, ",") {
		pattern = strings.TrimSpace(pattern)
		expression, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("invalid pattern of plans: %w", err)
		}
		found := false
		for i, p := range all {
			if pattern != "" && expression.MatchString(p.searched()) {
				wanted[i], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("%q matches no plan on %s; the plans are in test/conformance/plans_test.go", pattern, engine)
		}
	}
	var list []plan
	for _, i := range slices.Sorted(maps.Keys(wanted)) {
		list = append(list, all[i])
	}
	return list, nil
}

// pairwise returns a subset of the plans in which, for each plan, any two values of its
// variants that occur together in one of them still do.
func pairwise(all []plan) []plan {
	missing := map[string]bool{}
	for _, p := range all {
		for _, pair := range p.pairs() {
			missing[pair] = true
		}
	}
	gain := func(p plan) (n int) {
		for _, pair := range p.pairs() {
			if missing[pair] {
				n++
			}
		}
		return n
	}
	chosen := map[string]bool{}
	for len(missing) > 0 {
		best := slices.MaxFunc(all, func(a, b plan) int { return cmp.Compare(gain(a), gain(b)) })
		chosen[best.id()] = true
		for _, pair := range best.pairs() {
			delete(missing, pair)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(p plan) bool { return !chosen[p.id()] })
}

// pairs returns the pairs of values of the variant. A single value counts as a pair, too.
func (p plan) pairs() []string {
	parts := []string{""}
	for _, key := range slices.Sorted(maps.Keys(p.variant)) {
		parts = append(parts, key+"="+p.variant[key])
	}
	var pairs []string
	for i, one := range parts {
		for _, other := range parts[:max(i, 1)] {
			pairs = append(pairs, p.name+" "+other+" "+one)
		}
	}
	return pairs
}
