package authorize

import (
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/oauth2"
)

// The values that a response type is made of.
const (
	answerCode    = "code"
	answerToken   = "token"
	answerIDToken = "id_token"
)

// The response modes.
const (
	modeQuery    = "query"
	modeFragment = "fragment"
	modeFormPost = "form_post"
)

// responseType is what a request wants to be answered with, in the order of
// [client.ResponseType].
type responseType string

// has reports whether value is to be in the answer.
func (t responseType) has(value string) bool {
	return slices.Contains(strings.Fields(string(t)), value)
}

// front reports whether tokens are to be in the answer itself, which passes
// through the browser.
func (t responseType) front() bool { return t.has(answerToken) || t.has(answerIDToken) }

// readMode settles first where the answer goes, since every error goes there too.
// What was to bring a token never comes in the query (OAuth 2.0 Multiple Response
// Type Encoding Practices section 3).
func readMode(a *asked) error {
	a.answers = responseType(client.ResponseType(a.form.Get("response_type")))
	if a.answers.front() {
		a.mode = modeFragment
	}
	switch mode := a.form.Get("response_mode"); mode {
	case "", modeQuery:
	case modeFragment, modeFormPost:
		a.mode = mode
	default:
		return oauth2.NewError(oauth2.CodeInvalidRequest, "This response_mode is not supported")
	}
	return nil
}

// readResponse refuses response types that the operator or the client's
// registration does not allow.
//
// Spec: RFC 6749 §3.1.1; OpenID Connect Core §3.2.2.1, §3.3.2.1; RFC 9700 §2.1.2.
func (h *Handler) readResponse(a *asked) error {
	switch t := a.answers; {
	case t == "":
		return oauth2.NewError(oauth2.CodeInvalidRequest, "The parameter response_type is missing")
	case !h.answersWith(t) || !a.client.AllowsResponseType(string(t)):
		return oauth2.StandardError(oauth2.CodeUnsupportedResponseType)
	case t.has(answerCode) && !a.client.AllowsGrantType(client.GrantAuthorizationCode),
		t.front() && !a.client.AllowsGrantType(client.GrantImplicit):
		return oauth2.StandardError(oauth2.CodeUnauthorizedClient)
	case t.front() && a.form.Get("response_mode") == modeQuery:
		return oauth2.NewError(oauth2.CodeInvalidRequest, "What this response_type brings must not be in a query")
	}
	return nil
}

// answersWith reports whether there is such a response type here.
func (h *Handler) answersWith(t responseType) bool {
	return t == client.ResponseTypeCode || h.LegacyResponseTypes && slices.Contains(client.LegacyResponseTypes(), string(t))
}

// readNonce demands a nonce where an ID token comes through the browser: nothing
// else tells the client that it is the answer to its own request (OpenID Connect
// Core sections 3.2.2.1 and 3.3.2.11).
func readNonce(a *asked) error {
	a.nonce = a.form.Get("nonce")
	if a.nonce == "" && a.answers.has(answerIDToken) {
		return oauth2.NewError(oauth2.CodeInvalidRequest, "The parameter nonce is missing")
	}
	return nil
}
