package login

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/session"
)

// SignIn serves the sign-in page and the account selection.
type SignIn struct {
	*Config

	flows     *flows
	passwords *passwords
	factors   *factors
	links     *links
}

// Page serves GET /login: request is the ID of the authorization request, and as=another
// shows the form for another user than the signed-in one.
//
// Spec: OpenID Connect Core §3.1.2.1, §3.1.2.3.
func (h *SignIn) Page(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.Form.Get("request"))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	another, confirms := r.Form.Get("as") == "another", r.Form.Get("as") == "confirm"
	if !another && !confirms && f.isSatisfied(h.Now()) {
		h.flows.resume(w, f.request.ID) // the user signed in in another tab
		return
	}
	if f.selectsAccount() && !another {
		h.selectAccountPage(w, r, f)
		return
	}
	page := h.form(f)
	if (f.reauthenticates() || confirms && f.session != nil) && !another {
		page.Username, page.Reauthenticate = f.session.Username, true
	}
	h.Pages.SignIn(w, f.localize(r), http.StatusOK, page)
}

// Submit serves POST /login: the fields request, username, password and remember, or a
// decision to cancel or to continue in the current session.
//
// Spec: OpenID Connect Core §3.1.2.3, RFC 9700 §4.12 (no redirect repeats the password).
func (h *SignIn) Submit(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.PostForm.Get("request"))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	switch r.PostForm.Get("decision") {
	case "cancel":
		h.flows.end(w, r, f, h.flows.cancel(r.Context(), f))
		return
	case "continue":
		h.flows.end(w, r, f, h.flows.continueAs(r.Context(), f, r.URL.Query().Get(sessionParameter)))
		return
	}
	if f.isSatisfied(h.Now()) && !f.switches(r) {
		h.flows.resume(w, f.request.ID) // the same user signed in in another tab while the form was open
		return
	}
	next, err := h.authenticate(w, r, f)
	if err == nil && next != "" {
		httpapi.SeeOther(w, next)
		return
	}
	if rejected := (*rejection)(nil); errors.As(err, &rejected) {
		h.reject(w, r, f, rejected)
		return
	}
	h.flows.end(w, r, f, err)
}

// authenticate checks the submitted password and signs its user in. It returns the page that
// follows, "" for none.
func (h *SignIn) authenticate(w http.ResponseWriter, r *http.Request, f *flow) (next string, err error) {
	a, known, err := h.passwords.check(r, r.PostForm.Get("username"), r.PostForm.Get("password"))
	if err != nil {
		return "", err
	}
	if !a.DeletesAt().IsZero() {
		return h.links.offerUndo(w, r, a.Subject)
	}
	if err := h.factors.afterPassword(w, r, f, h.passwords.authentication(r, a, known)); err != nil {
		return "", err
	}
	return h.offerPasskey(r, f, a)
}

// reject shows the form again with the reason of the rejection. The submitted username may
// be a password, so it is in no log.
func (h *SignIn) reject(w http.ResponseWriter, r *http.Request, f *flow, why *rejection) {
	h.noteSignIn(r, f, why)
	h.passwords.limits.recordFailedSignIn(r, why)

	page := h.form(f)
	page.Username, page.Remember = r.PostForm.Get("username"), remember(r)
	page.Reauthenticate = f.reauthenticates() && page.Username == f.session.Username
	page.Fault, page.RetryAfter = why.message, why.wait
	if page.Passkey != nil {
		page.Passkey.Create = false // a guessed password must not lead to a passkey
	}
	h.Pages.SignIn(w, f.localize(r), why.status, page)
}

func (h *SignIn) form(f *flow) pages.SignIn {
	page := pages.SignIn{
		Client: f.shownClient(), Action: h.Issuer + "/login", Request: f.request.ID,
		Username: f.loginHint(), OtherURL: h.flows.otherAccountURL(f), Cancel: true,
		Passkey: h.flows.passkeyPart(f),
	}
	if page.Passkey != nil {
		page.Passkey.Create = true
	}
	if h.HasMail {
		page.ForgotURL = h.Issuer + "/recover?request=" + url.QueryEscape(f.request.ID)
	}
	if h.SignInCode {
		page.OtherWayURL = h.Issuer + codePath + "?request=" + url.QueryEscape(f.request.ID)
	}
	if h.SignUp {
		page.SignUpURL = h.Issuer + "/signup?request=" + url.QueryEscape(f.request.ID)
	}
	return page
}

// selectAccountPage offers to continue as the signed-in user.
func (h *SignIn) selectAccountPage(w http.ResponseWriter, r *http.Request, f *flow) {
	name, err := h.flows.displayName(r.Context(), f)
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	h.Pages.Choose(w, f.localize(r), http.StatusOK, pages.Choose{
		Client:  f.clientView(),
		Action:  h.Issuer + "/login?" + sessionQuery(f.session),
		Request: f.request.ID, DisplayName: name, Username: f.session.Username, OtherURL: h.flows.otherAccountURL(f),
	})
}

// sessionParameter names, in the URL that a form is posted to, the session that the form
// was shown in: an answer counts only in the session that saw the page.
const sessionParameter = "session"

func sessionQuery(s *session.Session) string {
	return sessionParameter + "=" + url.QueryEscape(s.ID)
}
