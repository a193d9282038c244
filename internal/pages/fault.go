package pages

import (
	"cmp"
	"net/http"
)

// Error tells a person that it ends here. Title, Text and Advice may be left
// empty: what Code means is then said in words of ours.
type Error struct {
	// Code is the protocol's or our own name for the fault.
	Code string
	// Title says what happened in a few words, Text in a sentence or two, Advice
	// what the person can do.
	Title, Text, Advice string
	// Detail is for whoever looks after the client, such as an error_description.
	Detail string
	// RequestID finds the request in the log.
	RequestID string
	// Client is where the person was going, and RestartURL begins that anew; empty
	// offers no such way.
	Client     *Client
	RestartURL string
}

// Error writes the error page.
func (p *Pages) Error(w http.ResponseWriter, status int, v Error) {
	words := describeError(v.Code, status)
	v.Code = cmp.Or(v.Code, "server_error")
	v.Title = cmp.Or(v.Title, words.Title)
	v.Text = cmp.Or(v.Text, words.Text)
	v.Advice = cmp.Or(v.Advice, words.Advice)
	p.render(w, status, "error", v)
}

// WrongAddress is the page for a browser that posted a form to another address than the
// issuer.
func WrongAddress(issuer, requestID string) Error {
	return Error{
		Code:      "wrong_address",
		Title:     "Open " + issuer + " instead",
		Text:      "You opened this service at an address that is not its own. Signing in works only at " + issuer + ".",
		Advice:    "Go back to the application and start again. If this page appears again, contact the support of the application.",
		Detail:    "The Origin header is that of the Host header, and not that of the issuer: link to the issuer, or forward its address to this server.",
		RequestID: requestID,
	}
}

// BegunElsewhere replaces the words of e for a browser that lacks the cookie of a
// sign-in that was only just begun: it began it at another address than the issuer, it
// is another browser, or it keeps no cookies.
func (e *Error) BegunElsewhere(issuer string) {
	e.Title = "Open " + issuer + " instead"
	e.Text = "This sign-in was started at another address of this service, or in another browser. It works only at " + issuer +
		", in one browser that keeps cookies."
	e.Advice = "Go back to the application and start again. If this page appears again, contact the support of the application."
	e.Detail = "The cookie of the authorization request is missing: send people to the authorization_endpoint of the issuer, at no other host"
}

// describeError puts a fault into words for whoever happens to see it: a person
// who did nothing wrong and cannot mend it.
func describeError(code string, status int) Error {
	switch {
	case status == http.StatusTooManyRequests:
		return Error{
			Title:  "Too many tries",
			Text:   "More requests came from here than the service accepts at once.",
			Advice: "Wait a few minutes, then try again.",
		}
	case status == http.StatusServiceUnavailable || code == "temporarily_unavailable":
		return Error{
			Title:  "Back in a moment",
			Text:   "The service cannot answer right now. Nothing was changed.",
			Advice: "Wait a moment, then try again.",
		}
	case status == http.StatusNotFound:
		return Error{
			Title:  "There is nothing here",
			Text:   "The address you opened does not lead to a page of this service.",
			Advice: "Check the address, or start again from the application you came from.",
		}
	case status >= http.StatusInternalServerError:
		return Error{
			Title:  "Something went wrong",
			Text:   "The service met a fault of its own. It is not your doing.",
			Advice: "Try again. If it happens once more, tell an administrator the request number below.",
		}
	}
	switch code {
	case "access_denied":
		return Error{
			Title:  "Access was not given",
			Text:   "This request was turned down, so you were not signed in to the application.",
			Advice: "Go back to the application to try again.",
		}
	case "request_forbidden":
		return Error{
			Title:  "This form came from somewhere else",
			Text:   "It was not sent by a page of this service, so it was not accepted. Nothing was changed.",
			Advice: "Go back to the application and start again.",
		}
	case "expired_request":
		return Error{
			Title:  "This page has expired",
			Text:   "Too much time has passed, or the step was already finished in another tab.",
			Advice: "Go back to the application and start again.",
		}
	case "invalid_client", "unauthorized_client":
		return Error{
			Title:  "Unknown application",
			Text:   "The application that sent you here is not registered with this service, or may not do what it asked.",
			Advice: "Go back and contact the support of the application. You cannot fix this here.",
		}
	default:
		return Error{
			Title:  "This request cannot continue",
			Text:   "The application that sent you here asked for something that this service cannot accept. For your safety you were not sent back to it.",
			Advice: "Go back and try again. If it keeps happening, contact the support of the application.",
		}
	}
}
