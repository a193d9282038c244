package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
)

// firstFactorLifetime is how long a password waits for the second factor.
const firstFactorLifetime = 10 * time.Minute

// SecondFactor serves the page on which users prove a second factor: after a password, or
// in a session whose level is too low for a request. Users without one can enrol there.
type SecondFactor struct {
	*Config

	flows     *flows
	passwords *passwords
	factors   *factors
}

// proven is the first factor, which the user has proven.
type proven struct {
	subject  string
	amr      []string
	remember bool
	inFlow   bool // by a password for this request, so that there is no session yet
}

// proven returns what the user of the flow has proven. It reports false if there is nothing:
// the user has to sign in first.
func (h *SecondFactor) proven(f *flow) (proven, bool) {
	if first := f.request.FirstFactor; first != nil && h.Now().Sub(first.At) < firstFactorLifetime {
		return proven{subject: first.Subject, amr: first.AMR, remember: first.Remember, inFlow: true}, true
	}
	if f.session != nil {
		return proven{subject: f.session.Subject, amr: f.session.AMR, remember: f.session.Remembered}, true
	}
	return proven{}, false
}

// Page serves GET /login/second-factor: request is the ID of the authorization request, and
// way, one of code, recovery-code and security-key, replaces the factor that the user has used last.
//
// Spec: NIST SP 800-63B-4 §2.2, RFC 9470 §5.
func (h *SecondFactor) Page(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.Form.Get("request"))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	h.show(w, r, f, http.StatusOK, r.Form.Get("way"), nil)
}

// show writes the page for the factors of the user, with the reason of a rejection.
func (h *SecondFactor) show(w http.ResponseWriter, r *http.Request, f *flow, status int, method string, why *rejection) {
	user, ok := h.proven(f)
	if !ok {
		h.flows.resume(w, f.request.ID)
		return
	}
	factors, err := h.SecondFactors.Enrolled(r.Context(), user.subject)
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	list, err := h.flows.passkeysOf(r.Context(), user.subject)
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	methods := h.methodsOf(f, user, factors, list)
	if !methods.any() {
		h.offer(w, r, f, user)
		return
	}
	page := h.page(f, methods, method)
	page.TrustDevice = user.inFlow
	if why != nil {
		page.Fault, page.RetryAfter = why.message, why.wait
	}
	h.Pages.Show(w, f.localize(r), status, page)
}

// offer shows the page for a user without a second factor. A user of an older session has to
// sign in again before adding one.
func (h *SecondFactor) offer(w http.ResponseWriter, r *http.Request, f *flow, user proven) {
	page := pages.EnrolOffer{
		Client: f.shownClient(), Action: h.Issuer + "/login/second-factor", Request: f.request.ID, EnrolURL: h.flows.enrolURL(f, user),
	}
	switch {
	case h.needsPasskey(f, user):
		page.EnrolURL = h.flows.passkeyCreateURL(f)
	case f.mustEnrol(user):
		page.Demanded = true
		if h.RelyingParty != nil {
			page.PasskeyURL = h.flows.passkeyCreateURL(f)
		}
	}
	if user.inFlow {
		var err error
		if page.Deadline, err = h.factors.graceOf(r.Context(), user.subject); err != nil {
			h.flows.fail(w, r, err)
			return
		}
	}
	h.Pages.Show(w, f.localize(r), http.StatusOK, page)
}

// Submit serves POST /login/second-factor: the fields request, code or recovery_code, and
// trust_device; or a decision to cancel.
//
// Spec: RFC 6238 §5.2, RFC 8176 §2 (otp, mfa).
func (h *SecondFactor) Submit(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.PostForm.Get("request"))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	user, ok := h.proven(f)
	if !ok {
		h.flows.resume(w, f.request.ID)
		return
	}
	if r.PostForm.Get("decision") == "cancel" {
		h.flows.end(w, r, f, h.decline(w, r, f, user))
		return
	}
	err = h.verify(w, r, f, user)
	if rejected := (*rejection)(nil); errors.As(err, &rejected) {
		noteSecondFactor(r, f, rejected)
		h.passwords.limits.recordFailedSignIn(r, rejected)
		method := methodCode
		if r.PostForm.Has("recovery_code") {
			method = methodRecoveryCode
		}
		h.show(w, r, f, rejected.status, method, rejected)
		return
	}
	h.flows.end(w, r, f, err)
}

// mustEnrol reports whether the state of the account requires that the user of the session adds a
// second factor or a passkey.
func (f *flow) mustEnrol(user proven) bool {
	return !user.inFlow && f.session.AccountState == account.MustEnrol
}

// decline continues without a further factor. After a password for the request, that is
// possible while the user has time to enrol; otherwise the request is cancelled, since there is
// no session to continue in.
func (h *SecondFactor) decline(w http.ResponseWriter, r *http.Request, f *flow, user proven) error {
	ctx := r.Context()
	if user.inFlow {
		return h.declineInFlow(w, r, f, user)
	}
	if f.mustEnrol(user) {
		has, err := h.factors.has(ctx, user.subject)
		if err != nil {
			return err
		}
		if !has {
			return h.flows.cancel(ctx, f)
		}
	}
	err := h.SignIns.RecordFactorDeclined(ctx, f.request.ID, user.subject, h.Now())
	if errors.Is(err, authrequest.ErrNotFound) {
		return h.flows.expired("expired before the further factor was declined", f.client)
	}
	if err != nil {
		return fmt.Errorf("record declined factor: %w", err)
	}
	return nil
}

func (h *SecondFactor) declineInFlow(w http.ResponseWriter, r *http.Request, f *flow, user proven) error {
	ctx := r.Context()
	has, err := h.factors.has(ctx, user.subject)
	if err != nil {
		return err
	}
	if has {
		return h.flows.cancel(ctx, f)
	}
	grace, err := h.factors.graceOf(ctx, user.subject)
	if err != nil {
		return err
	}
	if grace == 0 {
		return h.flows.cancel(ctx, f)
	}
	a, err := h.account(ctx, user.subject)
	if err != nil {
		return err
	}
	result, err := h.authentication(r, a, user)
	result.SecondFactorWaived = true
	if err != nil {
		return err
	}
	return h.flows.signIn(w, r, f, result)
}

// verify checks the submitted code, and signs the user in with both factors.
func (h *SecondFactor) verify(w http.ResponseWriter, r *http.Request, f *flow, user proven) error {
	ctx, now := r.Context(), h.Now()
	a, err := h.account(ctx, user.subject)
	if err != nil {
		return err
	}
	if code := r.PostForm.Get("recovery_code"); code != "" {
		_, err = h.SecondFactors.VerifyRecoveryCode(ctx, user.subject, code, now)
	} else {
		err = h.SecondFactors.VerifyTOTP(ctx, user.subject, r.PostForm.Get("code"), now)
	}
	if err != nil {
		return wrongSecondFactor(err, user.subject)
	}
	return h.signIn(w, r, f, a, user, "otp", "mfa")
}

// account returns the account of a user who has proven a first factor.
func (h *SecondFactor) account(ctx context.Context, subject string) (*account.Account, error) {
	a, err := h.Accounts.Account(ctx, subject)
	if errors.Is(err, account.ErrNotFound) || err == nil && !a.DisabledAt.IsZero() {
		return nil, wrongPassword(refusal.SignInDisabled, "the account was deleted or disabled during the sign-in", subject)
	}
	if err != nil {
		return nil, fmt.Errorf("read account: %w", err)
	}
	return a, nil
}

// signIn begins or raises the session of a user who has proven a second factor now, with the
// methods added. It trusts the device if the form says so.
func (h *SecondFactor) signIn(w http.ResponseWriter, r *http.Request, f *flow, a *account.Account, user proven, added ...string) error {
	if user.inFlow && r.PostForm.Get("trust_device") == "on" {
		if err := h.TrustedDevices.Trust(w, r, a, h.Now()); err != nil {
			return fmt.Errorf("trust device: %w", err)
		}
	}
	result, err := h.authentication(r, a, user)
	if err != nil {
		return err
	}
	result.ACR, result.AMR = session.LevelTwoFactors, withMethods(user.amr, added)
	return h.flows.signIn(w, r, f, result)
}

// authentication returns the result of the first factor, proven now.
func (h *SecondFactor) authentication(r *http.Request, a *account.Account, user proven) (session.Authentication, error) {
	at, err := h.passwords.limits.attemptAt(r, a.Username)
	if err != nil {
		return session.Authentication{}, err
	}
	result := h.passwords.authentication(r, a, at.known)
	result.AMR, result.Remember = user.amr, user.remember
	return result, nil
}

// withMethods returns the methods of a sign-in after another factor.
//
// Spec: RFC 8176 §2.
func withMethods(first, added []string) []string {
	amr := slices.DeleteFunc(slices.Clone(first), func(method string) bool { return slices.Contains(added, method) })
	return append(amr, added...)
}

// wrongSecondFactor returns the rejection of a code. Users read the same for a wrong code and for a
// used one.
func wrongSecondFactor(err error, subject string) error {
	if throttled := (*secondfactor.TooManyAttemptsError)(nil); errors.As(err, &throttled) {
		return &rejection{
			status: http.StatusTooManyRequests, message: messages.New("retry.too-many-attempts"), wait: throttled.RetryAfter,
			rule: refusal.SignInThrottled, why: "too many wrong codes for this account", subject: subject,
		}
	}
	for _, wrong := range []error{secondfactor.ErrWrong, secondfactor.ErrReplayed, secondfactor.ErrNotEnrolled} {
		if errors.Is(err, wrong) {
			return &rejection{
				status: http.StatusForbidden, message: messages.New("second-factor.wrong"),
				rule: refusal.SignInSecondFactor, why: wrong.Error(), subject: subject,
			}
		}
	}
	return fmt.Errorf("verify second factor: %w", err)
}

// noteSecondFactor records a rejected second factor.
func noteSecondFactor(r *http.Request, f *flow, rejected *rejection) {
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "second factor refused", Status: rejected.status, Code: "access_denied", Rule: rejected.rule, Text: rejected.why,
		ClientID: f.client.ID, Attrs: []refusal.Attr{refusal.Registered("subject", rejected.subject)},
	})
}
