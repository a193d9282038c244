package login

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/totp"
)

// Enrol serves the page on which users add an authenticator app during a sign-in that requires
// a second factor.
type Enrol struct {
	*Config

	flows  *flows
	second *SecondFactor
}

// mayEnrol reports whether the user may add a credential to an account without a second factor.
// Otherwise they sign in again: the session is older than [session.SensitiveMaxAge], or they have
// proven nothing but access to mail.
func (s *flows) mayEnrol(f *flow, user proven) bool {
	return (user.inFlow || f.session.IsRecent(s.Now())) && !session.IsMailOnly(user.amr)
}

// enrolURL is the page on which the user adds an authenticator app: after signing in again, if
// that is necessary.
func (s *flows) enrolURL(f *flow, user proven) string {
	query := "?request=" + url.QueryEscape(f.request.ID)
	if !s.mayEnrol(f, user) {
		return s.Issuer + "/login" + query + "&as=confirm"
	}
	return s.Issuer + "/login/enrol" + query
}

// open returns the flow and its user. It writes the response and reports false if the user may
// not add an authenticator app now: the first factor is too old or access to mail, or
// the account has a second factor, which a password must not replace.
func (h *Enrol) open(w http.ResponseWriter, r *http.Request, id string) (*flow, proven, bool) {
	f, err := h.flows.open(r, id)
	if err != nil {
		h.flows.fail(w, r, err)
		return nil, proven{}, false
	}
	user, ok := h.second.proven(f)
	if !ok || !h.flows.mayEnrol(f, user) {
		h.flows.resume(w, f.request.ID)
		return nil, user, false
	}
	has, err := h.second.factors.has(r.Context(), user.subject)
	if err != nil {
		h.flows.fail(w, r, err)
		return nil, user, false
	}
	if has {
		httpapi.SeeOther(w, h.flows.factorURL(f))
		return nil, user, false
	}
	return f, user, true
}

// Page serves GET /login/enrol: request is the ID of the authorization request.
//
// Spec: RFC 6238.
func (h *Enrol) Page(w http.ResponseWriter, r *http.Request) {
	if f, user, ok := h.open(w, r, r.Form.Get("request")); ok {
		h.show(w, r, f, user, http.StatusOK, messages.Message{})
	}
}

func (h *Enrol) show(w http.ResponseWriter, r *http.Request, f *flow, user proven, status int, fault messages.Message) {
	page, err := h.page(r, f, user)
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	page.Fault = fault
	h.Pages.Show(w, f.localize(r), status, page)
}

func (h *Enrol) page(r *http.Request, f *flow, user proven) (pages.Enrol, error) {
	a, err := h.Accounts.Account(r.Context(), user.subject)
	if err != nil {
		return pages.Enrol{}, fmt.Errorf("read account: %w", err)
	}
	secret, err := h.SecondFactors.BeginTOTP(r.Context(), user.subject, hostOf(h.Iss), a.Name(), h.binding(r, f))
	if err != nil {
		return pages.Enrol{}, err
	}
	return pages.Enrol{
		Client: f.shownClient(), Action: h.Issuer + "/login/enrol", Request: f.request.ID,
		ID: secret.ID, Secret: totp.GroupedText(secret.Secret), URI: template.URL(secret.URI), //nolint:gosec // made by this server
	}, nil
}

// binding ties the enrolment to the request, which is bound to the browser.
func (h *Enrol) binding(r *http.Request, f *flow) secondfactor.Binding {
	return secondfactor.Binding{Purpose: secondfactor.ForSignIn, Session: f.request.ID, Shown: r.PostForm.Get("enrolment")}
}

// Submit serves POST /login/enrol: the fields request, enrolment and code, or a decision to cancel.
func (h *Enrol) Submit(w http.ResponseWriter, r *http.Request) {
	f, user, ok := h.open(w, r, r.PostForm.Get("request"))
	if !ok {
		return
	}
	if r.PostForm.Get("decision") == "cancel" {
		f.needsFactor = true
		h.flows.end(w, r, f, nil)
		return
	}
	_, err := h.SecondFactors.ConfirmTOTP(r.Context(), user.subject, r.PostForm.Get("code"), "", h.binding(r, f), h.Now())
	switch {
	case errors.Is(err, secondfactor.ErrWrong):
		noteSecondFactor(r, f, &rejection{status: http.StatusForbidden, rule: refusal.SignInSecondFactor, why: "the first code of the authenticator app is wrong", subject: user.subject})
		h.show(w, r, f, user, http.StatusForbidden, messages.New("enrol.wrong"))
	case errors.Is(err, secondfactor.ErrNoEnrolment):
		noteSecondFactor(r, f, &rejection{status: http.StatusForbidden, rule: refusal.SignInSecondFactor, why: "the enrolment of the authenticator app has expired", subject: user.subject})
		h.show(w, r, f, user, http.StatusForbidden, messages.New("enrol.expired"))
	default:
		if err == nil {
			err = h.signIn(w, r, f, user)
		}
		h.flows.end(w, r, f, err)
	}
}

// signIn signs in the user with the authenticator app that was added.
func (h *Enrol) signIn(w http.ResponseWriter, r *http.Request, f *flow, user proven) error {
	a, err := h.second.account(r.Context(), user.subject)
	if err != nil {
		return err
	}
	return h.second.signIn(w, r, f, a, user, "otp", "mfa")
}
