package login

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// Passkeys reads and adds the passkeys of accounts.
type Passkeys interface {
	// PasskeysByHandle returns the account with a user handle, with all of its passkeys. It
	// returns passkey.ErrUnknown if no passkey has the handle.
	PasskeysByHandle(ctx context.Context, handle []byte) (*account.Account, []*passkey.Passkey, error)
	PasskeyExists(ctx context.Context, id []byte) (bool, error)
	PasskeysOf(ctx context.Context, subject string) ([]*passkey.Passkey, error)
	// InsertPasskey returns passkey.ErrSpent, passkey.ErrExists, passkey.ErrTooMany or
	// session.ErrNotFound if the passkey was not added.
	InsertPasskey(ctx context.Context, r *passkey.Registration, now time.Time) error
	// OfferPasskey reports whether to offer a passkey with the RP ID, and records that one is offered.
	OfferPasskey(ctx context.Context, subject, rpID string, since, now time.Time) (bool, error)
}

// PasskeySignIn serves the requests of the sign-in page's script. They are made with fetch
// and get JSON.
type PasskeySignIn struct {
	*Config

	flows  *flows
	limits *limiter
	links  *links
}

// passkeyOptions is the response to a request for options.
type passkeyOptions struct {
	PublicKey json.RawMessage `json:"publicKey"`
	State     string          `json:"state"`
}

// Options serves POST /login/passkey/options: the options of navigator.credentials.get for
// the authorization request with the ID request. They do not depend on the user, and the
// request is only read.
//
// Spec: Web Authentication Level 3 §5.5.
func (h *PasskeySignIn) Options(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.PostForm.Get("request"))
	if err != nil {
		failPasskey(w, r, err)
		return
	}
	options, err := h.RelyingParty.BeginSignIn(f.request.ID)
	if err != nil {
		failPasskey(w, r, err)
		return
	}
	httpapi.JSON(w, http.StatusOK, passkeyOptions{options.JSON, options.State})
}

// signedIn is the response to a sign-in: the page reports the passkeys of the account to the
// authenticator and opens the location.
type signedIn struct {
	Location string   `json:"location"`
	Accepted accepted `json:"accepted"`
}

// accepted are the arguments of PublicKeyCredential.signalAllAcceptedCredentials.
//
// Spec: Web Authentication Level 3 §5.1.10.4.
type accepted struct {
	RPID   string   `json:"rpId"`
	UserID string   `json:"userId"`
	IDs    []string `json:"allAcceptedCredentialIds"`
}

// Submit serves POST /login/passkey: the fields request, state, credential (the response of
// the authenticator as JSON) and remember.
//
// Spec: Web Authentication Level 3 §7.2.
func (h *PasskeySignIn) Submit(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.PostForm.Get("request"))
	if err != nil {
		failPasskey(w, r, err)
		return
	}
	body, err := h.authenticate(w, r, f)
	var rejected *passkeyError
	switch {
	case errors.As(err, &rejected):
		h.reject(w, r, f, rejected)
	case err != nil:
		failPasskey(w, r, err)
	default:
		httpapi.JSON(w, http.StatusOK, body)
	}
}

// authenticate verifies the response and signs its user in. It tries once more if the
// passkey was used at the same time.
func (h *PasskeySignIn) authenticate(w http.ResponseWriter, r *http.Request, f *flow) (*signedIn, error) {
	assertion, err := passkey.ParseAssertion(r.PostForm.Get("credential"))
	if err != nil {
		return nil, rejectPasskey(refusal.SignInPasskey, err)
	}
	body, err := h.signInWith(w, r, f, assertion)
	if errors.Is(err, passkey.ErrCounterChanged) {
		body, err = h.signInWith(w, r, f, assertion)
	}
	switch {
	case errors.Is(err, authrequest.ErrNotFound):
		return nil, h.flows.expired("expired during the sign-in", f.client)
	case errors.Is(err, passkey.ErrSpent), errors.Is(err, passkey.ErrExpired):
		return nil, rejectPasskey(refusal.SignInPasskeyChallenge, err)
	case errors.Is(err, passkey.ErrInvalid), errors.Is(err, passkey.ErrCounterChanged):
		return nil, rejectPasskey(refusal.SignInPasskey, err)
	case errors.Is(err, account.ErrDisabled):
		return nil, rejectPasskey(refusal.SignInDisabled, err)
	}
	return body, err
}

func (h *PasskeySignIn) signInWith(w http.ResponseWriter, r *http.Request, f *flow, assertion *passkey.Assertion) (*signedIn, error) {
	a, list, err := h.Passkeys.PasskeysByHandle(r.Context(), assertion.Handle())
	if err != nil && !errors.Is(err, passkey.ErrUnknown) {
		return nil, err
	}
	i := slices.IndexFunc(list, func(p *passkey.Passkey) bool { return string(p.ID) == string(assertion.CredentialID()) })
	if i < 0 {
		return nil, h.unknown(r, assertion)
	}
	use, err := h.RelyingParty.VerifySignIn(r.PostForm.Get("state"), f.request.ID, assertion, list[i])
	if err != nil {
		return nil, err
	}
	if !a.DisabledAt.IsZero() {
		return h.disabled(w, r, use, list)
	}
	err = h.flows.signIn(w, r, f, session.Authentication{
		Account: a, Time: use.At, ACR: session.LevelPhishingResistant, AMR: use.Passkey.AMR(), Remember: remember(r), Passkey: use, RequestID: f.request.ID,
		Source: &session.Source{Networks: h.limits.networks(r.Context())},
	})
	if err != nil {
		return nil, err
	}
	if use.CounterBack {
		h.Log.LogAttrs(r.Context(), slog.LevelWarn, "the counter of a passkey did not increase; there may be a copy of it",
			slog.String("subject", a.Subject))
	}
	return &signedIn{h.flows.resumeURL(f.request.ID), h.accepted(use, list)}, nil
}

// accepted returns the passkeys of the account that one was used of.
func (h *PasskeySignIn) accepted(use *passkey.Use, list []*passkey.Passkey) accepted {
	all := accepted{RPID: h.RelyingParty.ID, UserID: encode(use.Passkey.Handle)}
	for _, p := range list {
		all.IDs = append(all.IDs, encode(p.ID))
	}
	return all
}

// disabled returns the response to a user of a disabled account: the page that keeps it, if the
// user has asked to delete it.
func (h *PasskeySignIn) disabled(w http.ResponseWriter, r *http.Request, use *passkey.Use, list []*passkey.Passkey) (*signedIn, error) {
	a, err := h.Accounts.Account(r.Context(), use.Passkey.Subject)
	if err != nil {
		return nil, err
	}
	if a.DeletesAt().IsZero() {
		return nil, account.ErrDisabled
	}
	page, err := h.links.offerUndo(w, r, a.Subject)
	return &signedIn{page, h.accepted(use, list)}, err
}

// unknown returns the rejection of a passkey that the account of its user handle does not
// have. Only if no account has it, the response lets
// the authenticator delete it.
func (h *PasskeySignIn) unknown(r *http.Request, assertion *passkey.Assertion) error {
	exists, err := h.Passkeys.PasskeyExists(r.Context(), assertion.CredentialID())
	if err != nil {
		return err
	}
	if exists {
		return rejectPasskey(refusal.SignInPasskey, errors.New("the user handle is of another account"))
	}
	return &passkeyError{
		rule: refusal.SignInPasskey, why: passkey.ErrUnknown.Error(),
		unknown: &unknownPasskey{h.RelyingParty.ID, encode(assertion.CredentialID())},
	}
}

// unknownPasskey are the arguments of PublicKeyCredential.signalUnknownCredential.
//
// Spec: Web Authentication Level 3 §5.1.10.3.
type unknownPasskey struct {
	RPID         string `json:"rpId"`
	CredentialID string `json:"credentialId"`
}

// passkeyError is an unsuccessful sign-in with a passkey. The response is the same for
// every reason, except that it names an unknown passkey.
type passkeyError struct {
	rule    refusal.Rule
	why     string
	unknown *unknownPasskey
}

// Error returns the reason for the log.
func (e *passkeyError) Error() string { return e.why }

func rejectPasskey(rule refusal.Rule, err error) error {
	return &passkeyError{rule: rule, why: err.Error()}
}

func (h *PasskeySignIn) reject(w http.ResponseWriter, r *http.Request, f *flow, why *passkeyError) {
	const status = http.StatusUnauthorized
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "sign-in refused", Status: status, Code: "access_denied", Rule: why.rule, Text: why.why, ClientID: f.client.ID,
	})
	writeRejectedPasskey(w, "The passkey was not accepted", why.unknown)
}

// writeRejectedPasskey writes the response to a rejected passkey or security key.
func writeRejectedPasskey(w http.ResponseWriter, description string, unknown *unknownPasskey) {
	w.Header().Set("WWW-Authenticate", "Passkey")
	httpapi.JSON(w, http.StatusUnauthorized, struct {
		httpapi.ErrorBody
		Unknown *unknownPasskey `json:"unknown,omitempty"`
	}{httpapi.ErrorBody{Error: "access_denied", Description: description, Status: http.StatusUnauthorized}, unknown})
}

// failPasskey writes an error as JSON and notes the reason for the log, once.
func failPasskey(w http.ResponseWriter, r *http.Request, err error) {
	e := pageErrors().Prepare(w, r, err)
	httpapi.JSONError(w, e.Status, e.Code, e.Description)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// passkeyPart returns the part of a page that signs in with a passkey, nil if passkeys are off.
func (s *flows) passkeyPart(f *flow) *pages.Passkey {
	if s.RelyingParty == nil {
		return nil
	}
	return &pages.Passkey{Request: f.request.ID, OptionsURL: s.Issuer + "/login/passkey/options", Action: s.Issuer + "/login/passkey"}
}

// passkeysOf returns the passkeys of an account that can be used, none if passkeys are off.
func (s *flows) passkeysOf(ctx context.Context, subject string) ([]*passkey.Passkey, error) {
	if s.RelyingParty == nil {
		return nil, nil
	}
	list, err := s.Passkeys.PasskeysOf(ctx, subject)
	return s.RelyingParty.Usable(list), err
}

// needsPasskey reports whether only a passkey helps a user of the second step: a session with
// two factors has to reach a higher level, or the request accepts no lower one.
func (h *SecondFactor) needsPasskey(f *flow, user proven) bool {
	if h.RelyingParty == nil || user.inFlow {
		return false
	}
	levels := slices.DeleteFunc(strings.Fields(f.parameters.Get("acr_values")), func(v string) bool { return !session.IsLevel(v) })
	_, byCode := session.Strongest(session.LevelTwoFactors, levels)
	return session.Reaches(f.session.ACR, session.LevelTwoFactors) || len(levels) > 0 && !byCode
}

// passkeyCreateURL is the page on which the user of the flow creates a passkey: after signing
// in again, if that is necessary.
func (s *flows) passkeyCreateURL(f *flow) string {
	query := "?request=" + url.QueryEscape(f.request.ID)
	if !s.mayEnrol(f, proven{amr: f.session.AMR}) {
		return s.Issuer + "/login" + query + "&as=confirm"
	}
	return s.Issuer + "/login/passkey/create" + query
}

// offerPasskey returns the page on which the user of a, who has just signed in with a
// password, gets a passkey; "" for none. The script of the sign-in page reports whether the
// browser can create one without a dialog ("silent") or with one ("page"). The page that
// offers one is shown once in [passkey.OfferInterval]. Accounts with a passkey or a second factor get
// none so: these prove more than the password.
func (h *SignIn) offerPasskey(r *http.Request, f *flow, a *account.Account) (page string, err error) {
	can := r.PostForm.Get("passkey")
	if h.RelyingParty == nil || f.needsFactor || f.hasFactor || can != modeSilent && can != "page" {
		return "", nil
	}
	now := h.Now()
	offer, err := h.Passkeys.OfferPasskey(r.Context(), a.Subject, h.RelyingParty.ID, now.Add(-passkey.OfferInterval), now)
	if err != nil {
		return "", err
	}
	page = h.Issuer + "/login/passkey/create?request=" + url.QueryEscape(f.request.ID)
	switch {
	case can == "page" && offer:
		return page, nil
	case can == "page":
		return "", nil
	case offer:
		return page + "&mode=silent&offer=on", nil
	}
	list, err := h.flows.passkeysOf(r.Context(), a.Subject)
	if err != nil || len(list) > 0 {
		return "", err
	}
	return page + "&mode=silent", nil
}
