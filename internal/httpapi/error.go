package httpapi

import (
	"cmp"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/unavailable"
)

// Error is an error response. Status, Code, Description, RetryAfter and Challenge go to
// the client. Rule, Reason and Err stay inside, for the log and the explain command.
type Error struct {
	Status      int    // 400 if 0
	Code        string // of the specification
	Description string // a fixed text; nothing from the request is repeated
	// RetryAfter is sent in seconds, rounded up; 0 sends no Retry-After.
	RetryAfter time.Duration
	// Challenge is the value of WWW-Authenticate; empty sends none. See [Challenge].
	Challenge string

	// Rule and Reason explain the error unless Err carries a [refusal.Cause]. An empty
	// Reason is the description.
	Rule   refusal.Rule
	Reason string
	// Err is the cause, often a [refusal.Cause]. It may be nil.
	Err error
	// Routine marks an error that is part of a working protocol, such as
	// authorization_pending: it is logged at DEBUG and not recorded.
	Routine bool
}

// Error returns the code with the cause, or else the reason.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Code + ": " + e.Err.Error()
	}
	return e.Code + ": " + cmp.Or(e.Reason, e.Description)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Because sets the cause unless c is nil, and returns e.
func (e *Error) Because(c *refusal.Cause) *Error {
	if c != nil {
		e.Err = c
	}
	return e
}

// BadRequest returns an error response with status 400.
func BadRequest(code, description string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Description: description}
}

// Challenge is a WWW-Authenticate challenge of a protected resource. Empty members are
// left out.
//
// Spec: RFC 6750 §3, RFC 9470 §3, RFC 9728 §5.1.
type Challenge struct {
	Scheme                          string // Bearer if it is empty
	Realm, Code, Description, Scope string
	ResourceMetadata                string // the URL of the metadata of the resource
	ACRValues, MaxAge               string
	Algs                            string // of DPoP proofs, separated by spaces
}

// String returns the value of the header.
func (c Challenge) String() string {
	var parameters []string
	for _, p := range []struct{ name, value string }{
		{"realm", c.Realm},
		{"resource_metadata", c.ResourceMetadata},
		{"error", c.Code},
		{"error_description", c.Description},
		{"scope", c.Scope},
		{"acr_values", c.ACRValues},
		{"max_age", c.MaxAge},
		{"algs", c.Algs},
	} {
		if p.value != "" {
			parameters = append(parameters, p.name+`="`+p.value+`"`)
		}
	}
	return strings.TrimRight(cmp.Or(c.Scheme, "Bearer")+" "+strings.Join(parameters, ", "), " ")
}

// Mapping is one row of a table from domain errors to error responses.
type Mapping func(err error) *Error

// Is maps errors that match target with [errors.Is] to a response.
func Is(target error, response Error) Mapping {
	return func(err error) *Error {
		if !errors.Is(err, target) {
			return nil
		}
		return &response
	}
}

// As maps errors of type T, found with [errors.As], to the response that a function
// makes of them. A nil response is no match.
func As[T error](response func(T) *Error) Mapping {
	return func(err error) *Error {
		typed, ok := errors.AsType[T](err)
		if !ok {
			return nil
		}
		return response(typed)
	}
}

// Errors writes the error responses of an endpoint.
type Errors struct {
	// Message is the log message of rejected requests, a fixed text.
	Message string
	// Table maps domain errors to responses; the first match counts. It has no rows
	// for [*Error], temporary failures (503) and unexpected errors (500).
	Table []Mapping
	// RetryAfter is sent with the 503 of a temporary failure.
	RetryAfter time.Duration
	// Challenge returns the default WWW-Authenticate value of a response. Without the
	// function, or for an empty value, there is no header.
	Challenge func(r *http.Request, e *Error) string
	// Rule returns the default rule of a response; if it is nil or returns an empty
	// rule, the status decides.
	Rule func(e *Error) refusal.Rule
	// Standard omits status_code from bodies.
	Standard bool
}

// Of returns the response to err. It is a copy: the caller may change it.
func (e *Errors) Of(err error) *Error {
	response := e.find(err)
	response.Status = cmp.Or(response.Status, http.StatusBadRequest)
	if response.Rule == "" && e.Rule != nil {
		response.Rule = e.Rule(response)
	}
	return response
}

func (e *Errors) find(err error) *Error {
	if own, ok := errors.AsType[*Error](err); ok {
		response := *own
		return &response
	}
	for _, mapping := range e.Table {
		if found := mapping(err); found != nil {
			response := *found
			response.Err = err
			return &response
		}
	}
	if unavailable.Is(err) {
		return &Error{
			Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable", RetryAfter: e.RetryAfter, Err: err,
			Description: "The server is temporarily unavailable. Try again shortly.",
		}
	}
	return &Error{
		Status: http.StatusInternalServerError, Code: "server_error", Err: err,
		Description: "The server encountered an unexpected error.",
	}
}

// Prepare sets the headers of the response to err, notes the rejection for the log, and
// returns the response. The caller writes the body: a page, for people.
func (e *Errors) Prepare(w http.ResponseWriter, r *http.Request, err error) *Error {
	response := e.Of(err)
	challenge := response.Challenge
	if challenge == "" && e.Challenge != nil {
		challenge = e.Challenge(r, response)
	}
	if challenge != "" {
		w.Header().Set("WWW-Authenticate", challenge)
	}
	SetRetryAfter(w, response.RetryAfter)
	refusal.Note(r.Context(), refusal.Rejection{
		Message: e.Message, Status: response.Status, Code: response.Code,
		Rule: response.Rule, Text: cmp.Or(response.Reason, response.Description), Err: err,
		Quiet: response.Routine, Unrecorded: response.Routine,
	})
	return response
}

// Write writes the response to err as JSON, with its headers, and notes the rejection
// for the log.
func (e *Errors) Write(w http.ResponseWriter, r *http.Request, err error) {
	response := e.Prepare(w, r, err)
	body := ErrorBody{response.Code, Description(response.Description), response.Status}
	if e.Standard {
		body.Status = 0
	}
	JSON(w, response.Status, body)
}

// SetRetryAfter sets Retry-After to wait in seconds, rounded up, if wait is positive.
func SetRetryAfter(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}
