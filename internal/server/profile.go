package server

import (
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oidc/discovery"
	"github.com/ostiary/ostiary/internal/profile"
)

// narrowByProfile removes from the document what no client can use under the security profile of the server.
func narrowByProfile(caps *discovery.Capabilities, p profile.Profile) {
	keep := func(list *[]string, allowed []string) {
		if allowed != nil {
			*list = slices.DeleteFunc(slices.Clone(*list), func(v string) bool { return !slices.Contains(allowed, v) })
		}
	}
	keep(&caps.ResponseTypes, p.ResponseTypes())
	if !slices.ContainsFunc(caps.ResponseTypes, func(t string) bool { return t != client.ResponseTypeCode }) {
		caps.GrantTypes = slices.DeleteFunc(slices.Clone(caps.GrantTypes), func(g string) bool { return g == client.GrantImplicit })
	}
	for _, methods := range []*[]string{&caps.AuthMethods, &caps.IntrospectionAuthMethods, &caps.RevocationAuthMethods} {
		keep(methods, p.AuthMethods())
	}
	for _, algs := range []*[]string{&caps.SigningAlgs, &caps.AuthSigningAlgs, &caps.RequestObjectAlgs, &caps.DPoPAlgs} {
		keep(algs, p.Algorithms())
	}
	if _, required := p.Requires(profile.SignedResponse); required && p != profile.FAPI1Advanced {
		caps.ResponseModes = slices.DeleteFunc(slices.Clone(caps.ResponseModes), func(mode string) bool { return !strings.HasSuffix(mode, "jwt") })
	}
	if _, required := p.Requires(profile.Pushed); required {
		caps.RequirePushed = true
	}
	if _, required := p.Requires(profile.SignedRequest); required {
		caps.RequireSigned = true
	}
}
