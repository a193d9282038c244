package refusal

import "github.com/ostiary/ostiary/internal/profile"

// ByProfile returns the cause of a request that a rule of a security profile rejects.
func ByProfile(r profile.Requirement) *Cause {
	return New(SecurityProfile, r.String(),
		Registered("security_profile", string(r.Profile)), Registered(ParameterAttr, string(r.Rule)), Registered("section", r.Section))
}
