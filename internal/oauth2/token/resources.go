package token

import (
	"github.com/ostiary/ostiary/internal/oauth2"
)

// checkResources returns the requested resources if the client may have all of them, in one token.
//
// Spec: RFC 8707 §2.
func (x *Exchange) checkResources() ([]string, error) {
	requested, err := oauth2.RequestedResources(x.Form, x.Registered, x.Client)
	if err != nil {
		return nil, err
	}
	return requested, x.checkTarget(requested)
}

// checkTarget returns an error unless one token of the request may be for all of the resources. A trial
// of the administrators' console cannot prove a key.
func (x *Exchange) checkTarget(resources []string) error {
	return oauth2.CheckTarget(x.Registered, resources, !x.Sender.IsZero() || x.trial)
}
