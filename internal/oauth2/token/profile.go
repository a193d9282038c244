package token

import (
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/profile"
)

// checkProfile refuses a request whose tokens would not be bound or signed as the security profile of the
// client requires. It is called before the credential is used up.
//
// Spec: FAPI 2.0 Security Profile §5.3.2.1, §5.4.1; FAPI 1.0 Advanced §5.2.2, §8.6.
func (h *Handler) checkProfile(x *Exchange) error {
	p := x.Client.ProfileOn(h.Profile)
	if p.IsOff() || x.trial {
		return nil
	}
	if r, required := p.Requires(profile.SenderConstraint); required && x.Sender.IsZero() {
		return oauth2.ProfileError(oauth2.CodeInvalidRequest, r)
	}
	if r, required := p.Requires(profile.CertificateBinding); required && x.Sender.X5T == "" {
		return oauth2.ProfileError(oauth2.CodeInvalidRequest, r)
	}
	return oauth2.CheckAlgorithms(x.Client, p)
}

// keepsRefreshToken reports whether the refresh token stays the same. Only the authenticated client can use
// it, and its access tokens are bound, so that rotation would add no protection: FAPI 2.0 forbids it.
//
// Spec: FAPI 2.0 Security Profile §5.3.2.1, RFC 9700 §4.14.2.
func (x *Exchange) keepsRefreshToken() bool { return !x.Client.IsPublic() && !x.Sender.IsZero() }
