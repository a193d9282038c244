package authorize

import (
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// narrow returns what the next tokens under a grant give: what was granted and the
// client may still have, or the part of it that the request names.
//
// Spec: RFC 6749 §6, RFC 8707 §2.2.
func (u *unit) narrow(held *grant.GrantWithAccount) (scope.Access, error) {
	granted, err := scope.AccessOf(&held.Grant)
	if err != nil {
		return scope.Access{}, err
	}
	allowed := u.known.Downscope(granted, u.known.LimitsOf(u.client))
	u.granted, u.allowed = granted.Claims, allowed
	wanted := scope.Limits{Scopes: allowed.Scopes}
	var ok bool
	if u.form.Get("grant_type") == client.GrantRefreshToken {
		if wanted.Scopes, ok = part(strings.Fields(u.form.Get("scope")), allowed.Scopes); !ok {
			return scope.Access{}, oauth2.StandardError(oauth2.CodeInvalidScope).Because(refusal.New(refusal.ScopeExceedsGrant,
				"the request names a scope that was not granted, or that the client may no longer have",
				refusal.Registered("granted_scopes", strings.Join(held.Scopes, " ")),
				refusal.Registered("client_scopes", strings.Join(u.client.Scopes(), " "))).WithGrant(held.ID.String()))
		}
	}
	wanted.Resources, ok = part(oauth2.Resources(u.form), allowed.Resources)
	if !ok || len(wanted.Resources) == 0 && len(held.Resources) > 0 {
		// With no resource left, the token would be for the default one: not for
		// less, but for something else.
		return scope.Access{}, oauth2.StandardError(oauth2.CodeInvalidTarget).Because(refusal.New(refusal.ResourceNotAllowed,
			"the request names a resource that was not granted, or that the client may no longer have",
			refusal.Registered("granted_resources", strings.Join(held.Resources, " ")),
			refusal.Registered("client_resources", strings.Join(u.client.Audience, " "))).WithGrant(held.ID.String()))
	}
	// The parameter scope cannot name the scopes that only stand for claims.
	wanted.Scopes = slices.Concat(wanted.Scopes, allowed.ClaimScopes)
	return u.known.Downscope(allowed, wanted), nil
}

// common returns those of granted that are allowed.
func common(granted, allowed []string) []string {
	return slices.DeleteFunc(slices.Clone(granted), func(s string) bool { return !slices.Contains(allowed, s) })
}

// part returns those of whole that are asked for, or all if nothing is. It reports
// false if something else is asked for.
func part(asked, whole []string) ([]string, bool) {
	if len(asked) == 0 {
		return whole, true
	}
	return common(whole, asked), len(common(asked, whole)) == len(asked)
}
