package oidc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/grant"
)

// Target is where claims are delivered.
type Target int

// The targets.
const (
	InUserinfo Target = iota + 1
	InIDToken
	InLoneIDToken // with no access token beside it or to come
)

// protocolClaims are the claims of ID tokens that say nothing about a person but
// who it is.
func protocolClaims() []string {
	return []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"}
}

// claimsOf returns the standard claims that a scope releases.
//
// Spec: OpenID Connect Core section 5.4.
func claimsOf(scope string) []string {
	switch scope {
	case "profile":
		return []string{
			"name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile",
			"picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at",
		}
	case "email":
		return []string{"email", "email_verified"}
	case "address":
		return []string{"address"}
	case "phone":
		return []string{"phone_number", "phone_number_verified"}
	}
	return nil
}

// claimScopes lists the scopes that release claims.
func claimScopes() []string { return []string{"profile", "email", "address", "phone"} }

// StandardClaims returns the names of all standard claims about a person.
//
// Spec: OpenID Connect Core section 5.1.
func StandardClaims() []string { return standardClaims(claimScopes()) }

// standardClaims returns what scopes release together.
func standardClaims(scopes []string) []string {
	var names []string
	for _, scope := range claimScopes() {
		if slices.Contains(scopes, scope) {
			names = append(names, claimsOf(scope)...)
		}
	}
	return names
}

// Select returns what of the account's claims goes into target: the standard
// claims of the scopes, which userinfo delivers wherever it can be asked, and those
// that were asked for by name. A claim that says nothing is not among them, nor is sub, which is
// no claim of the account.
//
// Spec: OpenID Connect Core sections 5.3.2, 5.4 and 5.5.
func Select(account map[string]any, scopes []string, request *ClaimsRequest, target Target) map[string]any {
	var released []string
	if target != InIDToken {
		released = standardClaims(scopes)
	}
	standard := StandardClaims()
	selected := make(map[string]any)
	for name, value := range account {
		base, _, _ := strings.Cut(name, "#") // name#ja is name in a language, section 5.2
		asked := request.asks(target, name) || request.asks(target, base)
		if !slices.Contains(released, base) && (!asked || !slices.Contains(standard, base)) {
			continue
		}
		if value = prune(value); value != nil {
			selected[name] = value
		}
	}
	return selected
}

// IDTokenClaims returns what an ID token under a grant says about the person: what
// the claims parameter asked for there, and if it goes out alone, what the scopes
// release.
//
// Spec: OpenID Connect Core sections 5.4 and 5.5.
func IDTokenClaims(held *grant.Held, alone bool) (map[string]any, error) {
	if len(held.Detail.Claims) == 0 && !alone {
		return said(nil, held)
	}
	account, request, err := known(held)
	if err != nil {
		return nil, err
	}
	if alone {
		return said(Select(account, held.Scopes, request, InLoneIDToken), held)
	}
	return said(Select(account, nil, request, InIDToken), held)
}

// said adds to claims what the operator's consent app said about the person. Where
// it contradicts the account, the app knows better.
func said(claims map[string]any, held *grant.Held) (map[string]any, error) {
	if len(held.Detail.Extra.IDToken) == 0 {
		return claims, nil
	}
	more, err := accountClaims(held.Detail.Extra.IDToken)
	if err != nil {
		return nil, err
	}
	if claims == nil {
		return more, nil
	}
	maps.Copy(claims, more)
	return claims, nil
}

// known returns the claims of the person behind a grant, and which of them were
// asked for by name.
func known(held *grant.Held) (account map[string]any, request *ClaimsRequest, err error) {
	if len(held.Detail.Claims) > 0 {
		if request, err = ParseClaimsRequest(string(held.Detail.Claims)); err != nil {
			return nil, nil, fmt.Errorf("read claims of the grant: %w", err)
		}
	}
	if account, err = accountClaims(held.Claims); err != nil {
		return nil, nil, err
	}
	if account["preferred_username"] == nil && held.Username != "" {
		account["preferred_username"] = held.Username
	}
	return account, request, nil
}

// accountClaims reads the stored claims and leaves numbers as they are written.
func accountClaims(raw json.RawMessage) (map[string]any, error) {
	claims := make(map[string]any)
	if len(raw) == 0 {
		return claims, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&claims); err != nil {
		return nil, fmt.Errorf("read claims of the account: %w", err)
	}
	if claims == nil { // null, of a person of whom nothing is known
		claims = make(map[string]any)
	}
	return claims, nil
}

// prune returns value without members that are null or empty, and nil if nothing
// is left.
func prune(value any) any {
	switch v := value.(type) {
	case string:
		if strings.TrimSpace(v) == "" {
			return nil
		}
	case map[string]any:
		kept := make(map[string]any, len(v))
		for name, member := range v {
			if member = prune(member); member != nil {
				kept[name] = member
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	case []any:
		if len(v) == 0 {
			return nil
		}
	}
	return value
}
