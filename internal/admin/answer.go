package admin

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

// redirect tells an app where to send the person.
type redirect struct {
	To string `json:"redirect_to"`
}

// responseError is an error in the words of the API.
type responseError struct {
	status      int
	code        string
	description string
}

// Error returns what the caller is told.
func (e *responseError) Error() string { return e.code + ": " + e.description }

func invalid(description string) error {
	return &responseError{http.StatusBadRequest, "invalid_request", description}
}

// failure is how an error is written (RFC 6749 section 5.2).
type failure struct {
	Error       string `json:"error"`
	Description string `json:"error_description,omitempty"`
	Status      int    `json:"status_code"`
}

// meaning returns what err tells the caller.
func meaning(err error) *responseError {
	if known, ok := errors.AsType[*responseError](err); ok {
		return known
	}
	switch {
	case errors.Is(err, errHandled):
		return &responseError{http.StatusGone, "Gone", "The request was answered before."}
	case errors.Is(err, devicecode.ErrNotFound):
		return &responseError{http.StatusBadRequest, "invalid_request", "No device waits with this user code."}
	case errors.Is(err, errManyCodes):
		return &responseError{http.StatusTooManyRequests, "request_forbidden", "Too many wrong user codes. Try again later."}
	case errors.Is(err, authrequest.ErrNotFound):
		return &responseError{http.StatusNotFound, "Not Found", "There is no such request, or it has expired."}
	case errors.Is(err, client.ErrNotFound):
		return &responseError{http.StatusNotFound, "Not Found", "There is no such client."}
	case errors.Is(err, keyset.ErrNotFound), errors.Is(err, jwks.ErrUnknownKey):
		return &responseError{http.StatusNotFound, "Not Found", "There is no such key."}
	case errors.Is(err, keyset.ErrExists):
		return &responseError{http.StatusConflict, "Conflict", "The set has a key of that kid."}
	case errors.Is(err, keyset.ErrFull), errors.Is(err, jwks.ErrTooManyWaiting):
		return &responseError{http.StatusConflict, "Conflict", "The set has no room for another key."}
	case errors.Is(err, refusal.ErrNotFound):
		return &responseError{http.StatusNotFound, "Not Found", "No rejected request with this id is on record."}
	case errors.Is(err, trustedissuer.ErrNotFound):
		return &responseError{http.StatusNotFound, "Not Found", "There is no such trusted issuer."}
	case errors.Is(err, trustedissuer.ErrExists):
		return &responseError{http.StatusConflict, "Conflict", "The issuer is trusted already for this subject and key."}
	case errors.Is(err, scope.ErrNotFound):
		return &responseError{http.StatusNotFound, "Not Found", "There is no record of this scope."}
	case errors.Is(err, scope.ErrExists):
		return &responseError{http.StatusConflict, "Conflict", "The scope has a record already."}
	case errors.Is(err, scope.ErrStandard):
		return &responseError{http.StatusConflict, "Conflict", "A scope of OpenID Connect Core cannot be deleted."}
	case errors.Is(err, client.ErrExists):
		return &responseError{http.StatusConflict, "Conflict", "The client_id is taken."}
	case errors.Is(err, client.ErrIsSubject):
		return &responseError{http.StatusConflict, "Conflict", "The client_id is the subject of an account."}
	case errors.Is(err, account.ErrIsClient):
		return &responseError{http.StatusBadRequest, "invalid_request", "The subject is the client_id of a client."}
	case errors.Is(err, client.ErrConflict):
		return &responseError{http.StatusConflict, "Conflict", "The client was changed by somebody else meanwhile."}
	case errors.Is(err, client.ErrSector):
		return &responseError{http.StatusBadRequest, client.InvalidMetadata, client.ErrSector.Error()}
	case errors.Is(err, account.ErrDisabled):
		return &responseError{http.StatusForbidden, "request_forbidden", "This subject may not sign in."}
	case pages.Temporary(err):
		return &responseError{http.StatusServiceUnavailable, "temporarily_unavailable", "The server cannot answer right now."}
	default:
		return &responseError{http.StatusInternalServerError, "server_error", "The server met a fault of its own."}
	}
}

// refuse writes what err means to the caller, and logs it.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if before, ok := errors.AsType[*handledError](err); ok {
		pages.JSON(w, http.StatusGone, before.redirect)
		return
	}
	known := meaning(err)
	if known.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "admin request refused", Status: known.status, Code: known.code, Rule: ruleOf(known, w.Header()), Text: known.description, Err: err,
	})
	pages.JSON(w, known.status, failure{known.code, known.description, known.status})
}

// challenge returns the id of the request that an app asks about. The query spells
// it as name, or as the apps of old do.
func challenge(r *http.Request, name string, step authrequest.Step) (id string, err error) {
	query := r.URL.Query()
	value := query.Get(name)
	if value == "" {
		value = query.Get("challenge")
	}
	if value == "" {
		return "", invalid("The parameter " + name + " is missing.")
	}
	id, ok := authrequest.ParseChallenge(value, step)
	if !ok {
		return "", authrequest.ErrNotFound
	}
	return id, nil
}

// whole returns a body as it came.
func whole(r *http.Request) ([]byte, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, invalid("The request body cannot be read.")
	}
	return raw, nil
}

// read decodes a body. Members that are not known are ignored.
func read(r *http.Request, into any) error {
	err := json.NewDecoder(r.Body).Decode(into)
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind) && kind.Field != "":
		return invalid("The member " + ascii(kind.Field) + " has a wrong type.")
	case err != nil:
		return invalid("The request body is not what is expected here.")
	}
	return nil
}

// answering reads what an app answers to a challenge, into body, and returns the id
// of the request.
func answering(c *Call, name string, step authrequest.Step, body any) (id string, err error) {
	if id, err = challenge(c.Request, name, step); err != nil {
		return "", err
	}
	return id, read(c.Request, body)
}

// ascii is text as it may stand in an error: printable ASCII without quotation marks
// and backslashes (RFC 6749 section 4.1.2.1).
func ascii(text string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '"':
			return '\''
		case c == '\n', c == '\r', c == '\t':
			return ' '
		case c < 0x20, c > 0x7e, c == '\\':
			return '?'
		default:
			return c
		}
	}, text)
}

// ruleOf returns the rule that rejected a request whose error carries no cause.
func ruleOf(known *responseError, head http.Header) refusal.Rule {
	switch known.status {
	case http.StatusUnauthorized:
		return refusal.APIKeyInvalid
	case http.StatusForbidden:
		if head.Get("WWW-Authenticate") != "" {
			return refusal.APIScopeMissing
		}
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
