package oauth2

import (
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
)

// narrow returns the scopes and resources of the next access token under a grant:
// what was granted and the client may still have, or the part of it that the
// request asks for (RFC 6749 section 6, RFC 8707 section 2.2).
func (u *unit) narrow(held *grant.Held) (scopes, targets []string, err error) {
	scopes, targets = common(held.Scopes, u.client.Scopes()), common(held.Resources, u.client.Audience)
	if u.form.Get("grant_type") == client.GrantRefreshToken {
		var ok bool
		if scopes, ok = part(strings.Fields(u.form.Get("scope")), scopes); !ok {
			return nil, nil, refuse(codeInvalidScope, describe(codeInvalidScope))
		}
	}
	targets, ok := part(resources(u.form), targets)
	if !ok || len(targets) == 0 && len(held.Resources) > 0 {
		// With no resource left, the token would be for the default one: not for
		// less, but for something else.
		return nil, nil, refuse(codeInvalidTarget, describe(codeInvalidTarget))
	}
	return scopes, targets, nil
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
