// Package oidc serves what OpenID Connect adds to OAuth 2.0: discovery, claims,
// userinfo and sign-out on behalf of relying parties.
//
// It knows nothing of how a token or a session comes to be. It asks what stands
// behind one, and tells no more of a person than was allowed.
package oidc
