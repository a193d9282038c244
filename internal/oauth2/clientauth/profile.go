package clientauth

import (
	"slices"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/profile"
	"github.com/ostiary/ostiary/internal/refusal"
)

// checkProfile refuses an authenticated client whose method its security profile does not allow.
func (a *Authenticator) checkProfile(c *client.Client) error {
	r, required := c.ProfileOn(a.cfg.Profile).Requires(profile.ClientAuthentication)
	if required && !slices.Contains(r.Profile.AuthMethods(), registered(c)) {
		return byProfile(r)
	}
	return nil
}

// checkAssertionProfile refuses an assertion that the security profile of its client does not allow. The
// client has signed it: no other learns its profile.
//
// Spec: FAPI 2.0 Security Profile §5.3.2.1, §5.4.1; FAPI 1.0 Advanced §8.6; RFC 10070.
func (a *Authenticator) checkAssertionProfile(c *client.Client, assertion *jws.JWS) error {
	p := c.ProfileOn(a.cfg.Profile)
	if r, required := p.Requires(profile.Algorithms); required && !assertion.MAC() && !p.AllowsAlgorithm(assertion.Alg) {
		return byProfile(r)
	}
	if r, required := p.Requires(profile.AssertionAudience); required && assertion.Payload["aud"] != any(a.cfg.Issuer) {
		return byProfile(r)
	}
	return nil
}

func byProfile(r profile.Requirement) *oauth2.Error {
	return invalidClient(r.String(), refusal.ByProfile(r))
}
