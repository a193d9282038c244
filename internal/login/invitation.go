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
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Invitation serves the page on which invited users create their account.
type Invitation struct {
	*Config

	flows    *flows
	factors  *factors
	links    *links
	accounts *newAccounts
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
	h.show(w, r, l, local, "", nil)
}

// show shows the form, with the reason of a rejection.
func (h *Invitation) show(w http.ResponseWriter, r *http.Request, l *linked, username, name string, why *fieldError) {
	page := pages.Invitation{
		Action: h.Issuer + "/invitation", Email: l.Address, Username: username, Name: name, MinLength: passwordpolicy.MinLength(h.FactorPolicy.Everyone),
		Terms: h.Terms.page(r.PostForm),
	}
	status := http.StatusOK
	if why != nil {
		status, page.Fault, page.Field = http.StatusBadRequest, why.message, why.field
	}
	var err error
	if page.Passkey, err = h.accounts.passkeyPart(l.Hash); err != nil {
		h.fail(w, r, err)
		return
	}
	h.Pages.Show(w, r, status, page)
}

// Submit serves POST /invitation: the fields username, name and terms, and password, or state
// and credential (the response of the authenticator as JSON).
//
// Spec: Web Authentication Level 3 §7.1.
func (h *Invitation) Submit(w http.ResponseWriter, r *http.Request) {
	l, err := h.links.open(r, invitationPage, onetimelink.Invitation)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	a, p, err := h.create(r, l)
	invalid := (*fieldError)(nil)
	switch {
	case errors.As(err, &invalid):
		refusal.Note(r.Context(), refusal.Rejection{ // no effect after that of a passkey
			Message: "sign-up refused", Status: http.StatusBadRequest, Rule: refusal.SignUpInvalid, Text: "the form was not accepted",
			Attrs: []refusal.Attr{refusal.Registered("field", invalid.field)},
		})
		h.show(w, r, l, r.PostForm.Get("username"), r.PostForm.Get("name"), invalid)
		return
	case err != nil:
		h.fail(w, r, err)
		return
	}
	h.links.cookies.ClearLink(w, invitationPage)
	h.Log.LogAttrs(r.Context(), slog.LevelInfo, "invitation accepted", slog.String("subject", a.Subject))
	if err := h.links.signInNew(w, r, h.flows, h.factors, h.accounts.authentication(r, a, p), l.Data.Request); err != nil {
		h.fail(w, r, err)
	}
}

// create spends the link and creates the account. The invitation proves the address: it was sent
// there, or an administrator gave it to its owner. The passkey is nil for an account with a password.
func (h *Invitation) create(r *http.Request, l *linked) (*account.Account, *passkey.Passkey, error) {
	ctx, form, now := r.Context(), r.PostForm, h.Now()
	terms, err := h.Terms.accepted(form, now)
	if err != nil {
		return nil, nil, err
	}
	choice := passwordpolicy.Choice{
		Password: form.Get("password"), Names: []string{form.Get("username"), form.Get("name"), l.Address}, SecondFactor: h.FactorPolicy.Everyone,
	}
	if utf8.RuneCountInString(form.Get("name")) > maxName {
		return nil, nil, &fieldError{"name", messages.New("sign-up.name-too-long", "n", maxName)}
	}
	a := &account.Account{Subject: account.NewSubject(), Groups: l.Data.Groups, Terms: terms, CreatedAt: now, UpdatedAt: now}
	p, err := h.accounts.fill(r, a, l.Hash, choice, choice.Password)
	if err != nil {
		return nil, nil, err
	}
	a.Claims = map[string]any{"preferred_username": a.Username}
	if name := pages.Clean(form.Get("name"), maxName); name != "" {
		a.Claims["name"] = name
	}
	if err := a.SetAddresses([]account.Address{{Address: l.Address, VerifiedAt: now, Primary: true}}); err != nil {
		return nil, nil, fmt.Errorf("address of the invitation: %w", err)
	}
	err = h.Links.AcceptInvitation(ctx, l.Link, a, p, now)
	if errors.Is(err, account.ErrGroupNotFound) { // a group was deleted since
		a.Groups = nil
		h.Log.LogAttrs(ctx, slog.LevelWarn, "the groups of an invitation do not exist", slog.String("subject", a.Subject))
		err = h.Links.AcceptInvitation(ctx, l.Link, a, p, now)
	}
	if errors.Is(err, account.ErrExists) {
		return nil, nil, &fieldError{"username", messages.New("username.taken")}
	}
	if err != nil {
		return nil, nil, h.accounts.passkeyFault(r, err)
	}
	return a, p, nil
}

// fail shows the error page, and forgets a link that is not valid.
func (h *Invitation) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, account.ErrAddressTaken) {
		err = linkInvalid("another account has verified the address")
	}
	h.links.fail(w, r, h.flows, invitationPage, "the invitation was used at the same time", err)
}
