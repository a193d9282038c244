package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/signup"
)

// SignUps stores sign-ups until their address is confirmed. Unknown, expired and completed ones
// are signup.ErrNotFound.
type SignUps interface {
	InsertSignUp(ctx context.Context, s *signup.SignUp, messages ...*mail.Message) error
	SignUp(ctx context.Context, id string, now time.Time) (*signup.SignUp, error)
	SignUpOf(ctx context.Context, browser []byte, now time.Time) (*signup.SignUp, error)
	SetSignUpCode(ctx context.Context, id string, code []byte, until time.Time) error
	CheckSignUpCode(ctx context.Context, id string, code []byte, now time.Time) error
	CompleteSignUp(ctx context.Context, id string, a *account.Account, now time.Time) error
}

// Verify serves the pages on which users confirm an email address: that of an account, or
// that of a sign-up, which becomes an account.
type Verify struct {
	*Config

	flows     *flows
	passwords *passwords
	factors   *factors
	links     *links
}

const verifyPage = "verify"

// Page serves GET /verify. With token, it stores the token and redirects. With a stored
// token, it asks the user to confirm the address. In a browser that signed up, it asks for
// the code that another browser shows.
func (h *Verify) Page(w http.ResponseWriter, r *http.Request) {
	switch {
	case h.links.take(w, r):
	case h.links.cookies.Link(r, verifyPage) != "":
		h.showConfirm(w, r)
	default:
		h.showCode(w, r, http.StatusOK, messages.Message{})
	}
}

// Submit serves POST /verify: confirm for an opened link, or code in the browser that signed
// up; and username, if the chosen one is taken.
func (h *Verify) Submit(w http.ResponseWriter, r *http.Request) {
	var err error
	switch {
	case r.PostForm.Has("code"):
		err = h.enterCode(w, r)
	case r.PostForm.Has("confirm"):
		err = h.confirm(w, r)
	default:
		err = malformed("no field of the form was sent")
	}
	if err != nil {
		h.fail(w, r, err)
	}
}

// fail shows the error page, and forgets a link that is not valid.
func (h *Verify) fail(w http.ResponseWriter, r *http.Request, err error) {
	const unknown = "the link or the sign-up is unknown, expired or used"
	switch {
	case errors.Is(err, signup.ErrNotFound):
		err = linkInvalid(unknown)
	case errors.Is(err, account.ErrAddressTaken):
		err = linkInvalid("another account has verified the address")
	}
	h.links.fail(w, r, h.flows, verifyPage, unknown, err)
}

// open returns the opened link, and its sign-up if it is for one.
func (h *Verify) open(r *http.Request) (*linked, *signup.SignUp, error) {
	l, err := h.links.open(r, verifyPage, onetimelink.Verify)
	if err == nil || !errors.As(err, new(*pageError)) {
		return l, nil, err
	}
	if l, err = h.links.open(r, verifyPage, onetimelink.SignUp); err != nil {
		return nil, nil, err
	}
	pending, err := h.SignUps.SignUp(r.Context(), l.Subject, h.Now())
	return l, pending, err
}

// showConfirm shows the page of an opened link.
func (h *Verify) showConfirm(w http.ResponseWriter, r *http.Request) {
	l, pending, err := h.open(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	page := pages.VerifyAddress{Action: h.Issuer + "/verify", Email: l.Address}
	if pending != nil {
		page.Email = pending.Address
	}
	h.Pages.Show(w, r, http.StatusOK, page)
}

// showCode shows the page of the browser that signed up.
func (h *Verify) showCode(w http.ResponseWriter, r *http.Request, status int, fault messages.Message) {
	pending, err := h.signUpOf(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.Pages.Show(w, r, status, pages.VerifyCode{Action: h.Issuer + "/verify", Email: pending.Address, Fault: fault})
}

// signUpOf returns the sign-up of the browser.
func (h *Verify) signUpOf(r *http.Request) (*signup.SignUp, error) {
	browser := h.links.cookies.SignUp(r)
	if browser == nil {
		return nil, signup.ErrNotFound
	}
	return h.SignUps.SignUpOf(r.Context(), browser, h.Now())
}

// confirm confirms the address of an opened link. In another browser than the one that signed
// up, it shows the code to enter there: that browser may be of a user who was tricked into
// opening the link.
func (h *Verify) confirm(w http.ResponseWriter, r *http.Request) error {
	ctx, now := r.Context(), h.Now()
	l, pending, err := h.open(r)
	if err != nil {
		return err
	}
	if pending == nil {
		if err := h.Links.VerifyAddress(ctx, l.Link, now); err != nil {
			return err
		}
		h.links.cookies.ClearLink(w, verifyPage)
		h.Log.LogAttrs(ctx, slog.LevelInfo, "address verified", slog.String("subject", l.Subject))
		h.Pages.Show(w, r, http.StatusOK, pages.Verified{Email: l.Address, ContinueURL: cmp.Or(h.AccountURL, h.Issuer+"/")})
		return nil
	}
	if own, err := h.signUpOf(r); err == nil && own.ID == pending.ID {
		return h.complete(w, r, pending, "")
	} else if err != nil && !errors.Is(err, signup.ErrNotFound) {
		return err
	}
	code := onetimelink.NewCode()
	if err := h.SignUps.SetSignUpCode(ctx, pending.ID, onetimelink.HashCode(h.CodeKey, pending.ID, code), now.Add(onetimelink.CodeLifetime)); err != nil {
		return err
	}
	h.Pages.Show(w, r, http.StatusOK, pages.ShownCode{Code: code, Lifetime: onetimelink.CodeLifetime})
	return nil
}

// enterCode checks the code that another browser shows.
func (h *Verify) enterCode(w http.ResponseWriter, r *http.Request) error {
	pending, err := h.signUpOf(r)
	if err != nil {
		return err
	}
	code := r.PostForm.Get("code")
	err = h.SignUps.CheckSignUpCode(r.Context(), pending.ID, onetimelink.HashCode(h.CodeKey, pending.ID, code), h.Now())
	if errors.Is(err, signup.ErrWrongCode) {
		refusal.Note(r.Context(), refusal.Rejection{
			Message: "sign-up refused", Status: http.StatusForbidden, Code: "access_denied", Rule: refusal.SignUpInvalid, Text: err.Error(),
		})
		h.showCode(w, r, http.StatusForbidden, messages.New("verify.wrong-code"))
		return nil
	}
	if err != nil {
		return err
	}
	return h.complete(w, r, pending, code)
}

// complete creates the account of a sign-up whose address is confirmed, and signs the user in.
// Only now, when the user has proven to read the address, a taken username is told; the user
// chooses another one with the same confirmation.
func (h *Verify) complete(w http.ResponseWriter, r *http.Request, pending *signup.SignUp, code string) error {
	ctx, now := r.Context(), h.Now()
	again := pages.VerifyName{Action: h.Issuer + "/verify", Username: pending.Username, Code: code}
	if name := r.PostForm.Get("username"); name != "" {
		username, err := account.Username(name)
		if err != nil {
			again.Username, again.Fault = name, messages.New("username.invalid")
			h.Pages.Show(w, r, http.StatusBadRequest, again)
			return nil //nolint:nilerr // the page reports it
		}
		pending.Username = username
		pending.Claims["preferred_username"] = username
	}
	a, err := pending.Account(now)
	if err != nil {
		return fmt.Errorf("account of sign-up: %w", err)
	}
	err = h.SignUps.CompleteSignUp(ctx, pending.ID, a, now)
	if errors.Is(err, account.ErrExists) {
		again.Username, again.Fault = pending.Username, messages.New("username.taken")
		h.Pages.Show(w, r, http.StatusBadRequest, again)
		return nil
	}
	if err != nil {
		return err
	}
	h.links.cookies.ClearLink(w, verifyPage)
	h.links.cookies.ClearSignUp(w)
	h.Log.LogAttrs(ctx, slog.LevelInfo, "signed up", slog.String("subject", a.Subject))
	result := h.passwords.authentication(r, a, account.KnownSource{})
	result.Remember = pending.Remember
	return h.links.signInNew(w, r, h.flows, h.factors, result, pending.Request)
}
