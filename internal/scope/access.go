package scope

import (
	"fmt"
	"slices"

	"github.com/ostiary/ostiary/internal/grant"
)

// Access is what a client gets, or would like to get, under a grant: scopes and what
// rides beside them. What comes to ride there later, such as authorization details
// (RFC 9396), becomes a member of Access and Limits, and is narrowed in [Set.Downscope].
type Access struct {
	Scopes    []string
	Resources []string // RFC 8707
	// Claims are requested by name. ClaimScopes are the scopes, not among Scopes, that
	// stand for them: the user agrees to these, and whatever takes one away takes the
	// claims away.
	Claims      ClaimsRequest
	ClaimScopes []string
}

// Limits bound an Access: what a client may have, what a page has shown, what a consent
// app has granted, or what a request asks for.
type Limits struct {
	Scopes    []string
	Resources []string
}

// Downscope returns the part of a that is within limits. Everything that rides in a grant
// passes it: at the authorization endpoint, with the consent of the user or of a
// consent app, at each refresh, and where claims are released.
//
// A claim requested by name stays as long as some scope of a, granted or implied,
// stands for it.
func (s *Set) Downscope(a Access, limits Limits) Access {
	n := Access{
		Scopes:      common(a.Scopes, limits.Scopes),
		ClaimScopes: common(a.ClaimScopes, limits.Scopes),
		Resources:   common(a.Resources, limits.Resources),
	}
	all := n.ScopesToConsent()
	n.Claims = a.Claims.only(func(name string) bool {
		return slices.ContainsFunc(s.scopesFor(name), func(scope string) bool { return slices.Contains(all, scope) })
	})
	return n
}

// Request returns what a client gets if everybody agrees: scopes and resources that it
// may have, and the claims that request names, as far as it may have a scope that
// releases them.
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

// DroppedClaims returns the claims of request that granted lacks and that some scope
// releases, sorted. Other claims are none that a client could get.
func (s *Set) DroppedClaims(request, granted ClaimsRequest) []string {
	kept := granted.names()
	return slices.DeleteFunc(request.names(), func(name string) bool {
		return slices.Contains(kept, name) || !s.Releases(name)
	})
}

// scopesFor returns the scopes through which a claim can be requested by name, which may
// be in a language.
func (s *Set) scopesFor(claim string) []string {
	if scopes, ok := s.releasing[claim]; ok {
		return scopes
	}
	return s.releasing[base(claim)]
}

// ScopesToConsent returns the scopes that the user must agree to.
func (a Access) ScopesToConsent() []string { return slices.Concat(a.Scopes, a.ClaimScopes) }

// StoreIn writes what rides beside scopes and resources into the detail of a grant.
func (a Access) StoreIn(d *grant.Authorization) {
	d.Claims, d.ClaimScopes = a.Claims.encode(), a.ClaimScopes
	if d.Claims == nil {
		d.ClaimScopes = nil
	}
}

// AccessOf returns what a grant gives.
func AccessOf(g *grant.Grant) (Access, error) {
	request, err := ParseClaimsRequest(string(g.Authorization.Claims))
	if err != nil {
		return Access{}, fmt.Errorf("read claims of the grant: %w", err)
	}
	return Access{Scopes: g.Scopes, Resources: g.Resources, Claims: request, ClaimScopes: g.Authorization.ClaimScopes}, nil
}
