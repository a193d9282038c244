// Package passkeys serves the page of the account on which users see, add, name and remove
// their passkeys and security keys.
package passkeys

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/session"
)

// Path is the path of the page.
const Path = "/account/passkeys"

// maxLabel is the maximum length of the name of a passkey, in characters.
const maxLabel = 64

// Store keeps passkeys.
type Store interface {
	PasskeysOf(ctx context.Context, subject string) ([]*passkey.Passkey, error)
	// InsertPasskey returns passkey.ErrSpent, passkey.ErrExists, passkey.ErrTooMany or
	// session.ErrNotFound if the passkey was not added.
	InsertPasskey(ctx context.Context, r *passkey.Registration, now time.Time) error
	// RemoveCredential and RenamePasskey return credential.ErrNotFound for an unknown passkey.
	RemoveCredential(ctx context.Context, subject, id string, now time.Time) error
	RenamePasskey(ctx context.Context, subject, id, label string) error
	// RemovePasskeys removes those with the credential IDs.
	RemovePasskeys(ctx context.Context, subject string, ids [][]byte, now time.Time) error
}

// Page serves the page. Adding and removing a passkey requires a recent authentication at the
// highest level of the account.
type Page struct {
	Issuer       string // without a trailing slash: the prefix of every URL on the page
	Store        Store
	RelyingParty *passkey.RelyingParty
	// Session returns the session of the user. A sensitive page needs a recent authentication
	// at the highest level of the account. If there is no such session, it has sent the user to
	// sign in and returns false.
	Session func(w http.ResponseWriter, r *http.Request, sensitive bool) (*session.Session, bool)
	// TwoFactors returns the session of a user who has proven two factors a moment ago: a passkey, or
	// a first and a second one. If there is no such session, it does the same as Session.
	TwoFactors func(w http.ResponseWriter, r *http.Request) (*session.Session, bool)
	// EndOthers ends the other sessions of a user.
	EndOthers func(ctx context.Context, subject, keep string) (count int, err error)
	// Recent reports whether the session suffices for a sensitive page.
	Recent   func(ctx context.Context, s *session.Session) (bool, error)
	Accounts interface {
		Account(ctx context.Context, subject string) (*account.Account, error)
	}
	Pages interface {
		Show(w http.ResponseWriter, r *http.Request, status int, page pages.Page)
		Error(w http.ResponseWriter, r *http.Request, status int, v pages.Error)
	}
	Now func() time.Time
}

// Get serves GET /account/passkeys. With the parameter add the user authenticates again if
// that is necessary to add a passkey or a security key. With the parameter lost, users who have lost
// all passkeys remove them.
//
// Spec: Web Authentication Level 3 §5.4.
func (p *Page) Get(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has(lostParameter) {
		p.lost(w, r)
		return
	}
	if s, ok := p.Session(w, r, r.Form.Has("add")); ok {
		p.end(w, r, p.show(w, r, s, http.StatusOK, messages.Message{}))
	}
}

func (p *Page) show(w http.ResponseWriter, r *http.Request, s *session.Session, status int, fault messages.Message) error {
	ctx := r.Context()
	list, err := p.Store.PasskeysOf(ctx, s.Subject)
	if err != nil {
		return err
	}
	page := pages.Passkeys{
		Action: p.Issuer + Path, LostURL: p.Issuer + LostPath, Fault: fault,
		RPID: p.RelyingParty.ID, UserID: base64.RawURLEncoding.EncodeToString(p.RelyingParty.Handle(s.Subject)),
	}
	for _, each := range list {
		item := pages.PasskeyItem{
			Info: each.Info(), Synced: each.Key.BackupEligible, Copied: !each.CounterBackAt.IsZero(), SecurityKey: !each.StandsAlone(),
		}
		if each.RPID != p.RelyingParty.ID {
			item.Elsewhere = each.RPID
		}
		page.List = append(page.List, item)
	}
	recent, err := p.Recent(ctx, s)
	if err != nil {
		return err
	}
	if !recent {
		page.AddURL = page.Action + "?add=1"
		p.Pages.Show(w, r, status, page)
		return nil
	}
	user, err := p.user(ctx, s)
	if err != nil {
		return err
	}
	options, err := p.RelyingParty.BeginRegistration(user, list, s.Cookie, passkey.Prompted)
	if err != nil {
		return err
	}
	page.Options, page.State = string(options.JSON), options.State
	if options, err = p.RelyingParty.BeginSecurityKeyRegistration(user, list, s.Cookie); err != nil {
		return err
	}
	page.SecurityKey = &pages.NewSecurityKey{Options: string(options.JSON), State: options.State}
	p.Pages.Show(w, r, status, page)
	return nil
}

func (p *Page) user(ctx context.Context, s *session.Session) (passkey.User, error) {
	a, err := p.Accounts.Account(ctx, s.Subject)
	if err != nil {
		return passkey.User{}, err
	}
	name, _ := a.Claims["name"].(string)
	return passkey.User{Subject: a.Subject, Username: a.Username, Name: name}, nil
}

// Post serves POST /account/passkeys: the fields state and credential of a new passkey, or with the
// kind security-key of a security key; rename and label; or remove with the ID of a passkey and confirm.
// With the parameter lost it removes all passkeys: the fields confirm and end_others.
//
// Spec: Web Authentication Level 3 §7.1.
func (p *Page) Post(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has(lostParameter) {
		p.lost(w, r)
		return
	}
	form := r.PostForm
	s, ok := p.Session(w, r, form.Get("rename") == "")
	if !ok {
		return
	}
	switch {
	case form.Get("rename") != "":
		p.rename(w, r, s)
	case form.Get("remove") != "":
		p.remove(w, r, s, form.Get("remove"))
	default:
		p.add(w, r, s)
	}
}

func (p *Page) add(w http.ResponseWriter, r *http.Request, s *session.Session) {
	user, err := p.user(r.Context(), s)
	if err != nil {
		p.end(w, r, err)
		return
	}
	verify, notAdded := p.RelyingParty.VerifyRegistration, messages.New("passkeys.not-added")
	if r.PostForm.Get("kind") == "security-key" {
		verify, notAdded = p.RelyingParty.VerifySecurityKeyRegistration, messages.New("passkeys.key-not-added")
	}
	made, err := verify(r.PostForm.Get("state"), r.PostForm.Get("credential"), user, s.Cookie)
	if err == nil {
		err = p.Store.InsertPasskey(r.Context(), made, p.Now())
	}
	switch {
	case errors.Is(err, passkey.ErrTooMany):
		p.reject(w, r, s, err, messages.New("passkeys.too-many"))
	case errors.Is(err, passkey.ErrInvalid), errors.Is(err, passkey.ErrExpired), errors.Is(err, passkey.ErrSpent),
		errors.Is(err, passkey.ErrExists), errors.Is(err, session.ErrNotFound):
		p.reject(w, r, s, err, notAdded)
	default:
		p.done(w, r, err)
	}
}

// rename gives a passkey another name. An empty name is ignored.
func (p *Page) rename(w http.ResponseWriter, r *http.Request, s *session.Session) {
	label := pages.Clean(r.PostForm.Get("label"), maxLabel)
	if label == "" {
		p.done(w, r, nil)
		return
	}
	err := p.Store.RenamePasskey(r.Context(), s.Subject, r.PostForm.Get("rename"), label)
	if errors.Is(err, credential.ErrNotFound) {
		err = nil // removed in another tab
	}
	p.done(w, r, err)
}

// remove removes a passkey, after the user has confirmed it. It keeps the last way to sign in.
func (p *Page) remove(w http.ResponseWriter, r *http.Request, s *session.Session, id string) {
	list, err := p.Store.PasskeysOf(r.Context(), s.Subject)
	if err != nil {
		p.end(w, r, err)
		return
	}
	a, err := p.Accounts.Account(r.Context(), s.Subject)
	if err != nil {
		p.end(w, r, err)
		return
	}
	passkeys, _ := p.RelyingParty.SplitKeys(list)
	i := slices.IndexFunc(list, func(each *passkey.Passkey) bool { return each.Info().ID == id })
	switch {
	case i < 0: // removed in another tab
		p.done(w, r, nil)
	case a.PasswordHash() == "" && slices.Equal(passkeys, list[i:i+1]):
		p.reject(w, r, s, errors.New("the passkey is the only way to sign in"), messages.New("passkeys.last"))
	case r.PostForm.Get("confirm") == "":
		page := pages.ConfirmRemoval{
			Action: p.Issuer + Path, CancelURL: p.Issuer + Path, ID: id,
			Title: messages.New("passkeys.remove", "name", list[i].Label), Text: messages.New("passkeys.remove-text"),
		}
		if !list[i].StandsAlone() {
			page.Title, page.Text = messages.New("passkeys.key-remove", "name", list[i].Label), messages.New("passkeys.key-remove-text")
		}
		p.Pages.Show(w, r, http.StatusOK, page)
	default:
		err := p.Store.RemoveCredential(r.Context(), s.Subject, id, p.Now())
		if errors.Is(err, credential.ErrNotFound) {
			err = nil
		}
		p.done(w, r, err)
	}
}

// reject shows the page with a fault.
func (p *Page) reject(w http.ResponseWriter, r *http.Request, s *session.Session, why error, fault messages.Message) {
	refusal.Note(r.Context(), refusal.Rejection{
		Message: "passkey refused", Status: http.StatusBadRequest, Rule: refusal.PasskeyInvalid, Text: why.Error(),
	})
	p.end(w, r, p.show(w, r, s, http.StatusBadRequest, fault))
}

// done redirects to the page, or shows err.
func (p *Page) done(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		httpapi.SeeOther(w, p.Issuer+Path)
		return
	}
	p.end(w, r, err)
}

// end shows the error page for err, and does nothing without one.
func (p *Page) end(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		return
	}
	errs := &httpapi.Errors{
		Message: "page refused", RetryAfter: 2 * time.Second, Rule: func(*httpapi.Error) refusal.Rule { return "" },
	}
	response := errs.Prepare(w, r, err)
	p.Pages.Error(w, r, response.Status, pages.Error{Code: response.Code, RequestID: w.Header().Get("X-Request-Id")})
}
