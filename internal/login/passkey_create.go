package login

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// PasskeyCreate serves the page on which a user who has just signed in with a password
// creates a passkey. Every answer continues the authorization request.
type PasskeyCreate struct {
	*Config

	flows *flows
}

// Page serves GET /login/passkey/create: request is the ID of the authorization request;
// mode=silent first creates a passkey without a dialog, and offer=on offers one if the
// browser does not.
//
// Spec: Web Authentication Level 3 §5.1.3, §7.1.
func (h *PasskeyCreate) Page(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.Form.Get("request"))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	h.show(w, r, f, messages.Message{})
}

// show shows the page with a fault, unless the user has a passkey or has to sign in again.
func (h *PasskeyCreate) show(w http.ResponseWriter, r *http.Request, f *flow, fault messages.Message) {
	user, existing, err := h.user(r, f)
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	if passkeys, _ := h.RelyingParty.SplitKeys(existing); user == nil || len(passkeys) > 0 {
		h.flows.resume(w, f.request.ID)
		return
	}
	page := pages.PasskeyCreate{Client: f.shownClient(), Action: h.Issuer + "/login/passkey/create", Request: f.request.ID, Fault: fault}
	options, err := h.RelyingParty.BeginRegistration(*user, existing, f.session.Cookie, passkey.Prompted)
	page.Options, page.State = string(options.JSON), options.State
	if err == nil && r.Form.Get("mode") == modeSilent && r.Method == http.MethodGet {
		options, err = h.RelyingParty.BeginRegistration(*user, existing, f.session.Cookie, passkey.Conditional)
		page.Silent = &pages.SilentPasskey{Options: string(options.JSON), State: options.State, Offer: r.Form.Get("offer") == "on"}
	}
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	status := http.StatusOK
	if !fault.IsZero() {
		status = http.StatusBadRequest
	}
	h.Pages.Show(w, f.localize(r), status, page)
}

// modeSilent is the mode of a page that creates a passkey without a dialog, and what the
// script of the sign-in page reports for a browser that can.
const modeSilent = "silent"

// user returns the signed-in user with their passkeys; nil if they have to authenticate first:
// within [session.SensitiveMaxAge], with more than access to mail, and with a second
// factor if they have one.
func (h *PasskeyCreate) user(r *http.Request, f *flow) (*passkey.User, []*passkey.Passkey, error) {
	s := f.session
	if s == nil || !h.flows.mayEnrol(f, proven{amr: s.AMR}) {
		return nil, nil, nil
	}
	factors, err := h.SecondFactors.Enrolled(r.Context(), s.Subject)
	if err != nil {
		return nil, nil, fmt.Errorf("read second factors: %w", err)
	}
	list, err := h.Passkeys.PasskeysOf(r.Context(), s.Subject)
	if err != nil {
		return nil, nil, err
	}
	_, keys := h.RelyingParty.SplitKeys(list)
	if (factors.Enrolled() || len(keys) > 0) && !session.Reaches(s.ACR, session.LevelTwoFactors) {
		return nil, nil, nil
	}
	name, err := h.flows.displayName(r.Context(), f)
	return &passkey.User{Subject: s.Subject, Username: s.Username, Name: name}, list, err
}

// Submit serves POST /login/passkey/create: the fields request, state and credential (the
// response of the authenticator as JSON), or the decision "later".
//
// Spec: Web Authentication Level 3 §7.1.
func (h *PasskeyCreate) Submit(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.PostForm.Get("request"))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	if r.PostForm.Get("decision") == "later" || r.PostForm.Get("credential") == "" {
		h.flows.resume(w, f.request.ID)
		return
	}
	err = h.create(r, f)
	if errors.Is(err, passkey.ErrInvalid) || errors.Is(err, passkey.ErrExpired) || errors.Is(err, passkey.ErrSpent) || errors.Is(err, passkey.ErrExists) {
		refusal.Note(r.Context(), refusal.Rejection{
			Message: "passkey refused", Status: http.StatusBadRequest, Rule: refusal.PasskeyInvalid, Text: err.Error(), ClientID: f.client.ID,
		})
		if r.PostForm.Get("mode") != modeSilent {
			h.show(w, r, f, messages.New("passkey.not-created"))
			return
		}
		err = nil // the user did not ask for it
	}
	h.flows.end(w, r, f, err)
}

// create adds the passkey, unless the user has one or has to sign in again.
func (h *PasskeyCreate) create(r *http.Request, f *flow) error {
	user, existing, err := h.user(r, f)
	if passkeys, _ := h.RelyingParty.SplitKeys(existing); err != nil || user == nil || len(passkeys) > 0 {
		return err
	}
	made, err := h.RelyingParty.VerifyRegistration(r.PostForm.Get("state"), r.PostForm.Get("credential"), *user, f.session.Cookie)
	if err != nil {
		return err
	}
	err = h.Passkeys.InsertPasskey(r.Context(), made, h.Now())
	if errors.Is(err, session.ErrNotFound) {
		return nil // the authorization endpoint asks to sign in again
	}
	if err != nil {
		return err
	}
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "passkey created", slog.String("subject", user.Subject), slog.String("client_id", f.client.ID))
	return nil
}
