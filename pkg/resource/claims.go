package resource

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/refusal"
)

// clockSkew is the difference of the clocks of issuer and resource that is tolerated.
const clockSkew = 10 * time.Second

// inactive returns [ErrInactive] with its cause.
func inactive(rule refusal.Rule, text string, attrs ...refusal.Attr) error {
	return refusal.Wrap(ErrInactive, rule, text, attrs...)
}

// errClaims reports claims of the wrong type.
var errClaims = errors.New("a claim has the wrong type")

// tokenOf returns the token with the claims. It does not check them, except for their types.
//
// Spec: RFC 9068 §2.2, RFC 7662 §2.2.
func tokenOf(claims jws.Object) (*Token, error) {
	t := &Token{
		Issuer: claims.Text("iss"), Subject: claims.Text("sub"), ClientID: claims.Text("client_id"), ID: claims.Text("jti"),
		ACR: claims.Text("acr"), Scopes: strings.Fields(claims.Text("scope")), Claims: claims,
	}
	for _, name := range []string{"iss", "sub", "client_id", "jti", "acr", "scope"} {
		if _, ok := claims[name].(string); claims.Has(name) && !ok {
			return nil, errClaims
		}
	}
	for name, at := range map[string]*time.Time{"exp": &t.Expiry, "iat": &t.IssuedAt, "auth_time": &t.AuthTime, "nbf": new(time.Time)} {
		var ok bool
		if *at, ok = claims.Date(name); !ok && claims.Has(name) {
			return nil, errClaims
		}
	}
	var audienceOK, scopesOK, amrOK, bindingOK bool
	t.Audience, audienceOK = texts(claims["aud"], true)
	t.AMR, amrOK = texts(claims["amr"], false)
	listed, scopesOK := texts(claims["scp"], false) // an array, for services that expect one
	if t.Confirmation, bindingOK = confirmationOf(claims); !audienceOK || !scopesOK || !amrOK || !bindingOK {
		return nil, errClaims
	}
	if !claims.Has("scope") {
		t.Scopes = listed
	}
	return t, nil
}

// texts returns the strings of a claim that is absent, an array of strings or, if single, a string.
func texts(claim any, single bool) ([]string, bool) {
	switch value := claim.(type) {
	case nil:
		return nil, true
	case string:
		return []string{value}, single
	case []any:
		all := make([]string, 0, len(value))
		for _, item := range value {
			text, ok := item.(string)
			if !ok {
				return nil, false
			}
			all = append(all, text)
		}
		return all, true
	default:
		return nil, false
	}
}

// confirmationOf returns the claim cnf. A member that this package does not know is a binding that it
// cannot check, and not a bearer token.
//
// Spec: RFC 7800 §3.1, RFC 9449 §6.1, RFC 8705 §3.1.
func confirmationOf(claims jws.Object) (Confirmation, bool) {
	claim, ok := claims["cnf"]
	if !ok {
		return Confirmation{}, true
	}
	members, ok := claim.(map[string]any)
	if !ok {
		return Confirmation{}, false
	}
	cnf := jws.Object(members)
	bound := Confirmation{JKT: cnf.Text("jkt"), X5T: cnf.Text("x5t#S256")}
	known := []string{"jkt", "x5t#S256"}
	for name := range cnf {
		if cnf.Text(name) == "" || !slices.Contains(known, name) {
			bound.Unsupported = true
		}
	}
	bound.Unsupported = bound.Unsupported || len(cnf) == 0
	return bound, true
}
