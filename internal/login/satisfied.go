package login

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/scope"
)

// satisfied reports whether the session there is will do for the request, so that the
// authorization endpoint can go on without a password. That endpoint decides; it would send
// the user back here if this said yes where it says no, so what depends on more than the
// request and the session (a certain subject or acr) is left to the sign-in page.
//
// Spec: OpenID Connect Core §3.1.2.1, §3.1.2.3.
func (v *visit) satisfied(now time.Time) bool {
	if v.session == nil || v.asked.Get(authrequest.SubjectParameter) != "" {
		return false
	}
	// Read as the authorization endpoint reads it, whatever its spelling.
	if request, err := scope.ParseClaimsRequest(v.asked.Get("claims")); err != nil || len(request.IDToken) > 0 {
		return false
	}
	if v.request.SessionID == v.session.ID && !v.request.SignedInAt.IsZero() {
		return false // they signed in for this request and are back: somebody else may be meant
	}
	if slices.ContainsFunc([]string{"login", "select_account", "create"}, v.prompts) {
		return false
	}
	maxAge := v.client.DefaultMaxAge
	if given := v.asked.Get("max_age"); given != "" {
		seconds, err := strconv.ParseInt(given, 10, 64)
		if err != nil {
			return false
		}
		maxAge = &seconds
	}
	// A minute less, so that the session is not too old a moment later.
	return maxAge == nil || int64(now.Sub(v.session.AuthTime)/time.Second)+60 < *maxAge
}

// switches reports whether the sign-in form asks for more than to go on in the session there
// is: to sign in with a password, as another user, or to stay signed in.
func switches(r *http.Request, v *visit) bool {
	if r.PostForm.Get("password") != "" {
		return true
	}
	entered := r.PostForm.Get("username")
	if username, err := account.CanonicalUsername(entered); entered != "" && (err != nil || username != v.session.Username) {
		return true
	}
	return remember(r) && !v.session.Remembered
}
