package authorize

import (
	"errors"
	"strconv"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

// pageError is an error that the user reads on a page of this server, because no redirect to
// the client can carry it.
type pageError struct {
	response *oauth2.Error
	detail   string // for the client's developer, in place of the description
	// expired reports a request that is finished, expired or bound to another browser;
	// wrongBrowser one that began a moment ago in a browser with other cookies.
	expired, wrongBrowser bool
	notAllowed            bool           // the user may not use the client
	client                *client.Client // nil if it is not known
}

// Error returns the text of the error response.
func (e *pageError) Error() string { return e.response.Error() }

// Unwrap returns the error response.
func (e *pageError) Unwrap() error { return e.response }

// expiredWords describe a request that is unknown, expired or bound to another browser.
const expiredWords = "This sign-in has expired, or was started in another browser"

// errExpired reports an authorization request that cannot be continued. The client is nil if it
// is not known.
func errExpired(description string, c *client.Client) *pageError {
	e := oauth2.InvalidRequest(description)
	e.Rule = refusal.RequestExpired
	return &pageError{response: e, expired: true, client: c}
}

// inWrongBrowser marks the error of [Handler.expired] for a browser that lacks the cookie of a
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
		page.response.Err = refusal.New(refusal.WrongBrowser, "the browser lacks the cookie of the request: it was started in another browser")
	}
	return err
}

// errTooLong returns the error for a redirect that exceeds the limit. Its description is for the
// client's developer.
func errTooLong(what string, length, limit int) error {
	return &pageError{response: oauth2.InvalidRequest(what + " takes a redirect of " + strconv.Itoa(length) + " bytes, and the limit is " +
		strconv.Itoa(limit) + ": shorten state, or use response_mode=form_post")}
}

// errRedirectURI reports a redirect_uri that is not registered for c. The client's developer
// reads on the page which one was received.
func errRedirectURI(c *client.Client, received string) error {
	e := oauth2.InvalidRequest("The redirect_uri of the request is not registered for the application")
	registered := refusal.Registered("registered_redirect_uris", strings.Join(c.RedirectURIs, " "))
	switch {
	case received != "":
		e.Err = refusal.New(refusal.RedirectURIMismatch, "the redirect URI is not registered for the client",
			registered, refusal.Received("received_redirect_uri", received))
	case len(c.RedirectURIs) == 0:
		e.Err = refusal.New(refusal.RedirectURIMissing, "the client has no redirect URI registered")
	default:
		e.Err = refusal.New(refusal.RedirectURIMissing, "the request has no redirect_uri, and not exactly one is registered", registered)
	}
	detail := "The client " + printable(c.ID) + " sent no redirect_uri"
	if received != "" {
		detail = "The redirect_uri " + printable(refusal.Received("", received).Value) + " is not registered for the client " + printable(c.ID)
	}
	return &pageError{response: e, detail: detail}
}

// printable replaces the characters that error_description must not contain.
//
// Spec: RFC 6749 §4.1.2.1.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return '?'
		}
		return c
	}, text)
}
