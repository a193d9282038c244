package oauth2

import (
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Error is an OAuth error response. Its description is printable ASCII without quotation
// marks and backslashes.
//
// Spec: RFC 6749 §4.1.2.1, §5.2.
type Error = httpapi.Error

// NewError returns an error response with status 400.
func NewError(code, description string) *Error { return httpapi.BadRequest(code, description) }

// InvalidRequest returns an invalid_request.
func InvalidRequest(description string) *Error { return NewError(CodeInvalidRequest, description) }

// StandardError returns an error response with status 400 and the description that all
// errors with code share.
func StandardError(code string) *Error { return NewError(code, describe(code)) }

// ErrorOf returns the error response for err: a decision about the request, a temporary
// failure, or a server_error.
func ErrorOf(err error) *Error { return errorTable().Of(err) }

// PrepareError sets the headers of the error response for err, notes the rejection for the
// log, and returns the response. The caller writes the body.
func PrepareError(w http.ResponseWriter, r *http.Request, err error) *Error {
	return errorTable().Prepare(w, r, err)
}

// WriteError writes the error response for err as JSON, and notes the rejection for the
// log.
//
// Spec: RFC 6749 §5.2.
func WriteError(w http.ResponseWriter, r *http.Request, err error) { errorTable().Write(w, r, err) }

// WriteStandardError is [WriteError] with a body without status_code, for endpoints that Ory Hydra does not
// have.
func WriteStandardError(w http.ResponseWriter, r *http.Request, err error) {
	table := errorTable()
	table.Standard = true
	table.Write(w, r, err)
}

// errorTable maps the errors of the domain to responses.
func errorTable() *httpapi.Errors {
	return &httpapi.Errors{
		Table: []httpapi.Mapping{
			httpapi.As(tooManyPending),
			httpapi.As(InvalidDetails),
			httpapi.Is(dpop.ErrNonce, *NewError(CodeUseDPoPNonce, "The DPoP proof needs the nonce of the DPoP-Nonce header")),
			func(err error) *Error {
				if cause := refusal.Of(err); errors.Is(err, dpop.ErrInvalid) || cause != nil && cause.Rule == refusal.KeyMismatch {
					if cause != nil && cause.Rule == refusal.SecurityProfile {
						return NewError(CodeInvalidDPoPProof, cause.Text)
					}
					return StandardError(CodeInvalidDPoPProof)
				}
				return nil
			},
			func(err error) *Error {
				if !errors.Is(err, grant.ErrNotFound) {
					return nil
				}
				return StandardError(CodeInvalidGrant)
			},
		},
		RetryAfter: 2 * time.Second, // while the database cannot be reached
		Challenge:  challenge,
		Rule:       func(e *Error) refusal.Rule { return ruleOf(e.Code) },
	}
}

// InvalidDetails returns the error response for invalid authorization details.
//
// Spec: RFC 9396 §5.
func InvalidDetails(err *detail.InvalidError) *Error {
	return NewError(CodeInvalidDetails, httpapi.Description(err.Reason))
}

func tooManyPending(err *authrequest.TooManyPendingError) *Error {
	return &Error{
		Status: http.StatusTooManyRequests, Code: CodeTemporarilyUnavailable, RetryAfter: err.RetryAfter,
		Description: "Too many authorization requests from your network are pending. Try again later.",
	}
}

// challenge returns the challenge for a client that failed to authenticate in the header.
// Elsewhere it would hide the error: clients that find a challenge report that and do not
// read the body.
//
// Spec: RFC 6749 §5.2.
func challenge(r *http.Request, e *Error) string {
	if e.Status != http.StatusUnauthorized || r.Header.Get("Authorization") == "" {
		return ""
	}
	return `Basic realm="ostiary", charset="UTF-8"`
}
