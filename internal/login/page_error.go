package login

import (
	"errors"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/unavailable"
)

// pageError is an error that ends a flow on the error page, with the content of that page.
type pageError struct {
	status int
	page   pages.Error
	why    string       // for the log
	cause  refusal.Rule // for the log, if the code of the page does not determine it
}

// rule returns the rule that rejected the request, empty for a server error.
func (e *pageError) rule() refusal.Rule {
	switch {
	case e.cause != "":
		return e.cause
	case e.status >= http.StatusInternalServerError:
		return ""
	case e.page.Code == "expired_request":
		return refusal.RequestExpired
	case e.page.Code == "invalid_client":
		return refusal.ClientUnknown
	default:
		return refusal.PageInvalid
	}
}

// Error returns the code of the page and the reason.
func (e *pageError) Error() string { return e.page.Code + ": " + e.why }

// expired returns the error for a request that has expired or was completed. If its client
// c is known, the page links to where the user can sign in again.
func (s *flows) expired(why string, c *client.Client) error {
	page := pages.Error{Code: "expired_request"}
	if c != nil && !c.Disabled {
		page.Client, page.RestartURL = &pages.Client{Name: c.Name()}, c.InitiateLogin(s.Iss)
	}
	return &pageError{status: http.StatusBadRequest, page: page, why: why}
}

// ofOtherBrowser sets the rule of err to one of a request that another browser began.
func ofOtherBrowser(err error) error {
	if f := (*pageError)(nil); errors.As(err, &f) {
		f.cause = refusal.WrongBrowser
	}
	return err
}

// begunElsewhere changes the text of err for a browser without the cookie of a request that
// began a moment ago.
func (s *flows) begunElsewhere(err error) error {
	if f := (*pageError)(nil); errors.As(err, &f) {
		f.page.SetWrongBrowser(s.Iss)
		f.why, f.cause = "the cookie of the request is missing", refusal.WrongBrowser
	}
	return err
}

func unknownClient() error {
	return &pageError{status: http.StatusBadRequest, page: pages.Error{Code: "invalid_client"}, why: "the client is unknown or disabled"}
}

func malformed(why string) error {
	return &pageError{status: http.StatusBadRequest, page: pages.Error{Code: "invalid_request"}, why: why}
}

// noRequest returns the error for a page that is opened without a request.
func noRequest() error {
	return &pageError{status: http.StatusBadRequest, page: pages.Error{
		Code:   "invalid_request",
		Title:  messages.New("error.no-request.title"),
		Text:   messages.New("error.no-request.text"),
		Advice: messages.New("error.no-request.advice"),
	}, why: "the parameter request is missing"}
}

// retryAfter is how many seconds a caller should wait if the database is unavailable.
const retryAfter = "2"

// fail shows the error page and logs why, once. An error that is not a [*pageError] is a
// server error, whose text is only in the log.
func (s *flows) fail(w http.ResponseWriter, r *http.Request, err error) {
	e := &pageError{status: http.StatusInternalServerError, page: pages.Error{Code: "server_error"}}
	switch {
	case errors.As(err, &e):
	case unavailable.Is(err):
		e.status, e.page.Code = http.StatusServiceUnavailable, "temporarily_unavailable"
		w.Header().Set("Retry-After", retryAfter)
	}
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "page refused", Status: e.status, Code: e.page.Code, Rule: e.rule(), Text: e.why, Err: err,
	})

	page := e.page
	page.RequestID = w.Header().Get("X-Request-Id")
	s.Pages.Error(w, e.status, page)
}
