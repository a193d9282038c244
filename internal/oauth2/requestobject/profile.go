package requestobject

import (
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/jws"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/profile"
)

// mustSign reports whether the client must send signed request objects. Then parameters outside of them
// do not count.
func (o *Opener) mustSign(c *client.Client) bool {
	_, required := c.ProfileOn(o.Profile).Requires(profile.SignedRequest)
	return required || o.RequireSigned || c.RequireSignedRequestObject
}

// errUnsigned is the error for a request without an object of a client that must sign.
func (o *Opener) errUnsigned(c *client.Client) error {
	if r, required := c.ProfileOn(o.Profile).Requires(profile.SignedRequest); required {
		return oauth2.ProfileError(oauth2.CodeInvalidRequest, r)
	}
	return newError(oauth2.CodeInvalidRequest, "This client must send its requests as signed request objects")
}

// judgeByProfile checks what the security profile of the client requires of an object.
//
// Spec: FAPI 2.0 Security Profile §5.4.1, FAPI 2.0 Message Signing §5.3.1, FAPI 1.0 Advanced §5.2.2, §8.6.
func (o *Opener) judgeByProfile(c *client.Client, object *jws.JWS) error {
	p := c.ProfileOn(o.Profile)
	for _, check := range []struct {
		rule profile.RuleName
		met  bool
	}{
		{profile.Algorithms, p.AllowsAlgorithm(object.Alg)},
		{profile.RequestAudience, object.Payload.Has("aud")}, // which names this server, if it is there
		{profile.RequestLifetime, isShortLived(object.Payload, o.Now())},
	} {
		if r, required := p.Requires(check.rule); required && !check.met {
			return oauth2.ProfileError(oauth2.CodeInvalidRequestObject, r)
		}
	}
	return nil
}

// isShortLived reports whether an object began and ends within [profile.MaxRequestAge].
func isShortLived(payload jws.Object, now time.Time) bool {
	from, hasStart := payload.Date("nbf")
	until, hasEnd := payload.Date("exp")
	return hasStart && hasEnd && !from.Before(now.Add(-profile.MaxRequestAge)) && !until.After(from.Add(profile.MaxRequestAge))
}
