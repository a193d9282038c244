package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/scope"
)

// checkClaims returns what is wrong with claims about a person: those of OpenID
// Connect Core section 5.1 have types, and those of the protocol are not about
// people. All others are free.
func checkClaims(claims map[string]any) []error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		want := claimKind(name)
		var ok bool
		switch value := claims[name].(type) {
		case nil:
			ok = want != reservedClaim
		case string:
			ok = want == "a string" || want == ""
		case bool:
			ok = want == "true or false" || want == ""
		case float64:
			ok = want == "a number" || want == ""
		case map[string]any:
			ok = want == "an object" || want == ""
			if ok && want != "" {
				ok = !slices.ContainsFunc(slices.Collect(maps.Values(value)), func(v any) bool { _, text := v.(string); return !text })
				want = "an object of strings"
			}
		default:
			ok = want == ""
		}
		if !ok {
			faults = append(faults, fmt.Errorf("claims.%s must be %s", name, want))
		}
	}
	return faults
}

const reservedClaim = "left out: it is the server's to set"

// claimKind returns what a claim must be; nothing if it may be anything. A claim
// may be in a language, as in name#ja (OpenID Connect Core section 5.2).
func claimKind(name string) string {
	base, _, _ := strings.Cut(name, "#")
	switch base {
	case "email_verified", "phone_number_verified":
		return "true or false"
	case "updated_at":
		return "a number"
	case "address":
		return "an object"
	case "sub", "iss", "aud", "exp", "nbf", "iat", "jti", "auth_time", "nonce", "acr", "amr", "azp", "sid",
		"at_hash", "c_hash", "s_hash", "cnf", "client_id", "scope", "events":
		return reservedClaim
	}
	if slices.Contains(scope.StandardClaims(), base) {
		return "a string"
	}
	return ""
}

// readClaims reads claims from the command line. A claim that is no string is
// written as in JSON: of the standard claims by their type, of others a list or an object.
func readClaims(given map[string]string) (map[string]any, error) {
	claims := make(map[string]any, len(given))
	for name, text := range given {
		claims[name] = text
		switch claimKind(name) {
		case "true or false":
			if value, err := strconv.ParseBool(text); err == nil {
				claims[name] = value
			}
		case "a number", "an object":
			var value any
			if err := json.Unmarshal([]byte(text), &value); err == nil {
				claims[name] = value
			}
		case "":
			var value any
			structured := strings.HasPrefix(text, "[") || strings.HasPrefix(text, "{")
			if structured && json.Unmarshal([]byte(text), &value) == nil {
				claims[name] = value
			}
		}
	}
	return claims, errors.Join(checkClaims(claims)...)
}

// remarkUnreleased names the claims of people that no scope releases: nobody but the
// operator ever sees them.
func (d *desk) remarkUnreleased(ctx context.Context, people ...account.Import) error {
	known, err := d.scopes(ctx)
	if err != nil {
		return err
	}
	unreleased := map[string]bool{}
	for _, one := range people {
		for name := range one.Account.Claims {
			if !known.Releases(name) {
				unreleased[harmless(name)] = true
			}
		}
	}
	if len(unreleased) == 0 {
		return nil
	}
	names := strings.Join(slices.Sorted(maps.Keys(unreleased)), ", ")
	d.remark("no scope releases these claims: %s\nTo release one: ostiary scopes create NAME --claim CLAIM=id_token,userinfo\n", names)
	return nil
}
