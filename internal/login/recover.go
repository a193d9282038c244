package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
)

// Outbox sends messages to users.
type Outbox interface {
	Enqueue(ctx context.Context, list ...*mail.Message) error
	// Wake reports messages that were stored with other rows.
	Wake()
}

// Recover serves the pages on which users set a new password, after a one-time link that they
// got by mail or from an administrator.
type Recover struct {
	*Config

	flows     *flows
	limits    *limiter
	passwords *passwords
	factors   *factors
	links     *links
}

const recoverPage = "recover"

// Page serves GET /recover. With token, it stores the token and redirects. With a stored
// token, it shows the page of the link: way=recovery-code shows the form for a recovery
// code. Otherwise it asks for the address to send a link to; request is the ID of the
// authorization request that goes on afterwards.
func (h *Recover) Page(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.links.take(w, r):
	case h.links.cookies.Link(r, recoverPage) != "" && !r.Form.Has("request"):
		h.showLink(w, r, http.StatusOK, r.Form.Get("way") == "recovery-code", nil)
	case !h.HasMail:
		h.flows.fail(w, r, newPageError(http.StatusNotFound, pages.Error{Code: "not_found"}, "the server sends no mail"))
	default:
		h.ask(w, r, http.StatusOK, r.Form.Get("request"), "", messages.Message{})
	}
}

// Submit serves POST /recover: email to get a link; code or recovery_code, or password, after
// the link was opened.
func (h *Recover) Submit(w http.ResponseWriter, r *http.Request) {
	var err error
	switch {
	case r.PostForm.Has("email") && h.HasMail:
		err = h.send(w, r)
	case r.PostForm.Has("code"), r.PostForm.Has("recovery_code"):
		err = h.verify(w, r)
	case r.PostForm.Has("password"):
		err = h.save(w, r)
	default:
		err = malformed("no field of the form was sent")
	}
	if err != nil {
		h.fail(w, r, err)
	}
}

// fail shows the error page, and forgets a link that is not valid.
func (h *Recover) fail(w http.ResponseWriter, r *http.Request, err error) {
	h.links.fail(w, r, h.flows, recoverPage, "the link was used, or its account has changed, at the same time", err)
}

// ask shows the form for the address.
func (h *Recover) ask(w http.ResponseWriter, r *http.Request, status int, request, email string, fault messages.Message) {
	h.Pages.Show(w, r, status, pages.Recover{
		Action: h.Issuer + "/recover", Request: request, Email: email, Fault: fault, SignInURL: h.signInURL(request),
	})
}

// signInURL returns the sign-in page of an authorization request, "" for none.
func (h *Recover) signInURL(request string) string {
	if request == "" {
		return ""
	}
	return h.Issuer + "/login?request=" + url.QueryEscape(request)
}

// send puts a message with a link into the outbox. The response, its time and the stored row
// do not depend on whether an account has the address: the worker of the outbox looks for it.
func (h *Recover) send(w http.ResponseWriter, r *http.Request) error {
	ctx, request, email := r.Context(), r.PostForm.Get("request"), r.PostForm.Get("email")
	key, err := account.AddressKey(email)
	if err != nil {
		h.ask(w, r, http.StatusBadRequest, request, email, messages.New("sign-up.email-invalid"))
		return nil //nolint:nilerr // the page reports it
	}
	allowed, err := h.limits.allowMail(ctx, "recover", key)
	if err != nil {
		return err
	}
	if allowed {
		m := mail.New(mail.Recover, key, h.Now())
		m.Anonymous, m.Data = true, map[string]string{"request": request}
		if f, err := h.links.flow(r, h.flows, request); err == nil && f != nil && !f.isForAccountConsole() {
			m.Data["client"] = pages.Clean(f.client.Name(), 64)
		}
		if err := h.Outbox.Enqueue(ctx, m); err != nil {
			return fmt.Errorf("enqueue mail: %w", err)
		}
	}
	h.Pages.Show(w, r, http.StatusOK, pages.RecoverSent{Email: email, Lifetime: onetimelink.RecoverLifetime, SignInURL: h.signInURL(request)})
	return nil
}

// showLink shows the page of an opened link: first that for a second factor, if the account
// has one, then that for the password. why is the reason of a rejection.
func (h *Recover) showLink(w http.ResponseWriter, r *http.Request, status int, byRecoveryCode bool, why *rejection) {
	l, err := h.links.open(r, recoverPage, onetimelink.Recover)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	missing, factors, err := h.missesFactor(r.Context(), l)
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	if !missing {
		page := pages.RecoverPassword{Action: h.Issuer + "/recover", Username: l.account.Name(), ResetsFactors: l.Data.ResetFactors}
		page.MinLength = passwordpolicy.MinLength(h.choice(l.account, "").SecondFactor)
		if why != nil {
			page.Fault = why.message
		}
		h.Pages.Show(w, r, status, page)
		return
	}
	page := pages.RecoverFactor{Action: h.Issuer + "/recover", ByRecoveryCode: byRecoveryCode}
	switch {
	case byRecoveryCode:
		page.OtherURL = page.Action
	case factors.RecoveryCodes.Left > 0:
		page.OtherURL = page.Action + "?way=recovery-code"
	}
	if why != nil {
		page.Fault, page.RetryAfter = why.message, why.wait
	}
	h.Pages.Show(w, r, status, page)
}

// missesFactor reports whether the account of a link has a second factor that was neither
// proven with it nor waived by an administrator.
func (h *Recover) missesFactor(ctx context.Context, l *linked) (bool, secondfactor.FactorSet, error) {
	factors, err := h.SecondFactors.Enrolled(ctx, l.Subject)
	if err != nil {
		return false, factors, fmt.Errorf("read second factors: %w", err)
	}
	return factors.Enrolled() && l.ProvenAt.IsZero() && !l.Data.Waived, factors, nil
}

// verify checks the code of a second factor, and records on the link that it was right.
func (h *Recover) verify(w http.ResponseWriter, r *http.Request) error {
	ctx, now := r.Context(), h.Now()
	l, err := h.links.open(r, recoverPage, onetimelink.Recover)
	if err != nil {
		return err
	}
	byRecoveryCode := r.PostForm.Has("recovery_code")
	if byRecoveryCode {
		_, err = h.SecondFactors.VerifyRecoveryCode(ctx, l.Subject, r.PostForm.Get("recovery_code"), now)
	} else {
		err = h.SecondFactors.VerifyTOTP(ctx, l.Subject, r.PostForm.Get("code"), now)
	}
	if err != nil {
		rejected := (*rejection)(nil)
		if err = wrongSecondFactor(err, l.Subject); errors.As(err, &rejected) {
			noteRecovery(r, rejected)
			h.showLink(w, r, rejected.status, byRecoveryCode, rejected)
			return nil
		}
		return err
	}
	if err := h.Links.ProveLink(ctx, l.Hash, now); err != nil {
		return err
	}
	httpapi.SeeOther(w, h.Issuer+"/recover")
	return nil
}

// save sets the password, signs the user in at the level that was reached, and continues the
// authorization request in which the user asked for the link.
func (h *Recover) save(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	l, err := h.links.open(r, recoverPage, onetimelink.Recover)
	if err != nil {
		return err
	}
	missing, factors, err := h.missesFactor(ctx, l)
	if err != nil {
		return err
	}
	if missing {
		httpapi.SeeOther(w, h.Issuer+"/recover")
		return nil
	}
	choice := h.choice(l.account, r.PostForm.Get("password"))
	invalid := (*fieldError)(nil)
	if err := h.checkPassword(ctx, choice); errors.As(err, &invalid) {
		h.showLink(w, r, http.StatusBadRequest, false, &rejection{message: invalid.message})
		return nil
	} else if err != nil {
		return err
	}
	phc, err := h.Hasher.Hash(ctx, choice.Password)
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	now, a := h.Now(), l.account
	var told []*mail.Message
	if h.HasMail {
		told = mail.Notices(mail.RecoveryUsed, a, map[string]string{"username": a.Name()}, now)
	}
	if err := h.Links.RecoverPassword(ctx, l.Link, a, phc, told, now); err != nil {
		return err
	}
	if l.Data.ResetFactors {
		factors = secondfactor.FactorSet{}
	}
	h.links.cookies.ClearLink(w, recoverPage)
	h.Log.LogAttrs(ctx, slog.LevelInfo, "password recovered", slog.String("subject", a.Subject))
	a.SessionsValidAfter = now
	return h.signIn(w, r, l, factors)
}

// signIn signs in the user of a spent link. A user whose second factor is still to be proven, and
// whose request does not go on, signs in with the new password instead.
//
// Spec: RFC 8176 §2 (otp: the link is a one-time secret).
func (h *Recover) signIn(w http.ResponseWriter, r *http.Request, l *linked, enrolled secondfactor.FactorSet) error {
	has, err := h.factors.has(r.Context(), l.Subject)
	if err != nil {
		return err
	}
	result := h.passwords.authentication(r, l.account, account.KnownSource{})
	result.Time, result.AMR = l.account.SessionsValidAfter, []string{"otp"}
	switch {
	case !l.ProvenAt.IsZero():
		result.ACR, result.AMR = session.LevelTwoFactors, []string{"pwd", "otp", "mfa"}
	case has && l.Data.Waived:
		result.SecondFactorWaived = true // by the administrator
	}
	f, err := h.links.flow(r, h.flows, l.Data.Request)
	switch {
	case err != nil:
		return err
	case f != nil && (!l.ProvenAt.IsZero() || result.SecondFactorWaived):
		h.flows.end(w, r, f, h.flows.signIn(w, r, f, result))
		return nil
	case f != nil:
		h.flows.end(w, r, f, h.factors.afterPassword(w, r, f, result))
		return nil
	}
	demanded, err := h.factors.demands(r.Context(), l.account, client.NewAccountConsole(h.Issuer), enrolled)
	if err != nil {
		return err
	}
	if demanded && l.ProvenAt.IsZero() && !result.SecondFactorWaived {
		httpapi.SeeOther(w, cmp.Or(h.AccountURL, h.Issuer+"/"))
		return nil
	}
	if err := h.links.signIn(w, r, result); err != nil {
		return err
	}
	h.Pages.Show(w, r, http.StatusOK, pages.RecoverDone{Username: l.account.Name(), ContinueURL: cmp.Or(h.AccountURL, h.Issuer+"/")})
	return nil
}

// AllowMail counts a message to an address that a user has entered, and reports
// whether it may be sent.
func (s *Service) AllowMail(ctx context.Context, kind mail.Kind, address string) (bool, error) {
	return s.Recover.limits.allowMail(ctx, string(kind), address)
}

// allowMail reports whether a message to an address that anyone can enter may be sent: three
// in an hour and ten in a day to an address, twenty in an hour from a network.
func (l *limiter) allowMail(ctx context.Context, kind, address string) (bool, error) {
	limits := account.MailLimits(kind, address)
	if network := mailNetwork(l.Address(ctx)); network.IsValid() {
		limits = append([]account.Limit{{Key: "mail network " + network.String(), MaxAttempts: 20, Window: time.Hour}}, limits...)
	}
	held, err := l.countIgnoringNetwork(ctx, limits)
	return held.wait == 0, err
}

// mailNetwork returns the network whose messages are counted: /24 for IPv4, /64 for IPv6.
func mailNetwork(address netip.Addr) netip.Prefix {
	bits := 64
	if address.Is4() {
		bits = 24
	}
	network, _ := address.Prefix(bits) // the zero prefix without an address
	return network
}

// noteRecovery records a rejected second factor of a recovery.
func noteRecovery(r *http.Request, rejected *rejection) {
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "recovery refused", Status: rejected.status, Code: "access_denied", Rule: rejected.rule, Text: rejected.why,
		Attrs: []refusal.Attr{refusal.Registered("subject", rejected.subject)},
	})
}
