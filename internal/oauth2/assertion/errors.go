package assertion

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

// invalid returns the error for an assertion with the given fault, an invalid_grant.
//
// Spec: RFC 7521 §4.1.1.
func invalid(fault string) error {
	return &oauth2.Error{
		Status: http.StatusBadRequest, Code: oauth2.CodeInvalidGrant, Description: "The assertion " + fault, Rule: refusal.AssertionInvalid,
	}
}
