package authorize

import (
	"errors"
	"net/http"

	"github.com/ory/fosite"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

// pageError is an error that the user reads on a page of this server, because no redirect
// to the client can carry it.
type pageError struct {
	response *oauth2.Error
	detail   string // for the client's developer, in place of the description
	// expired reports a request that is finished, has expired or is bound to another
	// browser; wrongBrowser one that began a moment ago in a browser with other cookies.
	expired, wrongBrowser bool
	client                *client.Client // nil if it is not known
}

// Error returns the text of the error response.
func (e *pageError) Error() string { return e.response.Error() }

// Unwrap returns the error response.
func (e *pageError) Unwrap() error { return e.response }

// expiredWords describe a request that is unknown, expired or bound to another browser.
const expiredWords = "This sign-in has expired, or was begun in another browser"

// errExpired reports an authorization request that nobody can continue. The client is that
// of the request, nil if it is not known.
func errExpired(description string, c *client.Client) *pageError {
	e := oauth2.InvalidRequest(description)
	e.Rule = refusal.RequestExpired
	return &pageError{response: e, expired: true, client: c}
}

// inWrongBrowser marks the error of [Handler.gone] for a browser that lacks the cookie of a
// request which began a moment ago.
func inWrongBrowser(err error) error {
	if page, ok := errors.AsType[*pageError](err); ok {
		page.wrongBrowser, page.response.Rule = true, refusal.WrongBrowser
	}
	return err
}

// boundToOtherBrowser explains that the request is bound to another browser.
func boundToOtherBrowser(err error) error {
	if page, ok := errors.AsType[*pageError](err); ok {
		page.response.Because(refusal.New(refusal.WrongBrowser, "the browser lacks the cookie of the request: it was begun in another one"))
	}
	return err
}

// fromEngine returns the error response for a decision of fosite, some of whose codes are
// not registered. Other errors it returns unchanged.
func fromEngine(err error) error {
	verdict, ok := errors.AsType[*fosite.RFC6749Error](err)
	if !ok || verdict.CodeField >= http.StatusInternalServerError {
		return err
	}
	code := verdict.ErrorField
	switch code {
	case oauth2.CodeInvalidRequest, oauth2.CodeInvalidGrant, oauth2.CodeInvalidScope, oauth2.CodeUnauthorizedClient,
		oauth2.CodeUnsupportedResponseType, oauth2.CodeAccessDenied, oauth2.CodeInvalidClient:
	default:
		code = oauth2.CodeInvalidRequest
	}
	response := oauth2.StandardError(code)
	if code == oauth2.CodeInvalidClient {
		response.Status = http.StatusUnauthorized
	}
	response.Err = err
	return response
}
