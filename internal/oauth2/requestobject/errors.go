package requestobject

import (
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

// newError returns an error of this package.
//
// Spec: OpenID Connect Core §3.1.2.6.
func newError(code, description string) *oauth2.Error {
	e := oauth2.NewError(code, description)
	e.Rule = refusal.RequestObject
	return e
}

// invalid returns the error for a request object with the given fault.
func invalid(fault string) *oauth2.Error {
	return newError(oauth2.CodeInvalidRequestObject, "The request object "+fault)
}
