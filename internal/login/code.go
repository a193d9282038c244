package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
)

const codePath = "/login/code"

// CodeSignIn serves the pages on which users sign in with a code that is mailed to them. A code
// is a first factor, as a password is.
type CodeSignIn struct {
	*Config

	flows     *flows
	limits    *limiter
	passwords *passwords
	factors   *factors
	links     *links
}

// Page serves GET /login/code: request is the ID of the authorization request.
func (h *CodeSignIn) Page(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.Form.Get("request"))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	h.ask(w, r, f, http.StatusOK, f.loginHint(), messages.Message{})
}

// Submit serves POST /login/code: the fields request and email, to get a code; then step ("code"),
// code and remember as well, or resend to get another code.
//
// Spec: RFC 8176 §2 (otp).
func (h *CodeSignIn) Submit(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.PostForm.Get("request"))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	if r.PostForm.Get("step") != "code" || r.PostForm.Has("resend") {
		if err := h.send(w, r, f); err != nil {
			h.flows.fail(w, r, err)
		}
		return
	}
	err = h.verify(w, r, f)
	if rejected := (*rejection)(nil); errors.As(err, &rejected) {
		refusal.Note(r.Context(), refusal.Rejection{
			Message: "sign-in refused", Status: rejected.status, Code: "access_denied", Rule: rejected.rule, Text: rejected.why, ClientID: f.client.ID,
		})
		h.enter(w, r, f, rejected.status, rejected)
		return
	}
	h.flows.end(w, r, f, err)
}

// ask shows the form for the address.
func (h *CodeSignIn) ask(w http.ResponseWriter, r *http.Request, f *flow, status int, email string, fault messages.Message) {
	h.Pages.Show(w, f.localize(r), status, pages.SignInCode{
		Client: f.shownClient(), Action: h.Issuer + codePath, Request: f.request.ID, Email: email, Fault: fault,
		SignInURL: h.signInURL(f),
	})
}

// enter shows the form for the code, with the reason of a rejection.
func (h *CodeSignIn) enter(w http.ResponseWriter, r *http.Request, f *flow, status int, why *rejection) {
	page := pages.EnterSignInCode{
		Client: f.shownClient(), Action: h.Issuer + codePath, Request: f.request.ID, Email: r.PostForm.Get("email"),
		Lifetime: onetimelink.CodeLifetime, Remember: remember(r), SignInURL: h.signInURL(f),
	}
	if why != nil {
		page.Fault, page.RetryAfter = why.message, why.wait
	}
	h.Pages.Show(w, f.localize(r), status, page)
}

func (h *CodeSignIn) signInURL(f *flow) string {
	return h.Issuer + "/login?request=" + url.QueryEscape(f.request.ID)
}

// send puts a message with a code into the outbox. The response, its time and the stored row do
// not depend on whether an account has the address: the worker of the outbox looks for it.
func (h *CodeSignIn) send(w http.ResponseWriter, r *http.Request, f *flow) error {
	ctx, email := r.Context(), r.PostForm.Get("email")
	key, err := account.AddressKey(email)
	if err != nil {
		h.ask(w, r, f, http.StatusBadRequest, email, messages.New("sign-up.email-invalid"))
		return nil //nolint:nilerr // the page reports it
	}
	allowed, err := h.limits.allowMail(ctx, "sign-in", key)
	if err != nil {
		return err
	}
	if allowed {
		m := mail.New(mail.SignInCode, key, h.Now())
		m.Anonymous, m.Data = true, map[string]string{"request": f.request.ID}
		m.ExpiresAt = m.CreatedAt.Add(onetimelink.CodeLifetime)
		if !f.isForAccountConsole() {
			m.Data["client"] = pages.Clean(f.client.Name(), 64)
		}
		if err := h.Outbox.Enqueue(ctx, m); err != nil {
			return fmt.Errorf("enqueue mail: %w", err)
		}
	}
	h.enter(w, r, f, http.StatusOK, nil)
	return nil
}

// verify spends the code that was sent for the request, and signs its user in. A second factor
// may follow.
func (h *CodeSignIn) verify(w http.ResponseWriter, r *http.Request, f *flow) error {
	ctx := r.Context()
	if err := h.countTry(ctx, f); err != nil {
		return err
	}
	l, err := h.links.find(ctx, onetimelink.SignInHash(h.CodeKey, f.request.ID, r.PostForm.Get("code")), onetimelink.SignIn)
	if errors.As(err, new(*pageError)) {
		return wrongCode(err.Error())
	}
	if err != nil {
		return err
	}
	at, err := h.limits.attemptAt(r, l.account.Username)
	if err != nil {
		return err
	}
	err = h.Links.SpendLink(ctx, l.Link, h.Now())
	if errors.Is(err, onetimelink.ErrInvalid) {
		return wrongCode("the code was used at the same time")
	}
	if err != nil {
		return err
	}
	result := h.passwords.authentication(r, l.account, at.known)
	result.AMR = []string{"otp"}
	return h.factors.afterPassword(w, r, f, result)
}

// countTry counts an attempt at the codes of a request, before any is compared. It holds where
// rate limits are off, too: a code has few digits.
func (h *CodeSignIn) countTry(ctx context.Context, f *flow) error {
	now := h.Now()
	n, since, err := h.Attempts.CountAttempt(ctx, "sign-in code "+f.request.ID, onetimelink.CodeLifetime, now)
	if err != nil {
		return fmt.Errorf("count attempt: %w", err)
	}
	if n > onetimelink.CodeTries {
		return &rejection{
			status: http.StatusTooManyRequests, message: messages.New("retry.too-many-attempts"),
			wait: max(time.Second, since.Add(onetimelink.CodeLifetime).Sub(now)), rule: refusal.SignInThrottled, why: "too many wrong codes for this request",
		}
	}
	return nil
}

func wrongCode(why string) error {
	return &rejection{status: http.StatusForbidden, message: messages.New("sign-in-code.wrong"), rule: refusal.SignInCode, why: why}
}
