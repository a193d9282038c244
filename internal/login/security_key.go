package login

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/refusal"
)

// SecurityKeys records the uses of security keys.
type SecurityKeys interface {
	// UseSecurityKey records a use for the authorization request. It returns
	// authrequest.ErrNotFound, passkey.ErrSpent, passkey.ErrCounterChanged or account.ErrDisabled
	// if it was not recorded.
	UseSecurityKey(ctx context.Context, requestID string, use *passkey.Use) error
}

// SecurityKey serves the requests of the script on the page for the second factor, for users
// with a security key. They are made with fetch and get JSON.
type SecurityKey struct {
	*Config

	flows  *flows
	second *SecondFactor
}

// open returns the flow, its user who has proven a first factor, and the security keys of the user.
func (h *SecurityKey) open(r *http.Request) (*flow, proven, []*passkey.Passkey, error) {
	f, err := h.flows.open(r, r.PostForm.Get("request"))
	if err != nil {
		return nil, proven{}, nil, err
	}
	user, ok := h.second.proven(f)
	if !ok {
		return nil, proven{}, nil, h.flows.expired("no first factor was proven, or too long ago", f.client)
	}
	list, err := h.flows.passkeysOf(r.Context(), user.subject)
	if err != nil {
		return nil, proven{}, nil, err
	}
	_, keys := h.RelyingParty.SplitKeys(list)
	return f, user, keys, nil
}

// Options serves POST /login/security-key/options: the options of navigator.credentials.get for
// the authorization request with the ID request, with the keys of its user.
//
// Spec: Web Authentication Level 3 §5.5.
func (h *SecurityKey) Options(w http.ResponseWriter, r *http.Request) {
	f, user, keys, err := h.open(r)
	if err != nil {
		failPasskey(w, r, err)
		return
	}
	options, err := h.RelyingParty.BeginSecondFactor(f.request.ID, keys)
	switch {
	case errors.Is(err, passkey.ErrUnknown):
		h.reject(w, r, f, &rejection{rule: refusal.SignInSecondFactor, why: "the user has no security key", subject: user.subject})
	case err != nil:
		failPasskey(w, r, err)
	default:
		httpapi.JSON(w, http.StatusOK, passkeyOptions{options.JSON, options.State})
	}
}

// Submit serves POST /login/security-key: the fields request, state, credential (the response of
// the key as JSON) and trust_device.
//
// Spec: Web Authentication Level 3 §7.2, RFC 8176 §2.
func (h *SecurityKey) Submit(w http.ResponseWriter, r *http.Request) {
	f, user, keys, err := h.open(r)
	if err != nil {
		failPasskey(w, r, err)
		return
	}
	err = h.verify(w, r, f, user, keys)
	rejected := (*rejection)(nil)
	switch {
	case errors.As(err, &rejected):
		h.second.passwords.limits.recordFailedSignIn(r, rejected)
		h.reject(w, r, f, rejected)
	case err != nil:
		failPasskey(w, r, err)
	default:
		httpapi.JSON(w, http.StatusOK, struct {
			Location string `json:"location"`
		}{h.flows.resumeURL(f.request.ID)})
	}
}

// verify checks the response of a key, records its use and signs the user in with both factors.
func (h *SecurityKey) verify(w http.ResponseWriter, r *http.Request, f *flow, user proven, keys []*passkey.Passkey) error {
	ctx := r.Context()
	a, err := h.second.account(ctx, user.subject)
	if err != nil {
		return err
	}
	assertion, err := passkey.ParseAssertion(r.PostForm.Get("credential"))
	if err != nil {
		return wrongKey(err, user.subject)
	}
	use, err := h.RelyingParty.VerifySecondFactor(r.PostForm.Get("state"), f.request.ID, assertion, keys)
	if err != nil {
		return wrongKey(err, user.subject)
	}
	err = h.SecurityKeys.UseSecurityKey(ctx, f.request.ID, use)
	switch {
	case errors.Is(err, authrequest.ErrNotFound):
		return h.flows.expired("expired during the second factor", f.client)
	case err != nil:
		return wrongKey(err, user.subject)
	}
	if use.CounterBack {
		h.Log.LogAttrs(ctx, slog.LevelWarn, "the counter of a security key did not increase; there may be a copy of it",
			slog.String("subject", a.Subject))
	}
	return h.second.signIn(w, r, f, a, user, use.Passkey.SecondFactorAMR()...)
}

// wrongKey returns the rejection of a security key, and other errors as they are.
func wrongKey(err error, subject string) error {
	for _, wrong := range []error{passkey.ErrInvalid, passkey.ErrExpired, passkey.ErrSpent, passkey.ErrCounterChanged, account.ErrDisabled} {
		if errors.Is(err, wrong) {
			return &rejection{rule: refusal.SignInSecondFactor, why: err.Error(), subject: subject}
		}
	}
	return err
}

// reject writes the response to a rejected key, which is the same for every reason.
func (h *SecurityKey) reject(w http.ResponseWriter, r *http.Request, f *flow, why *rejection) {
	why.status = http.StatusUnauthorized
	noteSecondFactor(r, f, why)
	writeRejectedPasskey(w, "The security key was not accepted", nil)
}

// securityKeyPart returns the part of a page that proves a second factor with a security key.
func (s *flows) securityKeyPart(f *flow) *pages.Passkey {
	return &pages.Passkey{Request: f.request.ID, OptionsURL: s.Issuer + "/login/security-key/options", Action: s.Issuer + "/login/security-key"}
}
