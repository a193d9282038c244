package grant

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// MaxClaims is the maximum size in bytes of the claims that an app adds to one token type.
const MaxClaims = 8 << 10

var (
	// ErrNotObject reports claims that are not a JSON object.
	ErrNotObject = errors.New("must be an object")
	// ErrClaimsTooLong reports claims longer than [MaxClaims].
	ErrClaimsTooLong = errors.New("is too long")
)

// ProtocolClaims returns the claims of ID tokens and userinfo that only the server sets.
//
// Spec: OpenID Connect Core §2, §3.1.3.6, RFC 7519 §4.1, Front-Channel Logout §3, RFC 7800.
func ProtocolClaims() []string {
	return []string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_time", "nonce", "acr", "amr", "azp", "sid",
		"at_hash", "c_hash", "s_hash", "cnf", "act", "events", "ost_src",
	}
}

// AccessTokenClaims returns the claims of access tokens that only the server sets, its private
// ones included.
//
// Spec: RFC 9068 §2.2, RFC 8693 §4, RFC 9396 §9.1.
func AccessTokenClaims() []string {
	return append(ProtocolClaims(), "client_id", "scope", "scp", "ext", "may_act", "authorization_details", "gid", "trust")
}

// IntrospectionClaims returns the members of an introspection response that only the server
// sets, in addition to [AccessTokenClaims].
//
// Spec: RFC 7662 §2.2.
func IntrospectionClaims() []string {
	return []string{"active", "username", "token_type", "token_use"}
}

// ContainsClaim reports whether any JSON parser would read name as an element of names. Many
// parsers, Go's included, match members regardless of letter case and of Unicode folding
// (ſ to s), and use the last match.
func ContainsClaim(names []string, name string) bool {
	return slices.ContainsFunc(names, func(one string) bool { return strings.EqualFold(one, name) })
}

// AddedClaims parses the claims object of an app or hook and removes the reserved names,
// in any letter case. It returns nil if no claim remains, [ErrNotObject] or
// [ErrClaimsTooLong].
func AddedClaims(raw json.RawMessage, reserved []string) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, ErrNotObject
	}
	maps.DeleteFunc(all, func(name string, _ json.RawMessage) bool { return ContainsClaim(reserved, name) })
	if len(all) == 0 {
		return nil, nil
	}
	kept, err := json.Marshal(all)
	if err != nil {
		return nil, ErrNotObject
	}
	if len(kept) > MaxClaims {
		return nil, ErrClaimsTooLong
	}
	return kept, nil
}
