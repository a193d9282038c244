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

// userGuard decides whose sessions, consents and tokens an administrator may end: those of users who
// are not administrators, and of those whose role has no more rights. API keys and clients have no
// role: their scope covers all users, as in Ory Hydra.
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

// subject returns an error unless the caller may end what belongs to the user.
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

// session is [userGuard.subject] for the user of a session. An ended session has none.
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

// grant is [userGuard.subject] for the user of a grant. An ended grant has none.
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
