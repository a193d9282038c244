package admin

import (
	"context"
	"errors"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/session"
)

// userGuard limits the users whose sessions, consents and tokens an administrator may end: the role of
// the user must not have more rights than that of the administrator. API keys and clients have no role:
// their scope covers all users, as in Ory Hydra.
type userGuard struct {
	accounts interface {
		Account(ctx context.Context, subject string) (*account.Account, error)
	}
	sessions interface {
		Session(ctx context.Context, id string, now time.Time) (*session.Session, error)
	}
	grants manage.GrantFinder
	now    func() time.Time
}

// subject returns an error unless the caller may end the sessions, consents and tokens of the user.
func (g *userGuard) subject(r *Request, subject string) error {
	caller, inside := callerOf(r.Context())
	if !inside {
		return nil
	}
	a, err := g.accounts.Account(r.Context(), subject)
	switch {
	case errors.Is(err, account.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return needRoles(caller.Holds, a.AdminRole)
}

// session is [userGuard.subject] for the user of a session. It allows a session that has ended.
func (g *userGuard) session(r *Request, id string) error {
	if _, inside := callerOf(r.Context()); !inside {
		return nil
	}
	s, err := g.sessions.Session(r.Context(), id, g.now())
	switch {
	case errors.Is(err, session.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return g.subject(r, s.Subject)
}

// grant is [userGuard.subject] for the user of a grant. It allows a grant that has ended.
func (g *userGuard) grant(r *Request, id grant.ID) error {
	if _, inside := callerOf(r.Context()); !inside {
		return nil
	}
	found, err := manage.FindGrant(r.Context(), g.grants, id.Locators(), g.now())
	switch {
	case errors.Is(err, grant.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return g.subject(r, found.Subject)
}
