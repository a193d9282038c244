package login

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
)

// Links stores one-time links. Links that are not valid are onetimelink.ErrInvalid.
type Links interface {
	InsertLink(ctx context.Context, l *onetimelink.Link) error
	Link(ctx context.Context, hash []byte, now time.Time) (*onetimelink.Link, error)
	// DisownChange spends a link, ends all sessions of its account, and stores next, a link
	// that sets a new password; nil for none.
	DisownChange(ctx context.Context, l, next *onetimelink.Link, now time.Time) error
	// UndoDeletion spends a link and enables its account, which its user had asked to delete.
	UndoDeletion(ctx context.Context, l *onetimelink.Link, now time.Time) error
	SpendLink(ctx context.Context, l *onetimelink.Link, now time.Time) error
	ProveLink(ctx context.Context, hash []byte, now time.Time) error
	// AcceptInvitation spends a link and adds an account and its passkey, nil for none. VerifyAddress
	// spends a link and marks the address of an account as verified. Both do all or nothing.
	AcceptInvitation(ctx context.Context, l *onetimelink.Link, a *account.Account, p *passkey.Passkey, now time.Time) error
	VerifyAddress(ctx context.Context, l *onetimelink.Link, now time.Time) error
	// RecoverPassword spends a link, sets the hash of the password of its account, ends the
	// sessions of the account, and adds messages to the outbox: all or nothing.
	RecoverPassword(ctx context.Context, l *onetimelink.Link, a *account.Account, hash string, told []*mail.Message, now time.Time) error
}

// links serves the pages that one-time links open. A GET with a token puts the token into a
// cookie and redirects to the page without it, and spends nothing: mail programs open links.
type links struct {
	*Config

	cookies session.LinkCookies
}

// linked is a valid link with its account.
type linked struct {
	*onetimelink.Link

	account *account.Account
}

// take stores the token in the query of a request for a page, and redirects to the page
// without a query. It returns false if there is none.
func (s *links) take(w http.ResponseWriter, r *http.Request) bool {
	if !r.Form.Has("token") {
		return false
	}
	page := strings.TrimPrefix(r.URL.Path, s.Cookies.Path)
	if token := r.Form.Get("token"); onetimelink.IsToken(token) {
		s.cookies.SetLink(w, strings.Trim(page, "/"), token)
	} else {
		s.cookies.ClearLink(w, strings.Trim(page, "/"))
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	httpapi.SeeOther(w, s.Issuer+page)
	return true
}

// open returns the link of one of the kinds that the browser opened at a page, with its
// account. It returns a [*pageError] if the link is no longer valid.
func (s *links) open(r *http.Request, page string, kind onetimelink.Kind) (*linked, error) {
	return s.find(r.Context(), onetimelink.Hash(s.cookies.Link(r, page)), kind)
}

// find returns the link of the kind with a hash, with its account. It returns a [*pageError] if
// there is none, or it is no longer valid.
func (s *links) find(ctx context.Context, hash []byte, kind onetimelink.Kind) (*linked, error) {
	l, err := s.Links.Link(ctx, hash, s.Now())
	if errors.Is(err, onetimelink.ErrInvalid) || err == nil && l.Kind != kind {
		return nil, linkInvalid("the link is unknown, expired or used")
	}
	if err != nil {
		return nil, fmt.Errorf("read link: %w", err)
	}
	opened := &linked{Link: l}
	if l.Version == "" {
		return opened, nil
	}
	opened.account, err = s.Accounts.Account(ctx, l.Subject)
	switch {
	case errors.Is(err, account.ErrNotFound):
		return nil, linkInvalid("the account of the link was deleted")
	case err != nil:
		return nil, fmt.Errorf("read account: %w", err)
	case !opened.account.DisabledAt.IsZero() || onetimelink.Version(kind, opened.account) != l.Version:
		return nil, linkInvalid("the account has changed since the link was made")
	}
	return opened, nil
}

// fail shows the error page, and forgets the link of a page if it is not valid. spent is why, for
// the log, if another request has spent the link.
func (s *links) fail(w http.ResponseWriter, r *http.Request, flows *flows, page, spent string, err error) {
	if errors.Is(err, onetimelink.ErrInvalid) {
		err = linkInvalid(spent)
	}
	if errors.As(err, new(*pageError)) {
		s.cookies.ClearLink(w, page)
	}
	flows.fail(w, r, err)
}

// linkInvalid returns the error for a link that is not valid. reason is only in the log.
func linkInvalid(reason string) error {
	e := newPageError(http.StatusGone, pages.Error{
		Code:   "link_invalid",
		Title:  messages.New("error.link.title"),
		Text:   messages.New("error.link.text"),
		Advice: messages.New("error.link.advice"),
	}, reason)
	e.response.Rule = refusal.LinkInvalid
	return e
}

// flow returns the authorization request in which the user asked for a link, if this browser
// began it and it goes on; otherwise nil.
func (s *links) flow(r *http.Request, flows *flows, requestID string) (*flow, error) {
	if requestID == "" {
		return nil, nil
	}
	f, err := flows.open(r, requestID)
	if errors.As(err, new(*pageError)) {
		return nil, nil
	}
	return f, err
}

// signIn begins the session of a user whose link leads to no authorization request.
func (s *links) signIn(w http.ResponseWriter, r *http.Request, a session.Authentication) error {
	current, _, err := session.Current(r.Context(), s.Sessions, s.Cookies.Session(r), "", s.Now())
	if err != nil {
		return err
	}
	_, err = s.SessionManager.Begin(w, r, current, a)
	return err
}

// signInNew signs in the user of a new account with the password or passkey that it was created
// with, and continues the authorization request with the ID, if this browser began it and it goes on.
func (s *links) signInNew(
	w http.ResponseWriter, r *http.Request, flows *flows, factors *factors, result session.Authentication, requestID string,
) error {
	byPasskey := session.Reaches(result.ACR, session.LevelTwoFactors)
	f, err := s.flow(r, flows, requestID)
	switch {
	case err != nil:
		return err
	case f != nil && byPasskey:
		flows.end(w, r, f, flows.signIn(w, r, f, result))
		return nil
	case f != nil:
		flows.end(w, r, f, factors.afterPassword(w, r, f, result))
		return nil
	}
	demanded, err := factors.demands(r.Context(), result.Account, client.NewAccountConsole(s.Issuer), secondfactor.FactorSet{})
	if err != nil {
		return err
	}
	if demanded && !byPasskey { // the user signs in, and enrols
		httpapi.SeeOther(w, cmp.Or(s.AccountURL, s.Issuer+"/"))
		return nil
	}
	if err := s.signIn(w, r, result); err != nil {
		return err
	}
	s.Pages.Show(w, r, http.StatusOK, pages.AccountCreated{Username: result.Account.Name(), ContinueURL: cmp.Or(s.AccountURL, s.Issuer+"/")})
	return nil
}
