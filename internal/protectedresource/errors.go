// Package protectedresource has what the protected resources of this server share, over
// [resource.Server]: their error responses.
package protectedresource

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/pkg/resource"
)

// Errors returns the error responses of a resource: those of [resource.Error], after the rows of its
// own. The message is the log message of rejected requests, and realm that of challenges.
//
// Spec: RFC 6750 §3.
func Errors(message, realm string, own ...httpapi.Mapping) *httpapi.Errors {
	return &httpapi.Errors{
		Message: message, RetryAfter: time.Second, Table: append(own, httpapi.As(response)),
		Challenge: func(_ *http.Request, e *httpapi.Error) string {
			if e.Status >= http.StatusInternalServerError {
				return ""
			}
			return httpapi.Challenge{Realm: realm, Code: e.Code, Description: e.Description}.String()
		},
	}
}

func response(e *resource.Error) *httpapi.Error {
	return &httpapi.Error{Status: e.Status, Code: e.Code, Description: e.Description, Challenge: e.Challenge}
}
