package factors

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"slices"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/totp"
)

// The paths of the pages.
const (
	AuthenticatorPath = "/account/authenticator"
	RecoveryCodesPath = "/account/recovery-codes"
)

// maxLabel is the maximum length of the name of an authenticator app, in characters.
const maxLabel = 64

// Authenticator serves the page of the authenticator apps.
type Authenticator struct{ *Config }

// Page serves GET /account/authenticator: the list of apps. The enrolment of one follows if
// there is none, or the parameter add is present.
//
// Spec: RFC 6238.
func (h *Authenticator) Page(w http.ResponseWriter, r *http.Request) {
	s, ok := h.Session(w, r, false)
	if !ok {
		return
	}
	set, err := h.Factors.Enrolled(r.Context(), s.Subject)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	enrols := !set.Enrolled() || r.Form.Has("add")
	if enrols {
		if s, ok = h.Session(w, r, true); !ok {
			return
		}
	}
	h.show(w, r, http.StatusOK, s, set, enrols, messages.Message{})
}

func (h *Authenticator) show(
	w http.ResponseWriter, r *http.Request, status int, s *session.Session, set secondfactor.FactorSet, enrols bool, fault messages.Message,
) {
	page := pages.Authenticator{
		Action: h.Issuer + AuthenticatorPath, Fault: fault,
		RecoveryCodesURL: h.Issuer + RecoveryCodesPath, RecoveryCodes: set.RecoveryCodes.Left,
	}
	for _, a := range set.Authenticators {
		page.Apps = append(page.Apps, pages.AuthenticatorApp{ID: a.ID, Label: a.Label, CreatedAt: a.CreatedAt, LastUsedAt: a.LastUsedAt})
	}
	if !enrols {
		page.AddURL = page.Action + "?add=1"
		h.Pages.Show(w, r, status, page)
		return
	}
	e, err := h.Factors.BeginTOTP(r.Context(), s.Subject, h.Name, s.Username, h.binding(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	page.Enrolment = &pages.Enrolment{
		ID: e.ID, Secret: totp.GroupedText(e.Secret), Label: r.PostForm.Get("label"),
		URI: template.URL(e.URI), //nolint:gosec // made by this server
	}
	if set.Enrolled() {
		page.BackURL = page.Action
	}
	h.Pages.Show(w, r, status, page)
}

// binding ties an enrolment to the session in which the page was shown.
func (h *Authenticator) binding(r *http.Request) secondfactor.Binding {
	return secondfactor.Binding{Purpose: secondfactor.ForAccountPage, Session: h.Cookies.Session(r), Shown: r.PostForm.Get("enrolment")}
}

// Submit serves POST /account/authenticator: the fields enrolment, code and label, or
// remove, with the ID of an app, and confirm.
func (h *Authenticator) Submit(w http.ResponseWriter, r *http.Request) {
	s, ok := h.Session(w, r, true)
	if !ok {
		return
	}
	if id := r.PostForm.Get("remove"); id != "" {
		h.remove(w, r, s, id)
		return
	}
	label := pages.Clean(r.PostForm.Get("label"), maxLabel)
	_, err := h.Factors.ConfirmTOTP(r.Context(), s.Subject, r.PostForm.Get("code"), label, h.binding(r), h.Now())
	switch {
	case errors.Is(err, secondfactor.ErrWrong):
		h.reject(w, r, s, messages.New("enrol.wrong"))
	case errors.Is(err, secondfactor.ErrNoEnrolment):
		h.reject(w, r, s, messages.New("enrol.expired"))
	case errors.Is(err, secondfactor.ErrTooMany):
		h.reject(w, r, s, messages.New("authenticator.too-many"))
	default:
		if err == nil {
			err = h.raise(w, r, s)
		}
		h.end(w, r, err)
	}
}

// reject shows the enrolment again.
func (h *Authenticator) reject(w http.ResponseWriter, r *http.Request, s *session.Session, fault messages.Message) {
	set, err := h.Factors.Enrolled(r.Context(), s.Subject)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, http.StatusBadRequest, s, set, true, fault)
}

// raise raises the session of a user who has proven an authenticator app now, so that the next
// page does not ask for the code that was just used.
//
// Spec: RFC 8176 §2 (otp, mfa).
func (h *Authenticator) raise(w http.ResponseWriter, r *http.Request, s *session.Session) error {
	a, err := h.Accounts.Account(r.Context(), s.Subject)
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	raised := session.Authentication{Account: a, Time: h.Now(), ACR: s.ACR, AMR: s.AMR, Remember: s.Remembered}
	if !session.Reaches(raised.ACR, session.LevelTwoFactors) {
		raised.ACR = session.LevelTwoFactors
	}
	for _, method := range []string{"otp", "mfa"} {
		if !slices.Contains(raised.AMR, method) {
			raised.AMR = append(slices.Clip(raised.AMR), method)
		}
	}
	_, err = h.Manager.Begin(w, r, s, raised)
	return err
}

// remove removes an authenticator app, after the user has confirmed it.
func (h *Authenticator) remove(w http.ResponseWriter, r *http.Request, s *session.Session, id string) {
	set, err := h.Factors.Enrolled(r.Context(), s.Subject)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	known := slices.ContainsFunc(set.Authenticators, func(a *secondfactor.Authenticator) bool { return a.ID == id })
	switch {
	case !known: // removed in another tab
		h.end(w, r, nil)
	case r.PostForm.Get("confirm") == "":
		text := messages.New("authenticator.remove-text")
		if len(set.Authenticators) == 1 {
			text = messages.New("authenticator.remove-last")
		}
		h.Pages.Show(w, r, http.StatusOK, pages.ConfirmRemoval{
			Action: h.Issuer + AuthenticatorPath, CancelURL: h.Issuer + AuthenticatorPath, ID: id,
			Title: messages.New("authenticator.remove"), Text: text,
		})
	default:
		err := h.Factors.RemoveTOTP(r.Context(), s.Subject, id, h.Now())
		if errors.Is(err, secondfactor.ErrNotEnrolled) {
			err = nil
		}
		h.end(w, r, err)
	}
}

// end redirects to the list, or shows err.
func (h *Authenticator) end(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		h.fail(w, r, err)
		return
	}
	httpapi.SeeOther(w, h.Issuer+AuthenticatorPath)
}
