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

// isSatisfied reports whether the current session satisfies the request, so that the
// authorization endpoint can continue without a password. That endpoint decides, and would
// send the user back here if it disagreed. So isSatisfied returns false for requirements that
// depend on more than the request and the session: a requested subject or acr.
//
// Spec: OpenID Connect Core §3.1.2.1, §3.1.2.3.
func (f *flow) isSatisfied(now time.Time) bool {
	if f.session == nil || f.parameters.Get(authrequest.SubjectParameter) != "" {
		return false
	}
	// Parsed as the authorization endpoint parses it, so that the JSON may have any form.
	if request, err := scope.ParseClaimsRequest(f.parameters.Get("claims")); err != nil || len(request.IDToken) > 0 {
		return false
	}
	if f.request.SessionID == f.session.ID && !f.request.SignedInAt.IsZero() {
		return false // the user signed in for this request and was sent back: another user may be required
	}
	if slices.ContainsFunc([]string{"login", "select_account", "create"}, f.hasPrompt) {
		return false
	}
	maxAge := f.client.DefaultMaxAge
	if given := f.parameters.Get("max_age"); given != "" {
		seconds, err := strconv.ParseInt(given, 10, 64)
		if err != nil {
			return false
		}
		maxAge = &seconds
	}
	// A minute less, so that the session is not too old a moment later.
	return maxAge == nil || int64(now.Sub(f.session.AuthTime)/time.Second)+60 < *maxAge
}

// selectsAccount reports whether the signed-in user must select the account to continue
// with: the client requests that, or the user was about to create another account.
func (f *flow) selectsAccount() bool {
	return f.session != nil && (f.hasPrompt("select_account") || f.hasPrompt("create")) && f.request.SessionID != f.session.ID
}

// reauthenticates reports whether the sign-in form asks the signed-in user to authenticate
// again. After a sign-in for the request it does not: that user was not the required one.
func (f *flow) reauthenticates() bool {
	return f.session != nil && !f.selectsAccount() &&
		(f.request.SignedInAt.IsZero() || f.request.SessionID != f.session.ID)
}

// switches reports whether a submitted sign-in form does more than continue the current
// session: it has a password, another username, or asks to stay signed in.
func (f *flow) switches(r *http.Request) bool {
	if r.PostForm.Get("password") != "" {
		return true
	}
	entered := r.PostForm.Get("username")
	if entered != "" && !slices.Contains(account.UsernameForms(entered), f.session.Username) {
		return true
	}
	return remember(r) && !f.session.Remembered
}

// remember reports whether a submitted form asks to stay signed in.
func remember(r *http.Request) bool { return r.PostForm.Get("remember") == "on" }
