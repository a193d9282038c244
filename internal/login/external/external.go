// Package external lets an app of the operator sign users in, or ask for their consent, in
// place of the built-in pages.
//
// The authorization endpoint sends the user to the app with a challenge. The app reads the
// authorization request by its challenge through the admin API, answers it, and sends the
// user back with a verifier, which counts once and only in the browser that began the
// request.
package external

import (
	"net/url"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/httpapi"
)

// challengeURL returns the URL of an app with the challenge of q in a query parameter. It
// keeps the other parameters of the URL.
func challengeURL(app, parameter string, q *authrequest.Request, step authrequest.Step) string {
	return httpapi.AddQuery(app, parameter+"="+url.QueryEscape(q.Challenge(step)))
}
