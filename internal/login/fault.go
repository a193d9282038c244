package login

import (
	"errors"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// fault is why a page cannot be shown, in words for the person who came.
type fault struct {
	status int
	page   pages.Error
	why    string       // for the log
	cause  refusal.Rule // for the log, where the code of the page does not tell it
}

// rule returns the rule that rejected the request, empty for a fault of ours.
func (f *fault) rule() refusal.Rule {
	switch {
	case f.cause != "":
		return f.cause
	case f.status >= http.StatusInternalServerError:
		return ""
	case f.page.Code == "expired_request":
		return refusal.RequestExpired
	case f.page.Code == "invalid_client":
		return refusal.ClientUnknown
	default:
		return refusal.PageInvalid
	}
}

func (f *fault) Error() string { return f.page.Code + ": " + f.why }

// expired is for a request that is over. Whose it was can help the person to begin
// anew, if that is known.
func (h *Handler) expired(why string, c *client.Client) error {
	page := pages.Error{Code: "expired_request"}
	if c != nil && !c.Disabled {
		page.Client, page.RestartURL = &pages.Client{Name: c.Name()}, c.InitiateLogin(h.Iss)
	}
	return &fault{status: http.StatusBadRequest, page: page, why: why}
}

// ofOtherBrowser says in the record that the request is not over, but another browser's.
func ofOtherBrowser(err error) error {
	if f := (*fault)(nil); errors.As(err, &f) {
		f.cause = refusal.WrongBrowser
	}
	return err
}

// begunElsewhere replaces the words of err for a browser without the cookie of a request
// that was only just begun.
func (h *Handler) begunElsewhere(err error) error {
	if f := (*fault)(nil); errors.As(err, &f) {
		f.page.BegunElsewhere(h.Iss)
		f.why, f.cause = "the cookie of the request is missing", refusal.WrongBrowser
	}
	return err
}

func unknownClient() error {
	return &fault{status: http.StatusBadRequest, page: pages.Error{Code: "invalid_client"}, why: "client is gone or disabled"}
}

func malformed(why string) error {
	return &fault{status: http.StatusBadRequest, page: pages.Error{Code: "invalid_request"}, why: why}
}

// beginElsewhere is for those who open a page of the way by its bare address.
func beginElsewhere() error {
	return &fault{status: http.StatusBadRequest, page: pages.Error{
		Code:   "invalid_request",
		Title:  "Begin at an application",
		Text:   "This page is a step on the way to an application. It cannot be opened by itself.",
		Advice: "Open the application you want to use, and choose to sign in there.",
	}, why: "no request was named"}
}

// retryAfter is for how many seconds to stay away from a lost database.
const retryAfter = "2"

// fail ends a visit on the error page, and logs why, once. Whatever is not a
// fault of the visit is ours, and its text stays in the log.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := &fault{status: http.StatusInternalServerError, page: pages.Error{Code: "server_error"}}
	switch {
	case errors.As(err, &f):
	case pages.Temporary(err):
		f.status, f.page.Code = http.StatusServiceUnavailable, "temporarily_unavailable"
		w.Header().Set("Retry-After", retryAfter)
	}
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "page refused", Status: f.status, Code: f.page.Code, Rule: f.rule(), Words: f.why, Err: err,
	})

	page := f.page
	page.RequestID = w.Header().Get("X-Request-Id")
	h.Pages.Error(w, f.status, page)
}
