package admin

import (
	"context"
	"net/http"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
)

// userStateHandler serves the operations that lock, unlock, disable and enable users.
type userStateHandler struct{ *userCases }

func (h *userStateHandler) operations() []Operation {
	operation := func(name, id, summary string, change func(*manage.Users, context.Context, *account.Account) error) Operation {
		return Operation{
			ID: id, Method: http.MethodPost, Path: userPath + "/" + name, Scope: apikey.UsersWrite, Summary: summary,
			Responses: map[int]any{http.StatusOK: userView{}}, Action: "user." + name,
			Do: func(r *Request) (*Response, error) { return h.change(r, change) },
		}
	}
	return []Operation{
		operation("lock", "lockUser", "Lock an account down: sessions, grants and trusted devices end, and sign-ins are refused until it is unlocked.", (*manage.Users).Lock),
		operation("unlock", "unlockUser", "End a lockdown, and clear the failed sign-in attempts of a user.", (*manage.Users).Unlock),
		operation("disable", "disableUser", "Disable a user; sessions and grants end.", func(users *manage.Users, ctx context.Context, a *account.Account) error {
			_, err := users.Disable(ctx, a)
			return err
		}),
		operation("enable", "enableUser", "Enable a disabled user.", (*manage.Users).Enable),
	}
}

// change serves POST /users/{subject}/lock, unlock, disable and enable.
func (h *userStateHandler) change(r *Request, change func(*manage.Users, context.Context, *account.Account) error) (*Response, error) {
	users, a, err := h.permitted(r)
	if err != nil {
		return nil, err
	}
	if err := change(users, r.Context(), a); err != nil {
		return nil, err
	}
	if a, err = h.store.Account(r.Context(), a.Subject); err != nil {
		return nil, err
	}
	return h.okUser(r, a)
}
