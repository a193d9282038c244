package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/pages"
)

// NotMe serves the page for users who did not cause what a notice tells of, or what the activity
// of the account shows. It ends all sessions of the account, and leads to a new password.
type NotMe struct {
	*Config

	flows *flows
	links *links
}

const notMePage = "not-me"

// Page serves GET /not-me. With token, it stores the token and redirects. With a stored token, it
// asks the user to confirm.
func (h *NotMe) Page(w http.ResponseWriter, r *http.Request) {
	if h.links.take(w, r) {
		return
	}
	l, err := h.open(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	page := pages.NotMe{Action: h.Issuer + "/not-me", Username: l.account.Name()}
	if l.Address == "" {
		page.CancelURL = h.AccountURL + "/activity"
	}
	if l.Data.Primary {
		page.Primary = l.Address
	}
	h.Pages.Show(w, r, http.StatusOK, page)
}

// Submit serves POST /not-me. A user who got the link by mail gets one that sets a new password,
// for which the second factor is still necessary. From the activity of the account, the user signs
// in again, and sets a new password with the current one.
func (h *NotMe) Submit(w http.ResponseWriter, r *http.Request) {
	l, err := h.open(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	now, target := h.Now(), h.AccountURL+"/password"
	var next *onetimelink.Link
	var token string
	if l.Address != "" {
		next, token = onetimelink.New(onetimelink.Recover, l.Subject, l.Address, now)
		target = h.Issuer + "/recover"
	}
	if err := h.Links.DisownChange(r.Context(), l.Link, next, now); err != nil {
		h.fail(w, r, err)
		return
	}
	h.Log.LogAttrs(r.Context(), slog.LevelWarn, "a user did not cause a change or a sign-in; all sessions ended", slog.String("subject", l.Subject))
	h.links.cookies.ClearLink(w, notMePage)
	if next != nil {
		h.links.cookies.SetLink(w, recoverPage, token)
	}
	httpapi.SeeOther(w, target)
}

// notMeLifetime is how long a user of the account console may take to confirm.
const notMeLifetime = 30 * time.Minute

// OfferNotMe gives the browser of a signed-in user, who did not cause what the activity of the
// account shows, a link to end all sessions, and returns the page.
func (s *Service) OfferNotMe(w http.ResponseWriter, r *http.Request, a *account.Account) (page string, err error) {
	h := s.NotMe
	l, token := onetimelink.New(onetimelink.NotMe, a.Subject, "", h.Now())
	l.Version, l.ExpiresAt = onetimelink.Version(onetimelink.NotMe, a), h.Now().Add(notMeLifetime)
	if err := h.Links.InsertLink(r.Context(), l); err != nil {
		return "", fmt.Errorf("insert link: %w", err)
	}
	h.links.cookies.SetLink(w, notMePage, token)
	return h.Issuer + "/not-me", nil
}

// open returns the link that the browser opened. The account must still have verified the address
// to which it was sent, if it was.
func (h *NotMe) open(r *http.Request) (*linked, error) {
	l, err := h.links.open(r, notMePage, onetimelink.NotMe)
	if err != nil {
		return nil, err
	}
	if l.Address == "" {
		return l, nil
	}
	if address := l.account.Address(l.Address); address == nil || address.VerifiedAt.IsZero() {
		return nil, onetimelink.ErrInvalid
	}
	return l, nil
}

// fail shows the error page, and forgets a link that is not valid.
func (h *NotMe) fail(w http.ResponseWriter, r *http.Request, err error) {
	h.links.fail(w, r, h.flows, notMePage, "the link was used, or the account no longer has its address", err)
}

// notMe creates the link of a notice, none if its recipient cannot recover the account by mail.
func (s *MailLinks) notMe(ctx context.Context, m *mail.Message, now time.Time) (mail.Secret, error) {
	if s.LoginApp || !m.Kind.MayHaveLink() {
		return mail.Secret{}, nil
	}
	a, err := s.Accounts.Account(ctx, m.Subject)
	if errors.Is(err, account.ErrNotFound) || err == nil && (!a.DisabledAt.IsZero() || a.IsExternal()) {
		return mail.Secret{}, nil
	}
	if err != nil {
		return mail.Secret{}, fmt.Errorf("read account: %w", err)
	}
	address := a.Address(m.To)
	if address == nil || address.VerifiedAt.IsZero() {
		return mail.Secret{}, nil
	}
	key, err := account.AddressKey(address.Address)
	if err != nil {
		return mail.Secret{}, err
	}
	l, token := onetimelink.New(onetimelink.NotMe, a.Subject, key, now)
	l.Version, l.Data.Primary = onetimelink.Version(onetimelink.NotMe, a), m.Data[mail.FormerPrimary] != ""
	return s.secret(ctx, l, token)
}
