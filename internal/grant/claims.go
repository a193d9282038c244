package grant

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// MaxClaims bounds what an app may put into each kind of token, in bytes.
const MaxClaims = 8 << 10

var (
	// ErrNotObject reports claims that are no object.
	ErrNotObject = errors.New("must be an object")
	// ErrClaimsTooLong reports claims that are too long to travel in a token.
	ErrClaimsTooLong = errors.New("is too long")
)

// ProtocolClaims are the claims of ID tokens and userinfo that are the protocol's to make
// (OpenID Connect Core sections 2 and 3.1.3.6, RFC 7519 section 4.1, Front-Channel
// Logout section 3, RFC 7800).
func ProtocolClaims() []string {
	return []string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "auth_time", "nonce", "acr", "amr", "azp", "sid",
		"at_hash", "c_hash", "s_hash", "cnf", "act", "events",
	}
}

// AccessTokenClaims are the claims of access tokens that are the protocol's to make (RFC
// 9068 section 2.2, RFC 8693 section 4, RFC 9396 section 9.1), and our own.
func AccessTokenClaims() []string {
	return append(ProtocolClaims(), "client_id", "scope", "scp", "ext", "may_act", "authorization_details", "gid", "trust")
}

// IntrospectionClaims are the members of an introspection response that are the protocol's
// to make beside those of access tokens.
//
// Spec: RFC 7662 §2.2.
func IntrospectionClaims() []string {
	return []string{"active", "username", "token_type", "token_use"}
}

// ContainsClaim reports whether name is one of names to any reader of JSON. Many readers, Go's
// among them, take a member for another that differs by letter case, or by a letter that
// Unicode folds to another (ſ to s), and the last one wins.
func ContainsClaim(names []string, name string) bool {
	return slices.ContainsFunc(names, func(one string) bool { return strings.EqualFold(one, name) })
}

// AddedClaims reads an object of claims that something beside the protocol adds to
// tokens, and leaves out those reserved, in any letter case. It returns nil if none is left.
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
