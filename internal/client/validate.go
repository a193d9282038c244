package client

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/profile"
)

// Policy limits the metadata that a caller may set.
type Policy struct {
	// SelfRegistered is true for dynamic registration (RFC 7591). It drops members that only
	// the operator can set, and scopes outside AllowedScopes.
	SelfRegistered bool
	// Lenient accepts what Ory Hydra's tools send: it drops response types that no grant type
	// of the client uses, and refresh_token if no grant type issues one, and accepts a client
	// without redirect URIs, which cannot receive authorization responses yet.
	Lenient bool
	// DefaultScopes are the scopes of a client that names none.
	DefaultScopes []string
	// AllowedScopes are the scopes that a dynamically registered client may have.
	AllowedScopes []string
	// LegacyResponseTypes allows implicit and hybrid response types.
	LegacyResponseTypes bool
	// SigningAlgs are the algorithms that can sign tokens for clients; empty means RS256,
	// PS256, ES256 and EdDSA.
	SigningAlgs []string
	// MutualTLS are the authentication methods by certificate that are on, empty if mutual TLS is off.
	MutualTLS []string
	// HTTPRedirects and HTTPPostLogout are http URIs of other hosts than loopback that a
	// dynamically registered client may keep because the operator allowed them.
	HTTPRedirects, HTTPPostLogout []string
	// Profile is the security profile of the server, the least strict one of a client.
	Profile profile.Profile
	// PlainLoopback allows http on a loopback address in jwks_uri, in other URLs that the
	// server calls, and in links on pages, for development and tests.
	PlainLoopback bool
}

// The error codes of RFC 7591 §3.2.2.
const (
	InvalidRedirectURI = "invalid_redirect_uri"
	InvalidMetadata    = "invalid_client_metadata"
)

// Fault describes one error in a client's metadata.
type Fault struct {
	Code   string // InvalidRedirectURI or InvalidMetadata
	Member string // under its RFC 7591 name
	Reason string // printable ASCII without quotes, and no input of the caller
}

// String returns the member and the reason.
func (f Fault) String() string { return f.Member + " " + f.Reason }

// Validate sets the defaults and returns all faults. Each member has an allow list; members
// that the policy does not let the caller set are dropped.
//
// Spec: RFC 7591 §2, OpenID Connect Registration §2, RFC 8252 §7, §8.4.
func (m *Metadata) Validate(p Policy) []Fault {
	m.restrict(p)
	if p.Lenient {
		m.dropUnused()
	}
	m.complete(p)

	c := &checks{policy: p}
	c.texts(m)
	c.languages(m)
	c.grants(m)
	c.redirects(m)
	c.links(m)
	c.authentication(m)
	c.certificates(m)
	c.tokens(m)
	c.subjects(m)
	c.encryption(m)
	c.requestObjects(m)
	c.backchannel(m)
	c.logout(m)
	c.given(m)
	c.profiled(m)
	return c.faults
}

// restrict drops members that the caller may not set.
func (m *Metadata) restrict(p Policy) {
	if p.SelfRegistered {
		m.KeepOperatorFields(&Metadata{})
	}
	m.Notes = notes(m.Notes)
	var scopes []string
	for scope := range strings.FieldsSeq(m.Scope) {
		if !slices.Contains(scopes, scope) && (!p.SelfRegistered || slices.Contains(p.AllowedScopes, scope)) {
			scopes = append(scopes, scope)
		}
	}
	m.Scope = strings.Join(scopes, " ")
}

// complete sets the defaults.
func (m *Metadata) complete(p Policy) {
	m.ApplicationType = cmp.Or(m.ApplicationType, "web")
	m.TokenEndpointAuthMethod = cmp.Or(m.TokenEndpointAuthMethod, AuthBasic)
	m.SubjectType = cmp.Or(m.SubjectType, Public)
	m.IDTokenSignedResponseAlg = cmp.Or(m.IDTokenSignedResponseAlg, p.Profile.Of(m.SecurityProfile).DefaultAlgorithm())
	m.Scope = cmp.Or(m.Scope, strings.Join(p.DefaultScopes, " "))
	if len(m.GrantTypes) == 0 {
		m.GrantTypes = []string{GrantAuthorizationCode}
	}
	if len(m.ResponseTypes) == 0 && slices.Contains(m.GrantTypes, GrantAuthorizationCode) {
		m.ResponseTypes = []string{"code"}
	}
	if slices.Contains(m.GrantTypes, GrantCIBA) {
		m.BackchannelTokenDeliveryMode = cmp.Or(m.BackchannelTokenDeliveryMode, DeliveryPoll)
	}
	for _, pair := range m.encryptions() {
		if *pair.alg != "" {
			*pair.enc = cmp.Or(*pair.enc, string(jose.A128CBC_HS256)) // OpenID Connect Registration section 2
		}
	}
}

// checks collects faults.
type checks struct {
	policy Policy
	faults []Fault
}

func (c *checks) fail(member, reason string) {
	c.faults = append(c.faults, Fault{InvalidMetadata, member, reason})
}

// oneOf requires that value is empty or in the list.
func (c *checks) oneOf(member, value string, list ...string) {
	if value != "" && !slices.Contains(list, value) {
		c.fail(member, "must be one of "+strings.Join(list, ", "))
	}
}

const (
	maxText  = 256
	maxWords = 20   // contacts, acr values
	maxScope = 4096 // bytes
	// maxStatement is the maximum size of a software statement.
	maxStatement = 16 << 10
)

// texts checks members that are shown to users or only stored.
func (c *checks) texts(m *Metadata) {
	for member, text := range map[string]string{
		"client_name":      m.ClientName,
		"software_id":      m.SoftwareID,
		"software_version": m.SoftwareVersion,
	} {
		if !shortText(text) {
			c.fail(member, notShort)
		}
	}
	for member, list := range map[string][]string{
		"contacts":           m.Contacts,
		"default_acr_values": m.DefaultACRValues,
		"audience":           m.Audience,
	} {
		bad := func(s string) bool { return s == "" || len(s) > maxText || !readable(s) }
		if len(list) > maxWords || slices.ContainsFunc(list, bad) {
			c.fail(member, "must be a short list of short texts")
		}
	}
	notJWT := func(r rune) bool { return notScope(r) || r == ' ' }
	if len(m.SoftwareStatement) > maxStatement || strings.IndexFunc(m.SoftwareStatement, notJWT) >= 0 {
		c.fail("software_statement", "must be a JWT of at most 16 KiB")
	}
	if len(m.Scope) > maxScope || strings.IndexFunc(m.Scope, notScope) >= 0 {
		c.fail("scope", "must be scopes of printable ASCII with spaces between them")
	}
	optional := strings.Fields(m.OptionalScope)
	if len(m.OptionalScope) > maxScope || strings.IndexFunc(m.OptionalScope, notScope) >= 0 || slices.Contains(optional, "openid") {
		c.fail("optional_scope", "must be scopes of printable ASCII with spaces between them, without openid")
	}
	slices.SortFunc(c.faults, func(a, b Fault) int { return cmp.Compare(a.Member, b.Member) })
}

const notShort = "must be a short text without control or direction characters"

func shortText(text string) bool { return len(text) <= maxText && readable(text) }

// readable reports whether s contains no hidden characters. Format characters can reorder or
// hide text; the two joiners are part of many scripts.
func readable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		joiner := r == '\u200c' || r == '\u200d'
		return r == unicode.ReplacementChar || unicode.IsControl(r) ||
			unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) && !joiner
	}) < 0
}

// notScope reports whether RFC 6749 §3.3 forbids the character in scopes.
func notScope(r rune) bool {
	return r < ' ' || r > '~' || r == '"' || r == '\\'
}

// grants checks that grant and response types are known and match (RFC 7591 §2.1).
func (c *checks) grants(m *Metadata) {
	known, answers := GrantTypes(), []string{ResponseTypeCode}
	if c.policy.SelfRegistered {
		// A client cannot grant itself the assertions of an issuer or the tokens of others: the operator
		// decides.
		known = slices.DeleteFunc(known, func(g string) bool { return g == GrantJWTBearer || g == GrantTokenExchange })
	}
	if c.policy.LegacyResponseTypes {
		known, answers = append(known, GrantImplicit), append(answers, LegacyResponseTypes()...)
	}
	if !within(m.GrantTypes, known) {
		c.fail("grant_types", "may hold "+strings.Join(known, ", "))
	}
	var code, tokens bool
	for i, answer := range m.ResponseTypes {
		m.ResponseTypes[i] = ResponseType(answer)
		for value := range strings.FieldsSeq(answer) {
			code, tokens = code || value == ResponseTypeCode, tokens || value != ResponseTypeCode
		}
	}
	if !within(m.ResponseTypes, answers) {
		c.fail("response_types", "may hold "+strings.Join(answers, ", "))
	}
	if code != slices.Contains(m.GrantTypes, GrantAuthorizationCode) {
		c.fail("response_types", "must hold code if, and only if, grant_types holds authorization_code")
	}
	if tokens != slices.Contains(m.GrantTypes, GrantImplicit) {
		c.fail("response_types", "must hold id_token or token if, and only if, grant_types holds implicit")
	}
	if !code && slices.Contains(m.GrantTypes, GrantRefreshToken) && !m.withoutRedirect() {
		c.fail("grant_types", "must hold authorization_code, device_code or ciba for refresh_token to be of use")
	}
	if slices.Contains(m.GrantTypes, GrantClientCredentials) && m.TokenEndpointAuthMethod == AuthNone {
		c.fail("grant_types", "must not hold client_credentials for a client that does not authenticate")
	}
}

// within reports whether whole contains every element of list.
func within(list, whole []string) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !slices.Contains(whole, s) })
}

// tokens checks the members about issued tokens.
func (c *checks) tokens(m *Metadata) {
	algs := c.policy.signingAlgs()
	c.oneOf("application_type", m.ApplicationType, "web", "native")
	c.oneOf("id_token_signed_response_alg", m.IDTokenSignedResponseAlg, algs...)
	c.oneOf("authorization_signed_response_alg", m.AuthorizationSignedResponseAlg, algs...)
	c.oneOf("introspection_signed_response_alg", m.IntrospectionSignedResponseAlg, algs...)
	c.oneOf("userinfo_signed_response_alg", m.UserinfoSignedResponseAlg, append(algs, "none")...)
	c.oneOf("access_token_strategy", m.AccessTokenStrategy, "jwt", "opaque")
	c.oneOf("id_token_claims", m.IDTokenClaims, IDTokenGranted, IDTokenMinimal)
	c.age("default_max_age", m.DefaultMaxAge)
}

// age checks the maximum age of an authentication, nil for none.
func (c *checks) age(member string, age *int64) {
	if age != nil && (*age < 0 || *age > 1<<31-1) {
		c.fail(member, "must be a number of seconds, not negative")
	}
}

// signingAlgs returns the algorithms that can sign tokens for clients.
func (p *Policy) signingAlgs() []string {
	if len(p.SigningAlgs) > 0 {
		return slices.Clone(p.SigningAlgs)
	}
	return []string{"RS256", "PS256", "ES256", "EdDSA"}
}
