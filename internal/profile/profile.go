// Package profile holds the security profiles: for each one its rules, with the section of the
// specification that has them. Code that checks a request, a token or a client asks the profile of the
// client whether it has the rule, and refuses with the text of the rule.
//
// Spec: RFC 9700; FAPI 2.0 Security Profile; FAPI 2.0 Message Signing; FAPI 1.0 Part 2: Advanced.
package profile

import (
	"slices"
	"time"
)

// Profile is a security profile of the server or of a client. The empty one, and [Off], have no rules.
type Profile string

// The profiles.
const (
	Off                 Profile = "off"
	Baseline            Profile = "baseline"
	FAPI2Security       Profile = "fapi2-security"
	FAPI2MessageSigning Profile = "fapi2-message-signing"
	FAPI1Advanced       Profile = "fapi1-advanced"
)

// Profiles returns the profiles with rules.
func Profiles() []Profile {
	return []Profile{Baseline, FAPI2Security, FAPI2MessageSigning, FAPI1Advanced}
}

// fapi2 are the profiles of FAPI 2.0.
func fapi2() []Profile { return []Profile{FAPI2Security, FAPI2MessageSigning} }

// IsOff reports whether the profile has no rules.
func (p Profile) IsOff() bool { return p == "" || p == Off }

// IsAtLeast reports whether clients of the profile meet those of other too.
func (p Profile) IsAtLeast(other Profile) bool {
	switch {
	case other.IsOff() || p == other:
		return true
	case other == Baseline:
		return !p.IsOff()
	default:
		return p == FAPI2MessageSigning && other == FAPI2Security
	}
}

// Of returns the profile of a client that has its own profile on a server with p: its own if that is at
// least as strict, and p otherwise.
func (p Profile) Of(own Profile) Profile {
	if own.IsAtLeast(p) {
		return own
	}
	return p
}

// Algorithms returns the algorithms with which clients and the server sign, nil for any.
//
// Spec: FAPI 2.0 §5.4.1, FAPI 1.0 Advanced §8.6.
func (p Profile) Algorithms() []string {
	switch p {
	case FAPI2Security, FAPI2MessageSigning:
		return []string{"PS256", "ES256", "EdDSA"}
	case FAPI1Advanced:
		return []string{"PS256", "ES256"}
	case Off, Baseline:
	}
	return nil
}

// AllowsAlgorithm reports whether alg is one of [Profile.Algorithms].
func (p Profile) AllowsAlgorithm(alg string) bool {
	algs := p.Algorithms()
	return algs == nil || slices.Contains(algs, alg)
}

// DefaultAlgorithm returns the algorithm for what the server signs for a client that registered none.
func (p Profile) DefaultAlgorithm() string {
	if p.Algorithms() == nil {
		return "RS256" // OpenID Connect Registration §2
	}
	return "PS256"
}

// AuthMethods returns the client authentication methods, nil for any.
//
// Spec: FAPI 2.0 §5.3.2.1, FAPI 1.0 Advanced §5.2.2.
func (p Profile) AuthMethods() []string {
	if _, demanded := p.Requires(ClientAuthentication); !demanded {
		return nil
	}
	return []string{"private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"}
}

// ResponseTypes returns the response types in the order of client.ResponseType, nil for any.
func (p Profile) ResponseTypes() []string {
	switch {
	case p.IsOff():
		return nil
	case p == FAPI1Advanced:
		return []string{"code", "code id_token"}
	default:
		return []string{"code"}
	}
}

// MaxRequestAge bounds the age of a request object, by its nbf, and the time between its nbf and exp.
//
// Spec: FAPI 2.0 Message Signing §5.3.1, FAPI 1.0 Advanced §5.2.2.
const MaxRequestAge = time.Hour
