package oauth2

import (
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/profile"
	"github.com/ostiary/ostiary/internal/refusal"
)

// ProfileError returns an error response with status 400 for a request that a rule of a security profile
// rejects. Its description names the profile, the rule and its section.
func ProfileError(code string, r profile.Requirement) *Error {
	return NewError(code, r.String()).Because(refusal.ByProfile(r))
}

// CheckAlgorithms refuses a client that registered an algorithm which its security profile does not allow.
// A new registration cannot, but the profile of the server may have changed since.
func CheckAlgorithms(c *client.Client, p profile.Profile) error {
	if lack, ok := c.LacksAlgorithm(p); ok {
		e := ProfileError(CodeUnauthorizedClient, lack.Requirement)
		e.Description += "; see " + lack.Member + " of the client"
		return e
	}
	return nil
}
