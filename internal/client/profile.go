package client

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/profile"
)

// ProfileOn returns the security profile of the client on a server with a profile. Built-in clients
// are parts of the server, and have no profile.
func (c *Client) ProfileOn(server profile.Profile) profile.Profile {
	if IsBuiltIn(c.ID) {
		return profile.Off
	}
	return server.Of(c.SecurityProfile)
}

// Lack is a requirement of a security profile that the metadata of a client does not meet.
type Lack struct {
	profile.Requirement

	Member string `json:"member"` // of the metadata
}

// String returns the member, with the text and the section of the rule.
func (l Lack) String() string { return l.Member + ": " + l.Text + ", " + l.Section }

// Lacks returns the requirements of a profile that the metadata does not meet. Requests are checked one by
// one.
func (m *Metadata) Lacks(p profile.Profile) []Lack {
	var list []Lack
	lack := func(rule profile.RuleName, member string, isMet bool) {
		if r, required := p.Requires(rule); required && !isMet {
			list = append(list, Lack{r, member})
		}
	}
	lack(profile.ClientAuthentication, "token_endpoint_auth_method", slices.Contains(p.AuthMethods(), m.TokenEndpointAuthMethod))
	lack(profile.SenderConstraint, "dpop_bound_access_tokens", m.DPoPBoundAccessTokens || m.CertificateBoundAccessTokens)
	lack(profile.CertificateBinding, "tls_client_certificate_bound_access_tokens", m.CertificateBoundAccessTokens)
	lack(profile.ResponseType, "response_types", within(m.ResponseTypes, p.ResponseTypes()))
	lack(profile.SignedRequest, "jwks", len(m.ResponseTypes) == 0 || m.JWKS != nil || m.JWKSURI != "")
	lack(profile.Redirect, "redirect_uris", !slices.ContainsFunc(m.RedirectURIs, func(uri string) bool { return !IsSafeRedirect(p, uri) }))
	for _, alg := range m.signatures() {
		lack(profile.Algorithms, alg.member, alg.value == "" || p.AllowsAlgorithm(alg.value))
	}
	return list
}

// LacksAlgorithm returns the first requirement on algorithms that the metadata does not meet.
func (m *Metadata) LacksAlgorithm(p profile.Profile) (Lack, bool) {
	r, required := p.Requires(profile.Algorithms)
	if !required {
		return Lack{}, false
	}
	for _, alg := range m.signatures() {
		if alg.value != "" && !p.AllowsAlgorithm(alg.value) {
			return Lack{r, alg.member}, true
		}
	}
	return Lack{}, false
}

// signature is a member with the algorithm of a signature.
type signature struct{ member, value string }

// signatures returns the members with the algorithms of JWTs that the client signs, or the server for the
// client. A userinfo response with alg none is not signed.
func (m *Metadata) signatures() []signature {
	userinfo := m.UserinfoSignedResponseAlg
	if userinfo == "none" {
		userinfo = ""
	}
	return []signature{
		{"token_endpoint_auth_signing_alg", m.TokenEndpointAuthSigningAlg},
		{"request_object_signing_alg", m.RequestObjectSigningAlg},
		{"backchannel_authentication_request_signing_alg", m.BackchannelRequestSigningAlg},
		{"id_token_signed_response_alg", m.IDTokenSignedResponseAlg},
		{"authorization_signed_response_alg", m.AuthorizationSignedResponseAlg},
		{"introspection_signed_response_alg", m.IntrospectionSignedResponseAlg},
		{"userinfo_signed_response_alg", userinfo},
	}
}

// IsSafeRedirect reports whether a profile allows the redirect URI: any with another scheme than http, and
// http on a loopback address; only https by FAPI 1.0.
func IsSafeRedirect(p profile.Profile, uri string) bool {
	if _, required := p.Requires(profile.Redirect); !required {
		return true
	}
	u, err := url.Parse(uri)
	if err != nil || p == profile.FAPI1Advanced {
		return err == nil && u.Scheme == "https"
	}
	return u.Scheme != "http" || loopback(u)
}

// profiled checks the security profile, and that the metadata meets it. All that it lacks is one fault.
func (c *checks) profiled(m *Metadata) {
	server := c.policy.Profile
	var names []string
	for _, p := range profile.Profiles() {
		names = append(names, string(p))
	}
	own := m.SecurityProfile
	c.oneOf("security_profile", string(own), names...)
	if own != "" && slices.Contains(names, string(own)) && !own.IsAtLeast(server) {
		c.fail("security_profile", "must be at least as strict as that of the server, which is "+string(server))
	}
	p := server.Of(own)
	var lacks []string
	for _, lack := range m.Lacks(p) {
		lacks = append(lacks, lack.String())
	}
	if len(lacks) > 0 {
		c.fail("security_profile", string(p)+" is not met by "+strings.Join(lacks, "; by "))
	}
}

// foreignProfile is the name of security_profile in files for tests of conformance, and foreignCIBA a
// value of it: FAPI-CIBA has the rules of FAPI 1.0 Advanced for its clients.
const (
	foreignProfile = "x_security_profile"
	foreignCIBA    = "fapi-ciba"
)

// withProfile returns members with security_profile, if they have a profile under the other name only.
func withProfile(members map[string]json.RawMessage) map[string]json.RawMessage {
	p, ok := readForeignProfile(members[foreignProfile])
	if own, has := members["security_profile"]; !ok || has && !absent(own) {
		return members
	}
	members = maps.Clone(members)
	members["security_profile"] = json.RawMessage(`"` + p + `"`)
	return members
}

// readForeignProfile returns the profile of a member [foreignProfile], and false for another value.
func readForeignProfile(raw json.RawMessage) (profile.Profile, bool) {
	var p profile.Profile
	if json.Unmarshal(raw, &p) != nil {
		return "", false
	}
	if p == foreignCIBA {
		p = profile.FAPI1Advanced
	}
	return p, slices.Contains(profile.Profiles(), p)
}
