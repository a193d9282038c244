package oauth2

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/ory/fosite"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/assertion"
	"github.com/ostiary/ostiary/internal/oauth2/clientauth"
	"github.com/ostiary/ostiary/internal/oauth2/requestobject"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// responseError is an OAuth error response. Its description is a fixed text of ours:
// nothing from the request is echoed. Its cause stays inside; see [refusal.Cause].
type responseError struct {
	Code        string
	Description string
	Status      int
	detail      string        // on the error page, in place of the description
	wait        time.Duration // before the next try
	cause       error

	page   bool           // shown to the person: a redirect could not carry it
	missed bool           // the browser lacks the cookie of a request that was just begun
	over   bool           // of a request that no person gets on with any more
	client *client.Client // whose it was, if that is known
}

func (r *responseError) Error() string {
	if r.cause != nil {
		return r.Code + ": " + r.cause.Error()
	}
	return r.Code + ": " + r.Description
}

func (r *responseError) Unwrap() error { return r.cause }

// because adds the internal cause, and returns r.
func (r *responseError) because(c *refusal.Cause) *responseError {
	if c != nil {
		r.cause = c
	}
	return r
}

func refuse(code, description string) *responseError {
	return &responseError{Code: code, Description: description, Status: http.StatusBadRequest}
}

// The codes of RFC 6749 section 5.2 and 4.1.2.1, OpenID Connect Core section
// 3.1.2.6, RFC 8707 section 2, and the error of OpenID Connect Core Unmet
// Authentication Requirements.
const (
	codeInvalidRequest      = "invalid_request"
	codeInvalidClient       = "invalid_client"
	codeInvalidGrant        = "invalid_grant"
	codeInvalidScope        = "invalid_scope"
	codeInvalidTarget       = "invalid_target"
	codeUnauthorizedClient  = "unauthorized_client"
	codeUnsupportedGrant    = "unsupported_grant_type"
	codeUnsupportedResponse = "unsupported_response_type"
	codeAccessDenied        = "access_denied"
	codeServerError         = "server_error"
	codeUnavailable         = "temporarily_unavailable"
	codeLoginRequired       = "login_required"
	codeConsentRequired     = "consent_required"
	codeUnmetAuthentication = "unmet_authentication_requirements"
	codeRegistrationUnsup   = "registration_not_supported"

	// RFC 8628 section 3.5.
	codePending      = "authorization_pending"
	codeSlowDown     = "slow_down"
	codeExpiredToken = "expired_token"
)

// descriptions are what is said for each code that comes out of fosite, whose
// own texts repeat the request and quote.
func describe(code string) string {
	switch code {
	case codeInvalidRequest:
		return "The request lacks a parameter, or one of its parameters is malformed"
	case codeInvalidGrant:
		return "The code or token is invalid, expired, revoked, already used, or belongs to another client, redirect URI or verifier"
	case codeInvalidScope:
		return "The scope is unknown, malformed, or more than was granted"
	case codeUnauthorizedClient:
		return "The client may not use this grant type"
	case codeUnsupportedResponse:
		return "The client may not use this response type"
	case codeInvalidTarget:
		return "The client may not ask for this resource"
	case codeInvalidClient:
		return "Client authentication failed"
	case codeAccessDenied:
		return "The request was denied"
	default:
		return "The server met an unexpected condition"
	}
}

// protocolError gives err the shape RFC 6749 prescribes. A failure of ours stays
// server_error, and its text stays in the log; a lost database or a full queue
// is temporary and never a verdict on what the client sent.
func protocolError(err error) *responseError {
	var own *responseError
	var auth *clientauth.Refusal
	var object *requestobject.Refusal
	var assertion *assertion.Refusal
	var waiting *authrequest.TooManyPendingError
	var known *fosite.RFC6749Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &auth):
		return &responseError{Code: auth.Code, Description: auth.Description, Status: auth.Status(), wait: auth.Wait, cause: err}
	case errors.As(err, &object):
		return &responseError{Code: object.Code, Description: object.Description, Status: http.StatusBadRequest, cause: err}
	case errors.As(err, &assertion):
		return &responseError{Code: codeInvalidGrant, Description: assertion.Description, Status: http.StatusBadRequest, cause: err}
	case errors.As(err, &waiting):
		return &responseError{
			Code: codeUnavailable, Description: "Too many requests from your network wait to be answered, try again later",
			Status: http.StatusTooManyRequests, wait: waiting.RetryAfter, page: true, cause: err,
		}
	case pages.Temporary(err):
		return &responseError{
			Code: codeUnavailable, Description: "The server cannot answer at the moment, try again shortly",
			Status: http.StatusServiceUnavailable, wait: retryAfter, cause: err,
		}
	case errors.Is(err, grant.ErrNotFound):
		return &responseError{Code: codeInvalidGrant, Description: describe(codeInvalidGrant), Status: http.StatusBadRequest, cause: err}
	case errors.As(err, &known) && known.CodeField < http.StatusInternalServerError:
		return fromEngine(known, err)
	default:
		return &responseError{Code: codeServerError, Description: describe(codeServerError), Status: http.StatusInternalServerError, cause: err}
	}
}

// fromEngine maps fosite's error, some of whose codes nobody registered.
func fromEngine(known *fosite.RFC6749Error, cause error) *responseError {
	code, status := known.ErrorField, http.StatusBadRequest
	switch code {
	case codeInvalidRequest, codeInvalidGrant, codeInvalidScope, codeUnauthorizedClient, codeUnsupportedResponse, codeAccessDenied:
	case codeInvalidClient:
		status = http.StatusUnauthorized
	default:
		code = codeInvalidRequest
	}
	return &responseError{Code: code, Description: describe(code), Status: status, cause: cause}
}

// writeError answers a client's request that was rejected.
func (h *Handler) writeError(w http.ResponseWriter, r *http.Request, err error) {
	refused := protocolError(err)
	noteRefusal(r, refused)
	if refused.Status == http.StatusUnauthorized && r.Header.Get("Authorization") != "" {
		// RFC 6749 section 5.2 demands a challenge here. Elsewhere it would hide the error:
		// clients that find a challenge report that and do not read the body.
		w.Header().Set("WWW-Authenticate", `Basic realm="ostiary", charset="UTF-8"`)
	}
	setRetryAfter(w, refused)
	pages.JSONError(w, refused.Status, refused.Code, refused.Description)
}

// noteRefusal leaves a rejected request for the edge, which logs it.
func noteRefusal(r *http.Request, refused *responseError) {
	pending := refused.Code == codePending // which a device hears every few seconds
	rule, words := explained(refused)
	refusal.Note(r.Context(), refusal.Rejection{
		Status: refused.Status, Code: refused.Code, Rule: rule, Text: words, Err: refused,
		Quiet: pending, Unrecorded: pending,
	})
}

// retryAfter is how long a client should wait that met a lost database.
const retryAfter = 2 * time.Second

func setRetryAfter(w http.ResponseWriter, refused *responseError) {
	if refused.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(refused.wait.Seconds()))))
	}
}
