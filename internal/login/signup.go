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
)

// SignUpPage serves GET /signup: request is the id of the authorization request.
//
// Spec: Initiating User Registration via OpenID Connect §4.1.
func (h *Handler) SignUpPage(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, r.Form.Get("request"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	page := h.signUpForm(v)
	if hint := v.hint(); account.CheckEmail(hint) == nil {
		page.Email = hint
	} else {
		page.Username = hint
	}
	h.Pages.SignUp(w, http.StatusOK, page)
}

// SignUp serves POST /signup: the fields request, username, name, email, password,
// repeat and remember, or a decision to cancel.
//
// Spec: Initiating User Registration via OpenID Connect §4.1.
func (h *Handler) SignUp(w http.ResponseWriter, r *http.Request) {
	v, err := h.visit(r, r.PostForm.Get("request"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if r.PostForm.Get("decision") == "cancel" {
		h.cancel(w, r, v)
		return
	}
	a, err := h.signUp(r)
	if err == nil {
		h.Log.LogAttrs(r.Context(), slog.LevelInfo, "signed up",
			slog.String("subject", a.Subject), slog.String("client_id", v.client.ID))
		err = h.admit(w, r, v, a, account.KnownSource{})
	}
	var choice *choiceError
	var no *denied
	switch {
	case errors.As(err, &choice):
		h.denySignUp(w, r, v, http.StatusBadRequest, pages.SignUp{Fault: choice.words, Field: choice.field})
	case errors.As(err, &no):
		h.denySignUp(w, r, v, no.status, pages.SignUp{Fault: no.words, RetryAfter: no.wait})
	case err != nil:
		h.fail(w, r, err)
	default:
		h.back(w, v)
	}
}

// signUp makes the account. That a user name is taken cannot be kept from who asks
// for it, so the asking is counted, and before a password is hashed.
func (h *Handler) signUp(r *http.Request) (*account.Account, error) {
	ctx, form := r.Context(), r.PostForm
	username, err := chosen(form.Get("username"), form.Get("password"), form.Get("repeat"))
	if err != nil {
		return nil, err
	}
	claims, err := profile(username, form)
	if err != nil {
		return nil, err
	}
	held, err := h.count(ctx, h.addressLimits(ctx), h.signUpLimits(ctx))
	if err != nil {
		return nil, err
	}
	if held.wait > 0 {
		return nil, &denied{
			status: http.StatusTooManyRequests, words: "Too many accounts were asked for from your network.",
			wait: held.wait, why: "too many sign-ups or failed sign-ins from this network",
		}
	}
	phc, err := h.Hasher.Hash(ctx, form.Get("password"))
	if err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	now := h.Now()
	a := &account.Account{
		Subject: account.NewSubject(), Username: username, PasswordHash: phc, Claims: claims, SelfRegistered: true,
		CreatedAt: now, UpdatedAt: now,
	}
	err = h.Accounts.InsertAccount(ctx, a)
	if errors.Is(err, account.ErrExists) {
		return nil, &choiceError{"username", "This user name is taken. Choose another one, or sign in instead if it is yours."}
	}
	if err != nil {
		return nil, fmt.Errorf("insert account: %w", err)
	}
	return a, nil
}

// signUpLimits bound the accounts that are asked for from one network, and so the
// usernames that its users learn to be taken.
func (h *Handler) signUpLimits(ctx context.Context) []limit {
	return h.networkLimits(ctx, "sign-up", 10, 4, time.Hour)
}

// maxName is how many characters a display name may have.
const maxName = 128

// profile returns what people say of themselves. Nobody has checked it, and the
// email address comes with that remark (OpenID Connect Core section 5.1).
func profile(username string, form url.Values) (map[string]any, error) {
	claims := map[string]any{"preferred_username": username}
	if utf8.RuneCountInString(form.Get("name")) > maxName {
		return nil, &choiceError{"name", fmt.Sprintf("Your name may have %d characters here.", maxName)}
	}
	if name := pages.Clean(form.Get("name"), maxName); name != "" {
		claims["name"] = name
	}
	if email := strings.TrimSpace(form.Get("email")); email != "" {
		if err := account.CheckEmail(email); err != nil {
			return nil, &choiceError{"email", "This is not an email address. Correct it, or leave it out."}
		}
		claims["email"], claims["email_verified"] = email, false
	}
	return claims, nil
}

// denySignUp shows the form again with what was wrong, which page says.
func (h *Handler) denySignUp(w http.ResponseWriter, r *http.Request, v *visit, status int, page pages.SignUp) {
	noteSignUp(r, v, status, page.Field)

	form := h.signUpForm(v)
	form.Username, form.Name, form.Email = r.PostForm.Get("username"), r.PostForm.Get("name"), r.PostForm.Get("email")
	form.Remember = remember(r)
	form.Fault, form.Field, form.RetryAfter = page.Fault, page.Field, page.RetryAfter
	h.Pages.SignUp(w, status, form)
}

func (h *Handler) signUpForm(v *visit) pages.SignUp {
	return pages.SignUp{
		Client: v.shownClient(), Action: h.Issuer + "/signup", Request: v.request.ID, MinLength: account.MinPassword,
		SignInURL: h.Issuer + "/login?request=" + url.QueryEscape(v.request.ID),
	}
}
