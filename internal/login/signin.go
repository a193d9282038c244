package login

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/session"
)

// SignInPage serves GET /login: request is the id of the authorization request,
// and as=another offers a form for somebody else than who is signed in.
//
// Spec: OpenID Connect Core §3.1.2.1, §3.1.2.3.
func (h *Handler) SignInPage(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, r.Form.Get("request"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	another := r.Form.Get("as") != ""
	if !another && v.satisfied(h.Now()) {
		h.back(w, v) // somebody signed in in another tab
		return
	}
	if v.chooses() && !another {
		h.choosePage(w, r, v)
		return
	}
	page := h.signInForm(v)
	if v.confirms() && !another {
		page.Username, page.Reauthenticate = v.session.Username, true
	}
	h.Pages.SignIn(w, http.StatusOK, page)
}

// SignIn serves POST /login: the fields request, username, password and remember,
// or a decision to cancel or to continue in the session there is.
//
// Spec: OpenID Connect Core §3.1.2.3; RFC 9700 §4.12 (no redirect repeats the password).
func (h *Handler) SignIn(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, r.PostForm.Get("request"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	switch r.PostForm.Get("decision") {
	case "cancel":
		h.cancel(w, r, v)
		return
	case "continue":
		h.carryOn(w, r, v)
		return
	}
	if v.satisfied(h.Now()) && !switches(r, v) {
		h.back(w, v) // the form was open while the same user signed in in another tab
		return
	}
	err = h.signIn(w, r, v)
	var no *denied
	switch {
	case errors.As(err, &no):
		h.denySignIn(w, r, v, no)
	case err != nil:
		h.fail(w, r, err)
	default:
		h.back(w, v)
	}
}

// cancel notes that whoever is here would rather not sign in. The decision is
// nobody's, since nobody has said who they are.
func (h *Handler) cancel(w http.ResponseWriter, r *http.Request, v *visit) {
	err := h.Requests.RecordDecision(r.Context(), v.request.ID, authrequest.Denied, authrequest.NoSubject, nil, h.Now())
	if errors.Is(err, authrequest.ErrNotFound) {
		err = h.expired("run out before it was cancelled", v.client)
	}
	if err != nil && !errors.Is(err, authrequest.ErrAlreadyDecided) {
		h.fail(w, r, err)
		return
	}
	h.back(w, v)
}

// signIn checks who it is, and lets them in.
func (h *Handler) signIn(w http.ResponseWriter, r *http.Request, v *visit) error {
	a, known, err := h.check(r, r.PostForm.Get("username"), r.PostForm.Get("password"))
	if err != nil {
		return err
	}
	return h.admit(w, r, v, a, known)
}

// admit begins the session of a, who has authenticated with a password, and records on the
// request that they signed in. known is what the account knows of the request's source.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request, v *visit, a *account.Account, known account.KnownSource) error {
	ctx, now := r.Context(), h.Now()
	remembered := v.session != nil && v.session.Subject == a.Subject && v.session.Remembered
	s, err := h.Manager.Begin(w, r, v.session, session.Authentication{
		Account: a, Time: now, ACR: session.ACRPassword, AMR: []string{"pwd"}, Remember: remember(r) || remembered,
		Source: &session.Source{Known: known, Networks: h.networks(ctx)},
	})
	if err != nil {
		return err
	}
	err = h.Requests.RecordSignIn(ctx, v.request.ID, s.ID, now, now)
	if errors.Is(err, authrequest.ErrNotFound) {
		return h.expired("run out while signing in", v.client)
	}
	if err != nil {
		return fmt.Errorf("record sign-in: %w", err)
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "signed in",
		slog.String("subject", s.Subject), slog.String("client_id", v.client.ID))
	return nil
}

// remember reports whether the person asked to stay signed in.
func remember(r *http.Request) bool { return r.PostForm.Get("remember") == "on" }

// denySignIn shows the form again with what was wrong. What was typed as a user
// name may be a password, so it is in no log.
func (h *Handler) denySignIn(w http.ResponseWriter, r *http.Request, v *visit, no *denied) {
	h.noteSignIn(r, v, no)

	page := h.signInForm(v)
	page.Username, page.Remember = r.PostForm.Get("username"), remember(r)
	page.Reauthenticate = v.confirms() && page.Username == v.session.Username
	page.Fault, page.RetryAfter = no.words, no.wait
	h.Pages.SignIn(w, no.status, page)
}

func (h *Handler) signInForm(v *visit) pages.SignIn {
	shown := v.shownClient()
	page := pages.SignIn{
		Client: &shown, Action: h.Issuer + "/login", Request: v.request.ID,
		Username: v.hint(), OtherURL: h.anotherURL(v), Cancel: true,
	}
	if h.Open {
		page.SignUpURL = h.Issuer + "/signup?request=" + url.QueryEscape(v.request.ID)
	}
	return page
}

// hint is how the client says that the person might sign in.
func (v *visit) hint() string { return pages.Clean(v.asked.Get("login_hint"), 128) }

// anotherURL leads to a form for somebody else than who is signed in.
func (h *Handler) anotherURL(v *visit) string {
	return h.Issuer + "/login?as=another&request=" + url.QueryEscape(v.request.ID)
}
