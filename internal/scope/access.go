package scope

import (
	"fmt"
	"slices"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
)

// Access is the requested or granted access of a client: scopes, resources, authorization details and
// claims. Later parts must become members of Access and Limits, and be reduced in [Set.Downscope].
type Access struct {
	Scopes    []string
	Resources []string // RFC 8707
	Details   detail.List
	// Claims are requested by name. ClaimScopes are the scopes, in addition to Scopes, that
	// release them: the user consents to these, and without one its claims are removed.
	Claims      ClaimsRequest
	ClaimScopes []string
}

// Limits is an upper bound for an Access: the access that a client may have, that a consent
// page showed, that a consent app granted, or that a refresh request names.
type Limits struct {
	Scopes    []string
	Resources []string
	Details   detail.Limits
}

// Downscope returns the part of a that is within limits. Every access passes it: at the
// authorization endpoint, with the consent of the user or of a consent app, at each
// refresh, and when claims are released.
//
// A claim requested by name is kept while a scope of a, granted or implied, releases it, and a detail
// while the resource of its type is one of those that remain.
func (s *Set) Downscope(a Access, limits Limits) Access {
	n := Access{
		Scopes:      common(a.Scopes, limits.Scopes),
		ClaimScopes: common(a.ClaimScopes, limits.Scopes),
		Resources:   apiresource.Within(a.Resources, limits.Resources),
	}
	n.Details = s.details.For(s.details.Downscope(a.Details, limits.Details), func(resource string) bool {
		_, ok := apiresource.Find(n.Resources, resource)
		return ok
	})
	all := n.ScopesToConsent()
	n.Claims = a.Claims.only(func(name string) bool {
		return slices.ContainsFunc(s.scopesFor(name), func(scope string) bool { return slices.Contains(all, scope) })
	})
	return n
}

// InToken returns the access of an access token: a without the scopes that its resources do not
// declare. ID and refresh tokens depend on a itself.
func (s *Set) InToken(a Access) Access {
	a.Scopes = s.resources.Limit(a.Scopes, a.Resources)
	return a
}

// Request returns the access that a client gets with full consent: the scopes and resources
// within limits, and the claims of request that an allowed scope releases.
//
// Spec: OpenID Connect Core §5.4, §5.5.
func (s *Set) Request(scopes, resources []string, request ClaimsRequest, limits Limits) Access {
	a := Access{Scopes: common(scopes, limits.Scopes), Resources: resources, Claims: request}
	for _, name := range request.names() {
		releasing := common(s.scopesFor(name), limits.Scopes)
		known := a.ScopesToConsent()
		if len(releasing) > 0 && !slices.ContainsFunc(releasing, func(scope string) bool { return slices.Contains(known, scope) }) {
			a.ClaimScopes = append(a.ClaimScopes, releasing[0])
		}
	}
	return s.Downscope(a, limits)
}

// DroppedClaims returns the sorted claims of request that granted lacks, limited to claims
// that a scope releases.
func (s *Set) DroppedClaims(request, granted ClaimsRequest) []string {
	kept := granted.names()
	return slices.DeleteFunc(request.names(), func(name string) bool {
		return slices.Contains(kept, name) || !s.Releases(name)
	})
}

// scopesFor returns the scopes that release a claim, whose name may have a language tag.
func (s *Set) scopesFor(claim string) []string {
	if scopes, ok := s.releasing[claim]; ok {
		return scopes
	}
	return s.releasing[base(claim)]
}

// ScopesToConsent returns the scopes that need the consent of the user.
func (a Access) ScopesToConsent() []string { return slices.Concat(a.Scopes, a.ClaimScopes) }

// StoreIn writes the details, the claims and their scopes into the authorization of a grant.
func (a Access) StoreIn(d *grant.Authorization) {
	d.Claims, d.ClaimScopes, d.Details = a.Claims.encode(), a.ClaimScopes, a.Details
	if d.Claims == nil {
		d.ClaimScopes = nil
	}
}

// AccessOf returns the access of a grant.
func AccessOf(g *grant.Grant) (Access, error) {
	request, err := ParseClaimsRequest(string(g.Authorization.Claims))
	if err != nil {
		return Access{}, fmt.Errorf("read claims of the grant: %w", err)
	}
	return Access{
		Scopes: g.Scopes, Resources: g.Resources, Details: g.Authorization.Details, Claims: request, ClaimScopes: g.Authorization.ClaimScopes,
	}, nil
}
