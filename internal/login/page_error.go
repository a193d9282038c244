package login

import (
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// pageError is an error response with the error page that the user reads.
type pageError struct {
	response *httpapi.Error
	page     pages.Error
}

// newPageError returns an error response with a page. reason is only in the log.
func newPageError(status int, page pages.Error, reason string) *pageError {
	return &pageError{&httpapi.Error{Status: status, Code: page.Code, Reason: reason}, page}
}

// Error returns the text of the response.
func (e *pageError) Error() string { return e.response.Error() }

// Unwrap returns the response.
func (e *pageError) Unwrap() error { return e.response }

// pageErrors maps errors to responses. An error without a page is a server error, whose
// text is only in the log.
func pageErrors() *httpapi.Errors {
	return &httpapi.Errors{
		Message:    "page refused",
		RetryAfter: 2 * time.Second,
		Rule: func(e *httpapi.Error) refusal.Rule {
			switch {
			case e.Status >= http.StatusInternalServerError:
				return ""
			case e.Code == "expired_request":
				return refusal.RequestExpired
			case e.Code == "invalid_client":
				return refusal.ClientUnknown
			default:
				return refusal.PageInvalid
			}
		},
	}
}

// expired returns the error for a request that has expired or was completed. If its client
// c is known, the page links to where the user can sign in again.
func (s *flows) expired(why string, c *client.Client) error {
	page := pages.Error{Code: "expired_request"}
	if c != nil && !c.Disabled {
		page.Client, page.RestartURL = &pages.Client{Name: c.Name(), Tagged: c.Localized, Theme: c.Theme}, c.InitiateLogin(s.Iss)
	}
	return newPageError(http.StatusBadRequest, page, why)
}

// ofOtherBrowser sets the rule of err to one of a request that another browser began.
func ofOtherBrowser(err error) error {
	if f := (*pageError)(nil); errors.As(err, &f) {
		f.response.Rule = refusal.WrongBrowser
	}
	return err
}

// begunElsewhere changes the text of err for a browser without the cookie of a request that
// began a moment ago.
func (s *flows) begunElsewhere(err error) error {
	if f := (*pageError)(nil); errors.As(err, &f) {
		f.page.SetWrongBrowser(s.Iss)
		f.response.Reason, f.response.Rule = "the cookie of the request is missing", refusal.WrongBrowser
	}
	return err
}

func unknownClient() error {
	return newPageError(http.StatusBadRequest, pages.Error{Code: "invalid_client"}, "the client is unknown or disabled")
}

func malformed(why string) error {
	return newPageError(http.StatusBadRequest, pages.Error{Code: "invalid_request"}, why)
}

// noRequest returns the error for a page that is opened without a request.
func noRequest() error {
	return newPageError(http.StatusBadRequest, pages.Error{
		Code:   "invalid_request",
		Title:  messages.New("error.no-request.title"),
		Text:   messages.New("error.no-request.text"),
		Advice: messages.New("error.no-request.advice"),
	}, "the parameter request is missing")
}

// fail shows the error page and notes the reason for the log, once.
func (s *flows) fail(w http.ResponseWriter, r *http.Request, err error) {
	response := pageErrors().Prepare(w, r, err)
	page := pages.Error{Code: response.Code}
	if e, ok := errors.AsType[*pageError](err); ok {
		page = e.page
	}
	page.RequestID = w.Header().Get("X-Request-Id")
	s.Pages.Error(w, r, response.Status, page)
}
