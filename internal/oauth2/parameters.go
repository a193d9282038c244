package oauth2

import (
	"maps"
	"net/url"
	"slices"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/grant"
)

// ScopeOpenID is the scope that makes a request one of OpenID Connect.
//
// Spec: OpenID Connect Core §3.1.2.1.
const ScopeOpenID = "openid"

// WithResources returns a copy of a form that requests the resources too.
func WithResources(form url.Values, resources []string) url.Values {
	form = maps.Clone(form)
	requested := apiresource.Requested(form)
	for _, one := range resources {
		if _, ok := apiresource.Find(requested, one); !ok {
			form["resource"] = append(slices.Clone(form["resource"]), one)
		}
	}
	return form
}

// WithoutUserScopes returns scopes, each once, without openid and offline_access, which
// need a user who signed in here.
func WithoutUserScopes(scopes []string) (kept []string) {
	for _, scope := range scopes {
		if scope != ScopeOpenID && !grant.IsOfflineScope(scope) && !slices.Contains(kept, scope) {
			kept = append(kept, scope)
		}
	}
	return kept
}
