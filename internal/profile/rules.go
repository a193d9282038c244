package profile

import "slices"

// RuleName is the name of a rule.
type RuleName string

// The rules.
const (
	// ResponseType allows the response types of [Profile.ResponseTypes].
	ResponseType RuleName = "response_type"
	// SignedResponse requires an authorization response as a JWT (JARM): FAPI1Advanced only for the
	// response type code.
	SignedResponse RuleName = "signed_response"
	// Pushed requires that authorization requests are pushed.
	Pushed RuleName = "pushed_request"
	// PKCE requires a code_challenge with S256: FAPI1Advanced only in pushed requests.
	PKCE RuleName = "code_challenge"
	// Nonce requires a nonce in requests with the scope openid; State a state in all others.
	Nonce RuleName = "nonce"
	State RuleName = "state"
	// Scope requires the parameter scope.
	Scope RuleName = "scope"
	// Redirect refuses redirect URIs with http, except on a loopback address.
	Redirect RuleName = "redirect_uri"
	// SignedRequest requires a signed request object, whose parameters alone count.
	SignedRequest RuleName = "signed_request"
	// RequestAudience requires the issuer as aud of a request object; RequestLifetime an nbf and an exp
	// within [MaxRequestAge].
	RequestAudience RuleName = "request_audience"
	RequestLifetime RuleName = "request_lifetime"
	// ClientAuthentication allows the methods of [Profile.AuthMethods].
	ClientAuthentication RuleName = "client_authentication"
	// AssertionAudience requires the issuer, as a string, as aud of a client assertion.
	AssertionAudience RuleName = "assertion_audience"
	// SenderConstraint requires access tokens that are bound to a DPoP key or to the certificate of the
	// client; CertificateBinding only to the certificate.
	SenderConstraint   RuleName = "sender_constraint"
	CertificateBinding RuleName = "certificate_binding"
	// Algorithms allows the algorithms of [Profile.Algorithms].
	Algorithms RuleName = "algorithm"
)

// Requirement is a rule of a profile.
type Requirement struct {
	Profile Profile  `json:"profile"`
	Rule    RuleName `json:"rule"`
	// Text is what the rule requires, in printable ASCII without quotation marks.
	Text string `json:"text"`
	// Section is the section of the specification.
	Section string `json:"section"`
}

// String returns the profile, the text and the section of the rule.
func (r Requirement) String() string {
	return string(r.Profile) + ": " + r.Text + ", " + r.Section
}

// row is a rule with the profiles that have it.
type row struct {
	profiles []Profile
	rule     RuleName
	text     string
	section  string
}

// rows returns the table of rules.
func rows() []row {
	baseline, signing, advanced := []Profile{Baseline}, []Profile{FAPI2MessageSigning}, []Profile{FAPI1Advanced}
	return []row{
		{baseline, ResponseType, "response_type must be code", "RFC 9700 2.1.2"},
		{baseline, PKCE, "PKCE with S256 is required", "RFC 9700 2.1.1"},
		{baseline, Redirect, "redirect URIs must not use http, except on a loopback address", "RFC 9700 2.6"},

		{fapi2(), ClientAuthentication, "clients must authenticate with private_key_jwt or mutual TLS", "FAPI 2.0 5.3.2.1"},
		{fapi2(), SenderConstraint, "access tokens must be bound by DPoP or mutual TLS", "FAPI 2.0 5.3.2.1"},
		{fapi2(), AssertionAudience, "aud of a client assertion must be the issuer as a string", "FAPI 2.0 5.3.2.1"},
		{fapi2(), Pushed, "PAR is required", "FAPI 2.0 5.3.2.2"},
		{fapi2(), ResponseType, "response_type must be code", "FAPI 2.0 5.3.2.2"},
		{fapi2(), PKCE, "PKCE with S256 is required", "FAPI 2.0 5.3.2.2"},
		{fapi2(), Redirect, "redirect URIs must not use http, except on a loopback address", "FAPI 2.0 5.3.2.2"},
		{fapi2(), Algorithms, "signatures must use PS256, ES256 or EdDSA", "FAPI 2.0 5.4.1"},

		{signing, SignedRequest, "the request must be a signed request object", "FAPI 2.0 Message Signing 5.3.1"},
		{fapi2(), RequestAudience, "the request object must have the issuer as aud", "FAPI 2.0 Message Signing 5.3.1"},
		{fapi2(), RequestLifetime, lifetimeText, "FAPI 2.0 Message Signing 5.3.1"},
		{signing, SignedResponse, "response_mode must be jwt, query.jwt, fragment.jwt or form_post.jwt", "FAPI 2.0 Message Signing 5.4.1"},

		{advanced, ClientAuthentication, "clients must authenticate with private_key_jwt or mutual TLS", "FAPI 1.0 Advanced 5.2.2"},
		{advanced, CertificateBinding, "access tokens must be bound by mutual TLS", "FAPI 1.0 Advanced 5.2.2"},
		{advanced, ResponseType, "response_type must be code id_token, or code with response_mode jwt", "FAPI 1.0 Advanced 5.2.2"},
		{advanced, SignedResponse, "response_type code needs response_mode jwt", "FAPI 1.0 Advanced 5.2.2"},
		{advanced, SignedRequest, "the request must be a signed request object", "FAPI 1.0 Advanced 5.2.2"},
		{advanced, RequestAudience, "the request object must have the issuer as aud", "FAPI 1.0 Advanced 5.2.2"},
		{advanced, RequestLifetime, lifetimeText, "FAPI 1.0 Advanced 5.2.2"},
		{advanced, PKCE, "pushed requests must use PKCE with S256", "FAPI 1.0 Advanced 5.2.2"},
		{advanced, Scope, "the request object must have a scope", "FAPI 1.0 Advanced 5.2.2"},
		{advanced, Nonce, "requests with the scope openid must have a nonce", "FAPI 1.0 Baseline 5.2.2.2"},
		{advanced, State, "requests without the scope openid must have a state", "FAPI 1.0 Baseline 5.2.2.3"},
		{advanced, Redirect, "redirect URIs must use https", "FAPI 1.0 Baseline 5.2.2"},
		{advanced, Algorithms, "signatures must use PS256 or ES256", "FAPI 1.0 Advanced 8.6"},
	}
}

const lifetimeText = "the request object must have an nbf of at most 60 minutes ago, and an exp at most 60 minutes after it"

// requirements are the rules of each profile by their names.
//
//nolint:gochecknoglobals // never written
var requirements = index(rows())

func index(table []row) map[Profile]map[RuleName]Requirement {
	byProfile := map[Profile]map[RuleName]Requirement{}
	for _, row := range table {
		for _, p := range row.profiles {
			if byProfile[p] == nil {
				byProfile[p] = map[RuleName]Requirement{}
			}
			byProfile[p][row.rule] = Requirement{p, row.rule, row.text, row.section}
		}
	}
	return byProfile
}

// Requires returns the rule of the profile, and false if the profile does not have it.
func (p Profile) Requires(rule RuleName) (Requirement, bool) {
	if p.IsOff() {
		return Requirement{}, false
	}
	r, ok := requirements[p][rule]
	return r, ok
}

// Requirements returns the rules of the profile in the order of the table.
func (p Profile) Requirements() (list []Requirement) {
	for _, row := range rows() {
		if slices.Contains(row.profiles, p) {
			list = append(list, Requirement{p, row.rule, row.text, row.section})
		}
	}
	return list
}
