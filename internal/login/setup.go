package login

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/refusal"
)

// SetupPage serves GET /setup: token is the secret of the one-time link.
func (h *Handler) SetupPage(w http.ResponseWriter, r *http.Request) {
	token := r.Form.Get("token")
	if err := h.checkLink(r.Context(), hashLink(token)); err != nil {
		h.fail(w, r, err)
		return
	}
	h.Pages.Setup(w, http.StatusOK, h.setupForm(token, "", ""))
}

// Setup serves POST /setup: the fields token, username, password and repeat.
func (h *Handler) Setup(w http.ResponseWriter, r *http.Request) {
	first, err := h.setUp(r)
	var choice *choiceError
	switch {
	case errors.As(err, &choice):
		h.Pages.Setup(w, http.StatusBadRequest,
			h.setupForm(r.PostForm.Get("token"), r.PostForm.Get("username"), choice.words))
	case err != nil:
		h.fail(w, r, err)
	default:
		h.Log.LogAttrs(r.Context(), slog.LevelInfo, "first administrator made", slog.String("subject", first.Subject))
		h.Pages.SetupDone(w, http.StatusOK, pages.SetupDone{
			Username: first.Username,
			Next:     []pages.Link{{URL: h.Issuer + "/", Text: "See what this server offers"}},
		})
	}
}

// setUp makes the first administrator. The link is looked at before the password
// is hashed, so that hashing is not to be had for nothing, and spent together
// with the account's making.
func (h *Handler) setUp(r *http.Request) (*account.Account, error) {
	ctx, hash := r.Context(), hashLink(r.PostForm.Get("token"))
	if err := h.checkLink(ctx, hash); err != nil {
		return nil, err
	}
	username, err := chosen(r.PostForm.Get("username"), r.PostForm.Get("password"), r.PostForm.Get("repeat"))
	if err != nil {
		return nil, err
	}
	phc, err := h.Hasher.Hash(ctx, r.PostForm.Get("password"))
	if err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	now := h.Now()
	first := &account.Account{
		Subject: account.NewSubject(), Username: username, PasswordHash: phc, Administrator: true,
		Claims: map[string]any{"preferred_username": username}, CreatedAt: now, UpdatedAt: now,
	}
	err = h.SetUp.SpendSetupLink(ctx, hash, first, now)
	switch {
	case errors.Is(err, account.ErrSetupLink):
		return nil, deadLink()
	case errors.Is(err, account.ErrExists):
		return nil, &choiceError{"username", "There is an account of this name already. Choose another one."}
	case err != nil:
		return nil, fmt.Errorf("spend set-up link: %w", err)
	}
	return first, nil
}

// checkLink reports whether the link still works. Anybody may ask, so that what goes
// through all accounts comes last.
func (h *Handler) checkLink(ctx context.Context, hash []byte) error {
	err := h.SetUp.SetupLink(ctx, hash, h.Now())
	if errors.Is(err, account.ErrSetupLink) {
		return deadLink()
	}
	if err != nil {
		return fmt.Errorf("read set-up link: %w", err)
	}
	made, err := h.SetUp.HasAdministrator(ctx)
	if err != nil {
		return fmt.Errorf("look for an administrator: %w", err)
	}
	if made {
		return deadLink()
	}
	return nil
}

func deadLink() error {
	return &fault{status: http.StatusGone, page: pages.Error{
		Code:   "setup_link",
		Title:  "This link no longer works",
		Text:   "A set-up link works once, for a short time, and only as long as there is no administrator.",
		Advice: "If nobody is administrator yet, start the server again: it prints a new link.",
	}, why: "link is unknown, too old or used", cause: refusal.SetupLinkInvalid}
}

// choiceError is what is wrong with what somebody chose, as a sentence or two.
type choiceError struct{ field, words string }

func (c *choiceError) Error() string { return c.words }

// chosen returns the canonical user name, if name and password may be chosen.
func chosen(username, password, repeat string) (string, error) {
	canonical, err := account.ChosenUsername(username)
	if err != nil {
		return "", &choiceError{"username", "A user name has 1 to 128 characters, no spaces, and nothing that cannot be seen."}
	}
	err = account.CheckPassword(password)
	switch {
	case err != nil && utf8.RuneCountInString(password) < account.MinPassword:
		return "", &choiceError{"password", fmt.Sprintf("The password is too short. It needs at least %d characters.", account.MinPassword)}
	case err != nil:
		return "", &choiceError{"password", fmt.Sprintf("The password is too long. It may have %d bytes.", account.MaxPassword)}
	case password != repeat:
		return "", &choiceError{"password", "The two passwords are not the same."}
	}
	return canonical, nil
}

func (h *Handler) setupForm(token, username, fault string) pages.Setup {
	return pages.Setup{
		Action: h.Issuer + "/setup", Token: token, Username: username,
		MinLength: account.MinPassword, Fault: fault,
	}
}

// hashLink returns what the store knows a link by.
func hashLink(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
