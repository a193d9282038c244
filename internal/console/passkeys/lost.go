package passkeys

import (
	"errors"
	"net/http"
	"slices"

	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/session"
)

// LostPath is the path and query of the page for users who have lost all of their passkeys.
const LostPath = Path + "?" + lostParameter + "=1"

const lostParameter = "lost"

// lost removes the passkeys of a user who confirms that all of them are lost: the fields confirm and
// end_others. The user proves two other factors instead of a passkey, which is the highest level of
// the account without its passkeys. It is the only page on which that suffices.
//
// Spec: NIST SP 800-63B-4 §4.2 (account recovery), §4.6 (notifications).
func (p *Page) lost(w http.ResponseWriter, r *http.Request) {
	s, list, ok := p.openLost(w, r)
	if !ok {
		return
	}
	if r.PostForm.Get("confirm") == "" {
		page := pages.LostPasskeys{Action: p.Issuer + LostPath, CancelURL: p.Issuer + Path}
		for _, each := range list {
			page.Labels = append(page.Labels, each.Label)
		}
		p.Pages.Show(w, r, http.StatusOK, page)
		return
	}
	ids := make([][]byte, 0, len(list))
	for _, each := range list {
		ids = append(ids, each.ID)
	}
	err := p.Store.RemovePasskeys(r.Context(), s.Subject, ids, p.Now())
	if err == nil && r.PostForm.Get("end_others") == "on" {
		_, err = p.EndOthers(r.Context(), s.Subject, s.ID)
	}
	p.done(w, r, err)
}

// openLost returns the session and the passkeys of the user, without security keys. It has written the response and returns
// false if the user has to authenticate first, or cannot sign in without a passkey.
func (p *Page) openLost(w http.ResponseWriter, r *http.Request) (*session.Session, []*passkey.Passkey, bool) {
	s, ok := p.TwoFactors(w, r)
	if !ok {
		return nil, nil, false
	}
	list, err := p.Store.PasskeysOf(r.Context(), s.Subject)
	if err != nil {
		p.end(w, r, err)
		return nil, nil, false
	}
	list = slices.DeleteFunc(list, func(each *passkey.Passkey) bool { return !each.StandsAlone() })
	a, err := p.Accounts.Account(r.Context(), s.Subject)
	switch {
	case err != nil:
		p.end(w, r, err)
	case len(list) == 0:
		p.done(w, r, nil)
	case a.PasswordHash() == "" && session.Reaches(s.ACR, session.LevelPhishingResistant):
		p.reject(w, r, s, errors.New("a passkey is the only way to sign in"), messages.New("passkeys.last"))
	default:
		return s, list, true
	}
	return nil, nil, false
}
