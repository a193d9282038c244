package clientauth

import (
	"net/http"
	"time"
)

// The error codes of a [Refusal] (RFC 6749 §5.2; the last one is of §4.1.2.1,
// since none there says that the credentials were not looked at).
const (
	invalidClient  = "invalid_client"
	invalidRequest = "invalid_request"
	unavailable    = "temporarily_unavailable"
)

// Refusal is a failed authentication in the protocol's words.
type Refusal struct { //nolint:errname // it is the word for it, and not every error here is one
	Code        string // invalid_client, invalid_request or temporarily_unavailable
	Description string // for the client
	// Reason is for the log: the answer must not tell an unknown client from a
	// disabled one or from a wrong secret, and the operator wants to know.
	Reason string
	// Wait is how long to stay away after too many tries.
	Wait time.Duration
}

// Error returns the code with the reason for the log.
func (r *Refusal) Error() string {
	if r.Reason != "" {
		return r.Code + ": " + r.Reason
	}
	return r.Code + ": " + r.Description
}

// Status returns the HTTP status of the answer (RFC 6749 §5.2, RFC 6585 §4).
func (r *Refusal) Status() int {
	switch r.Code {
	case invalidClient:
		return http.StatusUnauthorized
	case unavailable:
		return http.StatusTooManyRequests
	default:
		return http.StatusBadRequest
	}
}

// failed is the one answer to everything that depends on what is registered.
func failed(reason string) *Refusal {
	return &Refusal{Code: invalidClient, Description: "client authentication failed", Reason: reason}
}

// unacceptable refuses credentials for what everybody can see in them.
func unacceptable(description string) *Refusal {
	return &Refusal{Code: invalidClient, Description: description}
}

// malformed refuses a request that contradicts itself.
func malformed(description string) *Refusal {
	return &Refusal{Code: invalidRequest, Description: description}
}

// throttled refuses to look at credentials before wait has passed.
func throttled(wait time.Duration) *Refusal {
	return &Refusal{
		Code: unavailable, Description: "too many failed authentications of this client, try again later",
		Reason: "throttled", Wait: wait,
	}
}
