package login

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// Setup serves the page on which the first administrator creates an account.
type Setup struct {
	*Config

	flows    *flows
	accounts *newAccounts
}

// Page serves GET /setup: token is the secret of the one-time link.
func (h *Setup) Page(w http.ResponseWriter, r *http.Request) {
	token := r.Form.Get("token")
	if err := h.checkLink(r.Context(), hashLink(token)); err != nil {
		h.flows.fail(w, r, err)
		return
	}
	h.show(w, r, http.StatusOK, token, "", messages.Message{})
}

// show shows the form, with the reason of a rejection.
func (h *Setup) show(w http.ResponseWriter, r *http.Request, status int, token, username string, fault messages.Message) {
	part, err := h.accounts.passkeyPart(hashLink(token))
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	h.Pages.Show(w, r, status, pages.Setup{
		Action: h.Issuer + "/setup", Token: token, Username: username, Passkey: part,
		MinLength: passwordpolicy.MinLength(h.needsSecondFactor()), Fault: fault,
	})
}

// Submit serves POST /setup: the fields token and username, and password and repeat, or state and
// credential (the response of the authenticator as JSON).
//
// Spec: Web Authentication Level 3 §7.1.
func (h *Setup) Submit(w http.ResponseWriter, r *http.Request) {
	first, p, err := h.createAdministrator(r)
	var invalid *fieldError
	switch {
	case errors.As(err, &invalid):
		h.show(w, r, http.StatusBadRequest, r.PostForm.Get("token"), r.PostForm.Get("username"), invalid.message)
	case err != nil:
		h.flows.fail(w, r, err)
	default:
		h.Log.LogAttrs(r.Context(), slog.LevelInfo, "first administrator made", slog.String("subject", first.Subject))
		h.finish(w, r, h.accounts.authentication(r, first, p))
	}
}

// finish signs the first administrator in to the administrators' console, which asks for a second
// factor after a password, or else to the account console. It shows a page if there is neither.
func (h *Setup) finish(w http.ResponseWriter, r *http.Request, result session.Authentication) {
	next := cmp.Or(h.ConsoleURL, h.AccountURL)
	if next == "" {
		h.Pages.Show(w, r, http.StatusOK, pages.SetupDone{
			Username: result.Account.Username,
			Next:     []pages.Link{{URL: h.Issuer + "/", Text: messages.New("setup.done.home")}},
		})
		return
	}
	current, _, err := session.Current(r.Context(), h.Sessions, h.Cookies.Session(r), "", h.Now())
	if err == nil {
		_, err = h.SessionManager.Begin(w, r, current, result)
	}
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	httpapi.SeeOther(w, next)
}

// createAdministrator creates the first administrator. The link is checked before the
// password is hashed, so that requests without a link cause no hashing, and redeemed in
// the transaction that adds the account. The passkey is nil for an account with a password.
func (h *Setup) createAdministrator(r *http.Request) (*account.Account, *passkey.Passkey, error) {
	ctx, hash, now := r.Context(), hashLink(r.PostForm.Get("token")), h.Now()
	if err := h.checkLink(ctx, hash); err != nil {
		return nil, nil, err
	}
	choice := passwordpolicy.Choice{
		Password: r.PostForm.Get("password"), Names: []string{r.PostForm.Get("username")}, SecondFactor: h.needsSecondFactor(),
	}
	first := &account.Account{Subject: account.NewSubject(), AdminRole: account.Owner, CreatedAt: now, UpdatedAt: now}
	p, err := h.accounts.fill(r, first, hash, choice, r.PostForm.Get("repeat"))
	if err != nil {
		return nil, nil, err
	}
	first.Claims = map[string]any{"preferred_username": first.Username}
	address := ""
	if from := h.Address(ctx); from.IsValid() {
		address = from.String()
	}
	err = h.SetupLinks.RedeemSetupLink(ctx, hash, first, p, address, now)
	switch {
	case errors.Is(err, account.ErrSetupLink):
		return nil, nil, invalidLink()
	case errors.Is(err, account.ErrExists):
		return nil, nil, &fieldError{"username", messages.New("username.taken")}
	case err != nil:
		return nil, nil, fmt.Errorf("redeem setup link: %w", h.accounts.passkeyFault(r, err))
	}
	return first, p, nil
}

// needsSecondFactor reports whether the policy requires a second factor of administrators.
func (h *Setup) needsSecondFactor() bool {
	return h.FactorPolicy.Everyone || h.FactorPolicy.Administrators
}

// checkLink returns an error unless the link is valid. It scans all accounts only for a valid
// link, since every user can call the page.
func (h *Setup) checkLink(ctx context.Context, hash []byte) error {
	err := h.SetupLinks.SetupLink(ctx, hash, h.Now())
	if errors.Is(err, account.ErrSetupLink) {
		return invalidLink()
	}
	if err != nil {
		return fmt.Errorf("read setup link: %w", err)
	}
	exists, err := h.Accounts.HasAdministrator(ctx)
	if err != nil {
		return fmt.Errorf("look for an administrator: %w", err)
	}
	if exists {
		return invalidLink()
	}
	return nil
}

func invalidLink() error {
	e := newPageError(http.StatusGone, pages.Error{
		Code:   "setup_link",
		Title:  messages.New("error.setup-link.title"),
		Text:   messages.New("error.setup-link.text"),
		Advice: messages.New("error.setup-link.advice"),
	}, "the link is unknown, expired or used")
	e.response.Rule = refusal.SetupLinkInvalid
	return e
}

// hashLink returns the hash under which the store has a link.
func hashLink(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
