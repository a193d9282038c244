package token

import (
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
)

// downscope returns the access of the next tokens: the part of a grant that the client may still
// have, further reduced to the scopes, resources and details that the request names. It also returns the
// access that the tokens lack, for the log.
//
// Spec: RFC 6749 §6, RFC 8707 §2.2, RFC 9396 §6.
func (x *Exchange) downscope(b *Basis) (access scope.Access, dropped oauth2.Dropped, err error) {
	if b.Grant == nil || b.IsNarrowed {
		return b.Access, oauth2.Dropped{NotApplicable: oauth2.Missing(b.RequestedScopes, b.Access.Scopes)}, nil
	}
	granted, err := scope.AccessOf(&b.Grant.Grant)
	if err != nil {
		return access, dropped, err
	}
	allowed := x.Registered.Downscope(granted, x.Registered.LimitsOf(x.Client))
	dropped = oauth2.Dropped{
		NotAllowed: oauth2.Missing(granted.Scopes, allowed.Scopes), Resources: x.Registered.DroppedResources(granted.Resources, allowed.Resources),
		Claims: x.Registered.DroppedClaims(granted.Claims, allowed.Claims), Details: granted.Details.Types(allowed.Details),
	}
	limits, err := x.requested(b, allowed)
	if err != nil {
		return access, dropped, err
	}
	access = x.Registered.Downscope(allowed, limits)
	return access, dropped, x.checkTarget(access.Resources)
}

// requested returns the part of allowed that the request names, or all of it. A request for
// more is an error.
func (x *Exchange) requested(b *Basis, allowed scope.Access) (scope.Limits, error) {
	scopes, ok := part(b.RequestedScopes, allowed.Scopes)
	if !ok {
		return scope.Limits{}, oauth2.StandardError(oauth2.CodeInvalidScope).Because(x.exceeds(refusal.ScopeExceedsGrant, "scope",
			b.Grant, "scopes", b.Grant.Scopes, x.Client.Scopes()))
	}
	resources, ok, err := oauth2.NarrowResources(x.Form, allowed.Resources)
	if err != nil {
		return scope.Limits{}, err
	}
	if !ok || len(resources) == 0 && len(b.Grant.Resources) > 0 {
		// Without its last resource, the token would be for the default audience, which was not
		// granted.
		return scope.Limits{}, oauth2.StandardError(oauth2.CodeInvalidTarget).Because(x.exceeds(refusal.ResourceNotAllowed, "resource",
			b.Grant, "resources", b.Grant.Resources, x.Registered.RequestableResources(x.Client)))
	}
	// The parameter scope cannot name the scopes that are only there for requested claims.
	limits := scope.Limits{Scopes: slices.Concat(scopes, allowed.ClaimScopes), Resources: resources}
	limits.Details, err = x.narrowedDetails(b, allowed.Details)
	return limits, err
}

func (x *Exchange) exceeds(rule refusal.Rule, one string, g *grant.WithAccount, many string, granted, allowed []string) *refusal.Cause {
	return refusal.New(rule, "the request names a "+one+" that was not granted, or that the client may no longer have",
		refusal.Registered("granted_"+many, strings.Join(granted, " ")),
		refusal.Registered("client_"+many, strings.Join(allowed, " "))).WithGrant(g.ID.String())
}

// part returns the values of whole that are requested, or all of them if none is. It reports
// false if something else is requested.
func part(requested, whole []string) ([]string, bool) {
	if len(requested) == 0 {
		return whole, true
	}
	isRequested := slices.DeleteFunc(slices.Clone(whole), func(s string) bool { return !slices.Contains(requested, s) })
	isMore := slices.ContainsFunc(requested, func(s string) bool { return !slices.Contains(whole, s) })
	return isRequested, !isMore
}
