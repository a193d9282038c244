package pages

import (
	"cmp"
	"net/http"

	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Error is the error page. If Title, Text or Advice are empty, Error uses the texts for Code.
type Error struct {
	// Code is the error code of the protocol, or of this server.
	Code string
	// Title and Text describe the error, Advice the next step for the user.
	Title, Text, Advice messages.Message
	// Detail informs the developers of the client, such as an error_description.
	Detail string
	// RequestID identifies the request in the log.
	RequestID string
	// Client is the application that sent the user, and RestartURL starts its sign-in
	// again; empty hides the link.
	Client     *Client
	RestartURL string
}

// Error writes the error page.
func (p *Pages) Error(w http.ResponseWriter, r *http.Request, status int, v Error) {
	kind := errorKind(v.Code, status)
	v.Code = cmp.Or(v.Code, "server_error")
	v.Title = v.Title.Or(messages.New("error." + kind + ".title"))
	v.Text = v.Text.Or(messages.New("error." + kind + ".text"))
	v.Advice = v.Advice.Or(messages.New("error." + kind + ".advice"))
	p.render(w, r, status, "error", v)
}

// WrongAddress returns the page for a browser that posted a form to another address than the
// issuer.
func WrongAddress(issuer, requestID string) Error {
	return Error{
		Code:      "wrong_address",
		Title:     messages.New("error.wrong-address.title", "issuer", issuer),
		Text:      messages.New("error.wrong-address.text", "issuer", issuer),
		Advice:    messages.New("error.wrong-address.advice"),
		Detail:    "The Origin header matches the Host header and not the issuer: link to the issuer, or forward its address to this server.",
		RequestID: requestID,
	}
}

// SetWrongBrowser sets the texts of e for a browser without the cookie of a recent
// authorization request: the request began at another address than the issuer or in another
// browser, or cookies are disabled.
func (e *Error) SetWrongBrowser(issuer string) {
	e.Title = messages.New("error.wrong-address.title", "issuer", issuer)
	e.Text = messages.New("error.wrong-browser.text", "issuer", issuer)
	e.Advice = messages.New("error.wrong-address.advice")
	e.Detail = "The cookie of the authorization request is missing: send users to the authorization_endpoint of the issuer, at no other host"
}

// errorKind returns the middle part of the message keys for an error.
func errorKind(code string, status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "rate-limit"
	case status == http.StatusServiceUnavailable || code == "temporarily_unavailable":
		return "unavailable"
	case status == http.StatusNotFound:
		return "not-found"
	case status >= http.StatusInternalServerError:
		return "server"
	}
	switch code {
	case "access_denied":
		return "access-denied"
	case "request_forbidden":
		return "cross-site"
	case "expired_request":
		return "expired"
	case "invalid_client", "unauthorized_client":
		return "client"
	default:
		return "request"
	}
}
