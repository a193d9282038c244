package admin

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/trustedissuer"
	"github.com/ostiary/ostiary/pkg/resource"
)

// failure is the body of an error response. Its name is that of the schema in the OpenAPI
// document.
type failure httpapi.ErrorBody

func invalid(description string) error { return httpapi.BadRequest("invalid_request", description) }

// insufficientScope reports that the caller lacks scopes, of which the response names the first. The
// error carries an [apikey.MissingError].
//
// Spec: RFC 6750 §3.1.
func insufficientScope(scopes ...string) error {
	return &httpapi.Error{
		Status: http.StatusForbidden, Code: "request_forbidden", Description: "The scope " + scopes[0] + " is required.",
		Rule: refusal.APIScopeMissing, Challenge: httpapi.Challenge{Code: "insufficient_scope", Scope: scopes[0]}.String(),
		Err: &apikey.MissingError{Scopes: scopes},
	}
}

func notFound(target error, description string) httpapi.Mapping {
	return httpapi.Is(target, httpapi.Error{Status: http.StatusNotFound, Code: "Not Found", Description: description})
}

func conflict(target error, description string) httpapi.Mapping {
	return httpapi.Is(target, httpapi.Error{Status: http.StatusConflict, Code: "Conflict", Description: description})
}

// changed maps a change of a record that another request has changed meanwhile.
func changed(target error) httpapi.Mapping {
	return httpapi.Is(target, httpapi.Error{
		Status: http.StatusPreconditionFailed, Code: "Precondition Failed", Rule: refusal.Conflict,
		Description: "The record was changed since it was read. Read it again and repeat the change.",
	})
}

func badRequest(target error, description string) httpapi.Mapping {
	return httpapi.Is(target, httpapi.Error{Code: "invalid_request", Description: description})
}

// newErrors returns the table of error responses, with the codes of Ory Hydra.
func newErrors() *httpapi.Errors {
	return &httpapi.Errors{
		Message:    "admin request refused",
		RetryAfter: 2 * time.Second,
		Rule:       ruleOf,
		Table: []httpapi.Mapping{
			httpapi.Is(errAnswered, httpapi.Error{Status: http.StatusGone, Code: "Gone", Description: "The request was answered before."}),
			badRequest(devicecode.ErrNotFound, "The user code is invalid or has expired."),
			httpapi.As(func(e *devicecode.TooManyAttemptsError) *httpapi.Error {
				return &httpapi.Error{
					Status: http.StatusTooManyRequests, Code: "request_forbidden", RetryAfter: e.RetryAfter,
					Description: "Too many wrong user codes. Try again later.",
				}
			}),
			httpapi.As(func(e *manage.TooManyMailsError) *httpapi.Error {
				return &httpapi.Error{
					Status: http.StatusTooManyRequests, Code: "request_forbidden", RetryAfter: e.RetryAfter, Rule: refusal.RateLimited,
					Description: "The address has received 3 messages in an hour or 10 in a day. Try again later, or request the link without mail.",
				}
			}),
			notFound(ciba.ErrNotFound, "The request does not exist, has expired, or was decided before."),
			notFound(authrequest.ErrNotFound, "The request does not exist or has expired."),
			httpapi.As(func(e *manage.InvalidUserError) *httpapi.Error {
				return &httpapi.Error{Code: "invalid_request", Description: "The change is invalid: " + httpapi.Description(e.Error()) + "."}
			}),
			httpapi.As(func(e *manage.InvalidAttributeError) *httpapi.Error {
				return &httpapi.Error{Code: "invalid_request", Description: "The attribute is invalid: " + httpapi.Description(e.Error()) + "."}
			}),
			changed(account.ErrChanged),
			changed(scope.ErrChanged),
			changed(apiresource.ErrChanged),
			notFound(account.ErrAttributeNotFound, "The attribute does not exist."),
			conflict(account.ErrAttributeExists, "An attribute with this name exists."),
			notFound(account.ErrNotFound, "The user does not exist."),
			notFound(account.ErrGroupNotFound, "The group does not exist."),
			notFound(onetimelink.ErrInvalid, "There is no open invitation for this address."),
			notFound(account.ErrAddressNotFound, "The user does not have this email address."),
			notFound(session.ErrNotFound, "The user has no active session with this id."),
			badRequest(account.ErrBadEmail, "The email address is invalid."),
			conflict(account.ErrGroupExists, "A group with this name exists."),
			conflict(account.ErrExists, "The subject or the username is taken."),
			conflict(account.ErrAddressTaken, "Another user has verified this email address."),
			conflict(account.ErrLastOwner, "This is the last owner. Make another user an owner first."),
			conflict(account.ErrLocked, "The account is locked down. Unlock it instead."),
			conflict(manage.ErrNoPassword, "The user signs in with a custom login app."),
			conflict(manage.ErrNoMail, "The server sends no mail: mail_url is not set."),
			conflict(manage.ErrNoAddress, "The user has no verified email address."),
			conflict(manage.ErrHasCredential, "The user has a way to sign in. Use recover instead."),
			conflict(manage.ErrSignUpOff, "sign_up is off: no user can create an account."),
			notFound(credential.ErrNotFound, "The user has no credential with this id."),
			notFound(client.ErrNotFound, "The client does not exist."),
			notFound(client.ErrSecretNotFound, "The client has no secret with this id."),
			conflict(client.ErrOnlySecret, "It is the only secret of the client. Add another one first."),
			conflict(client.ErrTooManySecrets, "The client has 5 secrets. Remove one first."),
			notFound(keyset.ErrNotFound, "The key does not exist."),
			notFound(jwks.ErrUnknownKey, "The key does not exist."),
			conflict(keyset.ErrExists, "The set already has a key with this kid."),
			conflict(keyset.ErrFull, "The set has the maximum number of keys."),
			conflict(jwks.ErrTooManyWaiting, "The set has the maximum number of keys."),
			notFound(refusal.ErrNotFound, "No rejected request with this id is stored."),
			notFound(mail.ErrNotFound, "No message with this id waits or has failed."),
			notFound(outbox.ErrNotFound, "No undelivered notice has this id."),
			notFound(trustedissuer.ErrNotFound, "The trusted issuer does not exist."),
			conflict(trustedissuer.ErrExists, "The issuer is already trusted for this subject and key."),
			notFound(scope.ErrNotFound, "The scope has no record."),
			conflict(scope.ErrExists, "The scope already has a record."),
			notFound(apiresource.ErrNotFound, "The resource is not declared."),
			conflict(apiresource.ErrExists, "The resource is already declared, with or without a slash at its end."),
			conflict(scope.ErrStandard, "A scope of OpenID Connect Core cannot be deleted."),
			changed(detail.ErrChanged),
			notFound(detail.ErrNotFound, "The authorization details type does not exist."),
			conflict(detail.ErrExists, "An authorization details type with this name exists."),
			httpapi.As(func(e *manage.InvalidDetailTypeError) *httpapi.Error {
				return &httpapi.Error{Code: "invalid_request", Description: "The authorization details type is invalid: " + httpapi.Description(e.Reason) + "."}
			}),
			httpapi.As(func(e *detail.InvalidError) *httpapi.Error {
				return &httpapi.Error{Code: "invalid_request", Description: httpapi.Description(e.Reason)}
			}),
			conflict(client.ErrExists, "A client with this client_id exists."),
			conflict(client.ErrIsSubject, "The client_id is the subject of an account."),
			badRequest(account.ErrIsClient, "The subject is the client_id of a client."),
			conflict(client.ErrConflict, "The client was changed by another request. Read it again and repeat the change."),
			httpapi.As(func(e *manage.InvalidClientError) *httpapi.Error {
				return &httpapi.Error{Code: e.Code, Description: e.Reason}
			}),
			httpapi.As(func(e *manage.InvalidScopeError) *httpapi.Error {
				return &httpapi.Error{Code: "invalid_request", Description: "The scope is invalid: " + httpapi.Description(e.Reason) + "."}
			}),
			httpapi.As(func(e *manage.InvalidResourceError) *httpapi.Error {
				return &httpapi.Error{Code: "invalid_request", Description: "The resource is invalid: " + httpapi.Description(e.Reason) + "."}
			}),
			httpapi.Is(client.ErrSector, httpapi.Error{Code: client.InvalidMetadata, Description: client.ErrSector.Error()}),
			httpapi.Is(account.ErrDisabled, httpapi.Error{
				Status: http.StatusForbidden, Code: "request_forbidden", Description: "The account of this subject is disabled.",
			}),
			httpapi.As(unauthorized),
		},
	}
}

// unauthorized returns the response to a caller without a valid credential. The challenge tells what is
// wrong with an access token.
//
// Spec: RFC 6750 §3.
func unauthorized(e *resource.Error) *httpapi.Error {
	return &httpapi.Error{
		Status: http.StatusUnauthorized, Code: "request_unauthorized", Challenge: e.Challenge,
		Description: "A valid API key or access token is required in the Authorization header.",
	}
}

// ruleOf returns the default rule of a response.
func ruleOf(e *httpapi.Error) refusal.Rule {
	switch e.Status {
	case http.StatusUnauthorized:
		return refusal.APIKeyInvalid
	case http.StatusForbidden:
		return refusal.AccessDenied
	case http.StatusNotFound, http.StatusGone:
		return refusal.NotFound
	case http.StatusConflict:
		return refusal.Conflict
	case http.StatusTooManyRequests:
		return refusal.UserCodeThrottled
	case http.StatusBadRequest:
		return refusal.ParameterInvalid
	default:
		return ""
	}
}

// writeError writes the response to err. For a request that was answered before it contains the
// URL at which the user can start again.
func (h *Handler) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if before, ok := asAnswered(err); ok {
		httpapi.JSON(w, http.StatusGone, before.redirect)
		return
	}
	h.errors.Write(w, r, err)
}
