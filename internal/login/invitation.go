package login

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Invitation serves the page on which invited users create their account.
type Invitation struct {
	*Config

	flows     *flows
	passwords *passwords
	factors   *factors
	links     *links
}

const invitationPage = "invitation"

// Page serves GET /invitation. With token, it stores the token and redirects. With a stored
// token, it shows the form for the account.
func (h *Invitation) Page(w http.ResponseWriter, r *http.Request) {
	if h.links.take(w, r) {
		return
	}
	l, err := h.links.open(r, invitationPage, onetimelink.Invitation)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	local, _, _ := strings.Cut(l.Address, "@")
	if _, err := account.Username(local); err != nil {
		local = ""
	}
	h.Pages.Show(w, r, http.StatusOK, h.form(l, local, ""))
}

func (h *Invitation) form(l *linked, username, name string) pages.Invitation {
	return pages.Invitation{
		Action: h.Issuer + "/invitation", Email: l.Address, Username: username, Name: name, MinLength: passwordpolicy.MinLength(h.FactorPolicy.Everyone),
	}
}

// Submit serves POST /invitation: the fields username, name and password.
func (h *Invitation) Submit(w http.ResponseWriter, r *http.Request) {
	l, err := h.links.open(r, invitationPage, onetimelink.Invitation)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	a, err := h.create(r, l)
	invalid := (*fieldError)(nil)
	switch {
	case errors.As(err, &invalid):
		refusal.Note(r.Context(), refusal.Rejection{
			Message: "sign-up refused", Status: http.StatusBadRequest, Rule: refusal.SignUpInvalid, Text: "the form was not accepted",
			Attrs: []refusal.Attr{refusal.Registered("field", invalid.field)},
		})
		page := h.form(l, r.PostForm.Get("username"), r.PostForm.Get("name"))
		page.Fault, page.Field = invalid.message, invalid.field
		h.Pages.Show(w, r, http.StatusBadRequest, page)
		return
	case err != nil:
		h.fail(w, r, err)
		return
	}
	h.links.cookies.ClearLink(w, invitationPage)
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "invitation accepted", slog.String("subject", a.Subject))
	if err := h.links.signInNew(w, r, h.flows, h.factors, h.passwords, a, "", false); err != nil {
		h.fail(w, r, err)
	}
}

// create spends the link and creates the account. The invitation proves the address: it was sent
// there, or an administrator gave it to its owner.
func (h *Invitation) create(r *http.Request, l *linked) (*account.Account, error) {
	ctx, form, now := r.Context(), r.PostForm, h.Now()
	choice := passwordpolicy.Choice{
		Password: form.Get("password"), Names: []string{form.Get("username"), form.Get("name"), l.Address}, SecondFactor: h.FactorPolicy.Everyone,
	}
	username, err := checkCredentials(form.Get("username"), form.Get("password"), choice)
	if err != nil {
		return nil, err
	}
	if err := h.PasswordPolicy.Check(ctx, choice); err != nil {
		return nil, fmt.Errorf("check password: %w", passwordError(err))
	}
	if utf8.RuneCountInString(form.Get("name")) > maxName {
		return nil, &fieldError{"name", messages.New("sign-up.name-too-long", "n", maxName)}
	}
	claims := map[string]any{"preferred_username": username}
	if name := pages.Clean(form.Get("name"), maxName); name != "" {
		claims["name"] = name
	}
	phc, err := h.Hasher.Hash(ctx, form.Get("password"))
	if err != nil {
		return nil, fmt.Errorf("hash password: %w", err)
	}
	a := &account.Account{
		Subject: account.NewSubject(), Username: username, Claims: claims, Groups: l.Data.Groups, CreatedAt: now, UpdatedAt: now,
	}
	a.SetPassword(phc, now)
	if err := a.SetAddresses([]account.Address{{Address: l.Address, VerifiedAt: now, Primary: true}}); err != nil {
		return nil, fmt.Errorf("address of the invitation: %w", err)
	}
	err = h.Links.AcceptInvitation(ctx, l.Link, a, now)
	if errors.Is(err, account.ErrGroupNotFound) { // a group was deleted since
		a.Groups = nil
		h.Log.LogAttrs(ctx, slog.LevelWarn, "the groups of an invitation do not exist", slog.String("subject", a.Subject))
		err = h.Links.AcceptInvitation(ctx, l.Link, a, now)
	}
	if errors.Is(err, account.ErrExists) {
		return nil, &fieldError{"username", messages.New("username.taken")}
	}
	return a, err
}

// fail shows the error page, and forgets a link that is not valid.
func (h *Invitation) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, account.ErrAddressTaken) {
		err = linkInvalid("another account has verified the address")
	}
	h.links.fail(w, r, h.flows, invitationPage, "the invitation was used at the same time", err)
}
