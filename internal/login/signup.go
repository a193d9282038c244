package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
)

// SignUp serves the page on which users create an account.
type SignUp struct {
	*Config

	flows     *flows
	limits    *limiter
	passwords *passwords
	factors   *factors
}

// Page serves GET /signup: request is the ID of the authorization request.
//
// Spec: Initiating User Registration via OpenID Connect §4.1.
func (h *SignUp) Page(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.Form.Get("request"))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	page := h.form(f)
	if page.Proof, err = h.proof(r.Context(), f.request.ID); err != nil {
		h.flows.fail(w, r, err)
		return
	}
	if hint := f.loginHint(); account.CheckEmail(hint) == nil {
		page.Email = hint
	} else {
		page.Username = hint
	}
	h.Pages.SignUp(w, f.localize(r), http.StatusOK, page)
}

// Submit serves POST /signup: the fields request, username, name, email, password,
// repeat, terms, proof and remember, or a decision to cancel.
//
// Spec: Initiating User Registration via OpenID Connect §4.1.
func (h *SignUp) Submit(w http.ResponseWriter, r *http.Request) {
	f, err := h.flows.open(r, r.PostForm.Get("request"))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	if r.PostForm.Get("decision") == "cancel" {
		h.flows.end(w, r, f, h.flows.cancel(r.Context(), f))
		return
	}
	if h.SignUpVerify {
		h.submitUnverified(w, r, f)
		return
	}
	a, err := h.createAccount(r, f)
	if err == nil {
		h.Log.LogAttrs(r.Context(), slog.LevelInfo, "signed up",
			slog.String("subject", a.Subject), slog.String("client_id", f.client.ID))
		err = h.factors.afterPassword(w, r, f, h.passwords.authentication(r, a, account.KnownSource{}))
	}
	h.finish(w, r, f, err)
}

// finish shows the form again if it was rejected, and ends the page otherwise.
func (h *SignUp) finish(w http.ResponseWriter, r *http.Request, f *flow, err error) {
	var invalid *fieldError
	var rejected *rejection
	switch {
	case errors.As(err, &invalid):
		h.reject(w, r, f, http.StatusBadRequest, pages.SignUp{Fault: invalid.message, Field: invalid.field})
	case errors.As(err, &rejected):
		h.reject(w, r, f, rejected.status, pages.SignUp{Fault: rejected.message, RetryAfter: rejected.wait})
	default:
		h.flows.end(w, r, f, err)
	}
}

// createAccount creates the account of a submitted form. The response reveals whether a
// username is taken, so that attempts are counted, before a password is hashed.
func (h *SignUp) createAccount(r *http.Request, f *flow) (*account.Account, error) {
	ctx := r.Context()
	username, claims, phc, err := h.read(r, f)
	if err != nil {
		return nil, err
	}
	now := h.Now()
	a := &account.Account{
		Subject: account.NewSubject(), Username: username, SelfRegistered: true, CreatedAt: now, UpdatedAt: now,
	}
	if err := a.SetClaims(claims, nil, now); err != nil {
		return nil, fmt.Errorf("set claims: %w", err)
	}
	if a.Terms, err = h.Terms.accepted(r.PostForm, now); err != nil {
		return nil, err
	}
	a.SetPassword(phc, now)
	err = h.Accounts.InsertAccount(ctx, a)
	if errors.Is(err, account.ErrExists) {
		return nil, &fieldError{"username", messages.New("username.taken-sign-in")}
	}
	if err != nil {
		return nil, fmt.Errorf("insert account: %w", err)
	}
	return a, nil
}

// choice is the password of a submitted form. The user has no second factor yet: a shorter
// password is allowed if the policy requires one of everybody.
func (h *SignUp) choice(f *flow, form url.Values) passwordpolicy.Choice {
	return passwordpolicy.Choice{
		Password: form.Get("password"), Names: []string{form.Get("username"), form.Get("name"), form.Get("email"), f.client.Name()},
		SecondFactor: h.FactorPolicy.Everyone,
	}
}

// checkPassword checks a password that a user chooses. The check computes as long as a hash,
// so that attempts are counted.
func (h *SignUp) checkPassword(ctx context.Context, c passwordpolicy.Choice) error {
	if err := h.count(ctx, nil, h.limits.networkLimits(ctx, "password choice", 30, 4, time.Minute)); err != nil {
		return err
	}
	if err := h.PasswordPolicy.Check(ctx, c); err != nil {
		return fmt.Errorf("check password: %w", passwordError(err))
	}
	return nil
}

// count counts a sign-up under limits. It returns a [*rejection] if one of them or of the
// networks' is reached.
func (h *SignUp) count(ctx context.Context, networks, limits []account.Limit) error {
	held, err := h.limits.count(ctx, networks, limits)
	if err != nil || held.wait == 0 {
		return err
	}
	return &rejection{
		status: http.StatusTooManyRequests, message: messages.New("sign-up.too-many"),
		wait: held.wait, why: "too many sign-ups or failed sign-ins from this network",
	}
}

// read checks a submitted form, counts it, and returns the canonical username, the claims and
// the hash of the password.
func (h *SignUp) read(r *http.Request, f *flow) (username string, claims map[string]any, phc string, err error) {
	ctx, form := r.Context(), r.PostForm
	choice := h.choice(f, form)
	if username, err = checkCredentials(form.Get("username"), form.Get("repeat"), choice); err != nil {
		return "", nil, "", err
	}
	if claims, err = profile(username, form); err != nil {
		return "", nil, "", err
	}
	if err := h.checkDomain(claims); err != nil {
		return "", nil, "", err
	}
	if _, err := h.Terms.accepted(form, h.Now()); err != nil {
		return "", nil, "", err
	}
	if err := h.checkPassword(ctx, choice); err != nil {
		return "", nil, "", err
	}
	limits, err := h.limitsOf(r, f)
	if err != nil {
		return "", nil, "", err
	}
	if err := h.count(ctx, h.limits.failureLimits(ctx), limits); err != nil {
		return "", nil, "", err
	}
	if err := h.countAll(ctx); err != nil {
		return "", nil, "", err
	}
	if phc, err = h.Hasher.Hash(ctx, form.Get("password")); err != nil {
		return "", nil, "", fmt.Errorf("hash password: %w", err)
	}
	return username, claims, phc, nil
}

// accountLimits bound the accounts that are created from one network, and so the usernames
// that its users learn to be taken.
func (h *SignUp) accountLimits(ctx context.Context) []account.Limit {
	return h.limits.networkLimits(ctx, "sign-up", 10, 4, time.Hour)
}

// maxName is the greatest number of characters of a display name.
const maxName = 128

// profile returns the claims of a submitted form. They are not verified, and the email
// address is marked so (OpenID Connect Core §5.1).
func profile(username string, form url.Values) (map[string]any, error) {
	claims := map[string]any{"preferred_username": username}
	if utf8.RuneCountInString(form.Get("name")) > maxName {
		return nil, &fieldError{"name", messages.New("sign-up.name-too-long", "n", maxName)}
	}
	if name := pages.Clean(form.Get("name"), maxName); name != "" {
		claims["name"] = name
	}
	if email := strings.TrimSpace(form.Get("email")); email != "" {
		if err := account.CheckEmail(email); err != nil {
			return nil, &fieldError{"email", messages.New("sign-up.email-invalid")}
		}
		claims["email"] = email
	}
	return claims, nil
}

// reject shows the form again with the Fault, Field and RetryAfter of page.
func (h *SignUp) reject(w http.ResponseWriter, r *http.Request, f *flow, status int, page pages.SignUp) {
	noteSignUp(r, f, status, page.Field)

	form := h.form(f)
	var err error
	if form.Proof, err = h.proof(r.Context(), f.request.ID); err != nil {
		h.flows.fail(w, r, err)
		return
	}
	form.Username, form.Name, form.Email = r.PostForm.Get("username"), r.PostForm.Get("name"), r.PostForm.Get("email")
	form.Remember, form.Terms = remember(r), h.Terms.page(r.PostForm)
	form.Fault, form.Field, form.RetryAfter = page.Fault, page.Field, page.RetryAfter
	h.Pages.SignUp(w, f.localize(r), status, form)
}

func (h *SignUp) form(f *flow) pages.SignUp {
	return pages.SignUp{
		Client: f.clientView(), Action: h.Issuer + "/signup", Request: f.request.ID, MinLength: passwordpolicy.MinLength(h.FactorPolicy.Everyone),
		Terms:         h.Terms.page(nil),
		EmailRequired: h.SignUpVerify || len(h.SignUpDomains) > 0,
		SignInURL:     h.Issuer + "/login?request=" + url.QueryEscape(f.request.ID),
	}
}
