package registration

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
)

func invalidMetadata(description string) error {
	return &httpapi.Error{Code: client.InvalidMetadata, Description: description, Rule: refusal.MetadataInvalid}
}

// firstFault reports the first of several faults: a response has one error code, and it
// fits one of them.
func firstFault(faults []client.Fault) error {
	return &httpapi.Error{Code: faults[0].Code, Description: faults[0].String(), Rule: refusal.MetadataInvalid}
}

var (
	errClosed = &httpapi.Error{
		Status: http.StatusNotFound, Code: "not_found", Description: "Registration is closed.", Rule: refusal.RegistrationClosed,
	}
	// errUnauthorized is the response to every invalid credential, and to unknown clients.
	errUnauthorized = &httpapi.Error{
		Status: http.StatusUnauthorized, Code: "invalid_token", Rule: refusal.RegistrationToken,
		Description: "The credentials are missing, wrong, or not for this client.",
		Challenge:   httpapi.Challenge{Code: "invalid_token"}.String(),
	}
	// errNoToken is the response to a registration without a credential. Its challenge has no
	// error code (RFC 6750 §3.1).
	errNoToken = &httpapi.Error{
		Status: http.StatusUnauthorized, Code: "invalid_token", Rule: refusal.RegistrationToken,
		Description: "An initial access token is required.",
		Challenge:   httpapi.Challenge{}.String(),
	}
	errSecretFixed = &httpapi.Error{
		Status: http.StatusForbidden, Code: client.InvalidMetadata, Rule: refusal.MetadataInvalid,
		Description: "client_secret cannot be changed here.",
	}
)

// newErrors returns the table of error responses.
//
// Spec: RFC 7591 §3.2.2, RFC 7592 §2, RFC 6750 §3.
func newErrors() *httpapi.Errors {
	return &httpapi.Errors{
		Message:    "registration refused",
		RetryAfter: time.Second,
		Table: []httpapi.Mapping{
			httpapi.As(func(e *client.ThrottledError) *httpapi.Error {
				return &httpapi.Error{
					Status: http.StatusTooManyRequests, Code: "temporarily_unavailable", Rule: refusal.SecretThrottled,
					Description: "Too many wrong secrets were sent for this client. Try again later.",
					RetryAfter:  e.RetryAfter.Truncate(time.Second) + time.Second,
				}
			}),
			httpapi.Is(client.ErrNotFound, *errUnauthorized),
			httpapi.Is(client.ErrSector, httpapi.Error{
				Code: client.InvalidMetadata, Description: client.ErrSector.Error(), Rule: refusal.MetadataInvalid,
			}),
			httpapi.Is(errUnapproved, httpapi.Error{
				Code: "unapproved_software_statement", Rule: refusal.SoftwareStatement,
				Description: "The issuer of the software statement is not trusted here.",
			}),
			httpapi.Is(errBadStatement, httpapi.Error{
				Code: "invalid_software_statement", Description: "The software statement is not valid.", Rule: refusal.SoftwareStatement,
			}),
			httpapi.Is(client.ErrConflict, httpapi.Error{
				Status: http.StatusConflict, Code: "conflict", Rule: refusal.Conflict,
				Description: "The client was changed by another request. Read it again and repeat the change.",
			}),
		},
	}
}
