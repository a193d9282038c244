//go:build conformance

package conformance

import (
	"maps"
	"slices"
	"strings"
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

// variants returns the variant for the report.
func (p plan) variants() string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(p.variant)) {
		if value := p.variant[key]; value != "discovery" && value != "default" {
			parts = append(parts, value)
		}
	}
	return strings.Join(parts, ", ")
}

// plans returns the plans that an OpenID Provider must pass.
func plans() []plan {
	list := []plan{{name: "oidcc-config-certification-test-plan"}}
	for _, kind := range []string{"basic", "implicit", "hybrid"} {
		list = append(list,
			plan{"oidcc-" + kind + "-certification-test-plan", variant("server_metadata", "discovery", "client_registration", "dynamic_client"), ""},
			plan{"oidcc-" + kind + "-certification-test-plan", variant("server_metadata", "discovery", "client_registration", "static_client"), kind},
			plan{"oidcc-formpost-" + kind + "-certification-test-plan", variant("server_metadata", "discovery", "client_registration", "dynamic_client"), ""},
		)
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
	// The suite sends no code_challenge for public clients, which the server requires
	// for codes (RFC 9700 section 2.1.1).
	return append(list, anyPlan("none", "id_token"), anyPlan("none", "id_token token"))
}

// anyPlan returns the general plan, which is not a certification profile.
func anyPlan(method, answer string) plan {
	return plan{name: "oidcc-test-plan", variant: variant(
		"client_auth_type", method, "response_type", answer, "response_mode", "default", "client_registration", "dynamic_client")}
}

func variant(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}
