package login

import (
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
	"github.com/ostiary/ostiary/internal/passwordpolicy"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// Setup serves the page on which the first administrator creates an account.
type Setup struct {
	*Config

	flows     *flows
	passwords *passwords
}

// Page serves GET /setup: token is the secret of the one-time link.
func (h *Setup) Page(w http.ResponseWriter, r *http.Request) {
	token := r.Form.Get("token")
	if err := h.checkLink(r.Context(), hashLink(token)); err != nil {
		h.flows.fail(w, r, err)
		return
	}
	h.Pages.Show(w, r, http.StatusOK, h.form(token, "", messages.Message{}))
}

// Submit serves POST /setup: the fields token, username, password and repeat.
func (h *Setup) Submit(w http.ResponseWriter, r *http.Request) {
	first, err := h.createAdministrator(r)
	var invalid *fieldError
	switch {
	case errors.As(err, &invalid):
		h.Pages.Show(w, r, http.StatusBadRequest,
			h.form(r.PostForm.Get("token"), r.PostForm.Get("username"), invalid.message))
	case err != nil:
		h.flows.fail(w, r, err)
	default:
		h.Log.LogAttrs(r.Context(), slog.LevelInfo, "first administrator made", slog.String("subject", first.Subject))
		h.finish(w, r, first)
	}
}

// finish signs the first administrator in to the account console, or shows a page if there is no
// account console.
func (h *Setup) finish(w http.ResponseWriter, r *http.Request, first *account.Account) {
	if h.AccountURL == "" {
		h.Pages.Show(w, r, http.StatusOK, pages.SetupDone{
			Username: first.Username,
			Next:     []pages.Link{{URL: h.Issuer + "/", Text: messages.New("setup.done.home")}},
		})
		return
	}
	current, _, err := session.Current(r.Context(), h.Sessions, h.Cookies.Session(r), "", h.Now())
	if err == nil {
		_, err = h.SessionManager.Begin(w, r, current, h.passwords.authentication(r, first, account.KnownSource{}))
	}
	if err != nil {
		h.flows.fail(w, r, err)
		return
	}
	httpapi.SeeOther(w, h.AccountURL)
}

// createAdministrator creates the first administrator. The link is checked before the
// password is hashed, so that requests without a link cause no hashing, and redeemed in
// the transaction that adds the account.
func (h *Setup) createAdministrator(r *http.Request) (*account.Account, error) {
	ctx, hash := r.Context(), hashLink(r.PostForm.Get("token"))
	if err := h.checkLink(ctx, hash); err != nil {
		return nil, err
	}
	choice := passwordpolicy.Choice{
		Password: r.PostForm.Get("password"), Names: []string{r.PostForm.Get("username")}, SecondFactor: h.needsSecondFactor(),
	}
	username, err := checkCredentials(r.PostForm.Get("username"), r.PostForm.Get("repeat"), choice)
	if err != nil {
		return nil, err
	}
	if err := h.PasswordPolicy.Check(ctx, choice); err != nil {
		return nil, fmt.Errorf("check password: %w", passwordError(err))
	}
	phc, err := h.Hasher.Hash(ctx, r.PostForm.Get("password"))
	if err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	now := h.Now()
	first := &account.Account{
		Subject: account.NewSubject(), Username: username, AdminRole: account.Owner,
		Claims: map[string]any{"preferred_username": username}, CreatedAt: now, UpdatedAt: now,
	}
	first.SetPassword(phc, now)
	err = h.SetupLinks.RedeemSetupLink(ctx, hash, first, now)
	switch {
	case errors.Is(err, account.ErrSetupLink):
		return nil, invalidLink()
	case errors.Is(err, account.ErrExists):
		return nil, &fieldError{"username", messages.New("username.taken")}
	case err != nil:
		return nil, fmt.Errorf("redeem setup link: %w", err)
	}
	return first, nil
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

func (h *Setup) form(token, username string, fault messages.Message) pages.Setup {
	return pages.Setup{
		Action: h.Issuer + "/setup", Token: token, Username: username,
		MinLength: passwordpolicy.MinLength(h.needsSecondFactor()), Fault: fault,
	}
}

// hashLink returns the hash under which the store has a link.
func hashLink(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
