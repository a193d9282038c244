package clientauth

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

// The functions below return the errors of this package. The response must not tell an
// unknown client from a disabled one or from a wrong secret, so the reason stays inside.

// failed returns the response for every failure that depends on registered data.
func failed(reason string, rule refusal.Rule, attrs ...refusal.Attr) *oauth2.Error {
	return invalidClient("client authentication failed", refusal.New(rule, reason, attrs...))
}

// unacceptable returns the error for credentials that are invalid for any client.
func unacceptable(description string, rule refusal.Rule, attrs ...refusal.Attr) *oauth2.Error {
	return invalidClient(description, refusal.New(rule, description, attrs...))
}

// invalidClient returns an invalid_client.
//
// Spec: RFC 6749 §5.2.
func invalidClient(description string, cause *refusal.Cause) *oauth2.Error {
	return &oauth2.Error{Status: http.StatusUnauthorized, Code: oauth2.CodeInvalidClient, Description: description, Err: cause}
}

// malformed returns the error for parameters that contradict each other.
func malformed(description string, rule refusal.Rule) *oauth2.Error {
	return oauth2.InvalidRequest(description).Because(refusal.New(rule, description))
}

// throttled returns the error for a client with too many failed attempts, which may try again
// after wait. RFC 6749 §5.2 has no code for it; temporarily_unavailable is from §4.1.2.1.
//
// Spec: RFC 6585 §4.
func throttled(wait time.Duration) *oauth2.Error {
	return &oauth2.Error{
		Status: http.StatusTooManyRequests, Code: oauth2.CodeTemporarilyUnavailable,
		Description: "too many failed authentications of this client, try again later", RetryAfter: wait,
		Err: refusal.New(refusal.SecretThrottled, "throttled", refusal.Seconds("retry_after_seconds", wait)),
	}
}
