package authorize

import (
	"cmp"
	"slices"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/profile"
)

// profileOf returns the security profile of the client of a request. A trial has none: this server runs
// it, and not the client.
func (q *Requests) profileOf(a *AuthorizationRequest) profile.Profile {
	if a.trial != nil {
		return profile.Off
	}
	return a.client.ProfileOn(q.Profile)
}

// checkPush refuses a request that was not pushed, if the server, the client or its security profile
// requires that.
//
// Spec: RFC 9126 §5, §6; FAPI 2.0 Security Profile §5.3.2.2.
func (q *Requests) checkPush(a *AuthorizationRequest) error {
	if r, required := q.profileOf(a).Requires(profile.Pushed); required {
		return oauth2.ProfileError(oauth2.CodeInvalidRequest, r)
	}
	if q.RequirePushed || a.client.RequirePushedAuthorizationRequests {
		return oauth2.InvalidRequest("The authorization request must be pushed")
	}
	return nil
}

// checkRedirect refuses a redirect URI that the security profile does not allow. Nothing is sent to it.
func (q *Requests) checkRedirect(a *AuthorizationRequest) error {
	p := q.profileOf(a)
	if r, required := p.Requires(profile.Redirect); required && !client.IsSafeRedirect(p, a.redirectURI) {
		return &pageError{response: oauth2.ProfileError(oauth2.CodeInvalidRequest, r), detail: r.String(), client: a.client}
	}
	return nil
}

// checkProfile refuses what the security profile of the client does not allow.
func checkProfile(q *Requests, a *AuthorizationRequest) error {
	p := q.profileOf(a)
	if p.IsOff() {
		return nil
	}
	return cmp.Or(checkProfiledClient(p, a), checkProfiledResponse(p, a), checkProfiledRequest(p, a))
}

// checkProfiledClient refuses authentication methods and algorithms of the client.
func checkProfiledClient(p profile.Profile, a *AuthorizationRequest) error {
	if r, required := p.Requires(profile.ClientAuthentication); required && !slices.Contains(p.AuthMethods(), a.client.TokenEndpointAuthMethod) {
		return oauth2.ProfileError(oauth2.CodeUnauthorizedClient, r)
	}
	return oauth2.CheckAlgorithms(a.client, p)
}

// checkProfiledResponse refuses response types and modes.
//
// Spec: RFC 9700 §2.1.2; FAPI 2.0 Security Profile §5.3.2.2; FAPI 2.0 Message Signing §5.4.1; FAPI 1.0
// Advanced §5.2.2.
func checkProfiledResponse(p profile.Profile, a *AuthorizationRequest) error {
	if r, required := p.Requires(profile.ResponseType); required && !slices.Contains(p.ResponseTypes(), string(a.responseType)) {
		return oauth2.ProfileError(oauth2.CodeUnsupportedResponseType, r)
	}
	if r, required := p.Requires(profile.SignedResponse); required && a.responseType == client.ResponseTypeCode && !a.responseJWT {
		return oauth2.ProfileError(oauth2.CodeInvalidRequest, r)
	}
	return nil
}

// checkProfiledRequest refuses a request without the parameters that the profile requires.
//
// Spec: RFC 9700 §2.1.1; FAPI 2.0 Security Profile §5.3.2.2; FAPI 1.0 Baseline §5.2.2.2, §5.2.2.3; FAPI 1.0
// Advanced §5.2.2.
func checkProfiledRequest(p profile.Profile, a *AuthorizationRequest) error {
	isOpenID := slices.Contains(a.requested.Scopes, oauth2.ScopeOpenID)
	for _, check := range []struct {
		rule profile.RuleName
		met  bool
	}{
		{profile.PKCE, a.challenge != "" || p == profile.FAPI1Advanced && !a.pushed},
		{profile.Scope, len(a.requested.Scopes) > 0},
		{profile.Nonce, a.form.Get("nonce") != "" || !isOpenID},
		{profile.State, a.state != "" || isOpenID},
	} {
		if r, required := p.Requires(check.rule); required && !check.met {
			return oauth2.ProfileError(oauth2.CodeInvalidRequest, r)
		}
	}
	return nil
}
