package clientauth

import (
	"cmp"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/refusal"
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

	cause *refusal.Cause // nil: by the code
}

// by explains r by a rule and what was compared, and returns it.
func (r *Refusal) by(rule refusal.Rule, attrs ...refusal.Attr) *Refusal {
	r.cause = refusal.New(rule, r.words(), attrs...)
	return r
}

// Unwrap returns the [refusal.Cause].
func (r *Refusal) Unwrap() error {
	if r.cause != nil {
		return r.cause
	}
	switch r.Code {
	case invalidRequest:
		return refusal.New(refusal.AuthMalformed, r.words())
	case unavailable:
		return refusal.New(refusal.SecretThrottled, r.words(), refusal.Seconds("retry_after_seconds", r.Wait))
	default:
		return refusal.New(refusal.AuthFailed, r.words())
	}
}

func (r *Refusal) words() string { return cmp.Or(r.Reason, r.Description) }

// Error returns the code with the reason for the log.
func (r *Refusal) Error() string {
	return r.Code + ": " + r.words()
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
