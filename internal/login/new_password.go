package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
	"github.com/ostiary/ostiary/internal/session"
)

// NewPassword serves the page on which users change the password, if the state of their account
// requires it, before an application gets a response.
type NewPassword struct {
	*Config

	flows *flows
}

// open returns the flow and the account of its user. It writes the response and reports false if
// the state of the account does not require a new password, or the user has to sign in again
// before.
func (h *NewPassword) open(w http.ResponseWriter, r *http.Request, id string) (*flow, *account.Account, bool) {
	f, err := h.flows.open(r, id)
	if err != nil {
		h.flows.fail(w, r, err)
		return nil, nil, false
	}
	switch {
	case f.session == nil || f.session.AccountState != account.MustChangePassword:
		h.flows.resume(w, f.request.ID)
		return nil, nil, false
	case !h.mayChange(f.session):
		httpapi.SeeOther(w, h.Issuer+"/login?as=confirm&request="+url.QueryEscape(f.request.ID))
		return nil, nil, false
	}
	a, err := h.Accounts.Account(r.Context(), f.session.Subject)
	if err != nil {
		h.flows.fail(w, r, fmt.Errorf("read account: %w", err))
		return nil, nil, false
	}
	return f, a, true
}

// mayChange reports whether the user has proven the current password, or two factors, within
// [session.SensitiveMaxAge].
func (h *NewPassword) mayChange(s *session.Session) bool {
	return s.IsRecent(h.Now()) && (slices.Contains(s.AMR, "pwd") || session.Reaches(s.ACR, session.LevelTwoFactors))
}

// Page serves GET /login/password: request is the ID of the authorization request.
func (h *NewPassword) Page(w http.ResponseWriter, r *http.Request) {
	if f, a, ok := h.open(w, r, r.Form.Get("request")); ok {
		h.show(w, r, f, a, http.StatusOK, true, messages.Message{})
	}
}

func (h *NewPassword) show(w http.ResponseWriter, r *http.Request, f *flow, a *account.Account, status int, endOthers bool, fault messages.Message) {
	h.Pages.Show(w, f.localize(r), status, pages.NewPassword{
		Client: f.shownClient(), Action: h.Issuer + "/login/password", Request: f.request.ID, Username: a.Name(),
		MinLength: passwordpolicy.MinLength(h.FactorPolicy.Requires(a)), EndOthers: endOthers, Fault: fault, Breached: a.Breach == account.Breached,
	})
}

// Submit serves POST /login/password: the fields request, new_password and end_others, or a
// decision to cancel.
//
// Spec: NIST SP 800-63B-4 §3.1.1.2.
func (h *NewPassword) Submit(w http.ResponseWriter, r *http.Request) {
	f, a, ok := h.open(w, r, r.PostForm.Get("request"))
	if !ok {
		return
	}
	if r.PostForm.Get("decision") == "cancel" {
		h.flows.end(w, r, f, h.flows.cancel(r.Context(), f))
		return
	}
	err := h.save(w, r, f, a)
	if invalid := (*fieldError)(nil); errors.As(err, &invalid) {
		h.show(w, r, f, a, http.StatusBadRequest, r.PostForm.Get("end_others") == "on", invalid.message)
		return
	}
	if errors.Is(err, account.ErrChanged) {
		err = nil // the authorization endpoint returns the user to this page, if the state is the same
	}
	h.flows.end(w, r, f, err)
}

// save replaces the password, which ends the state of the account, and gives the session a new
// cookie.
func (h *NewPassword) save(w http.ResponseWriter, r *http.Request, f *flow, a *account.Account) error {
	ctx := r.Context()
	hash, err := h.hash(ctx, a, r.PostForm.Get("new_password"))
	if err != nil {
		return err
	}
	keep := ""
	if r.PostForm.Get("end_others") == "on" {
		keep = f.session.ID
	}
	if err := h.SessionManager.ReplacePassword(ctx, a, hash, keep); err != nil {
		return err
	}
	s := f.session
	_, err = h.SessionManager.Begin(w, r, s, session.Authentication{
		Account: a, Time: s.AuthTime, ACR: s.ACR, AMR: s.AMR, SecondFactorWaived: s.SecondFactorWaived, Remember: s.Remembered,
	})
	if err != nil {
		return err
	}
	h.Log.LogAttrs(ctx, slog.LevelInfo, "password changed", slog.String("subject", a.Subject), slog.String("client_id", f.client.ID))
	return nil
}

// hash returns the hash of a new password. It returns a [*fieldError] if the user may not choose
// the password: also if it is the current one.
func (h *NewPassword) hash(ctx context.Context, a *account.Account, password string) (string, error) {
	if err := h.checkPassword(ctx, h.choice(a, password)); err != nil {
		return "", err
	}
	current, err := h.Hasher.Check(ctx, a.PasswordHash(), password)
	if err != nil && !errors.Is(err, credential.ErrBadHash) { // that of an import
		return "", fmt.Errorf("compare passwords: %w", err)
	}
	if current.OK {
		return "", &fieldError{"new-password", messages.New("new-password.same")}
	}
	hash, err := h.Hasher.Hash(ctx, password)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}
