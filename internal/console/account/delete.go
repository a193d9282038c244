package account

import (
	"errors"
	"net/http"
	"slices"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// deletion serves GET /account/delete.
func deletion(v *visit) error { return v.show(deleteForm(v)) }

func deleteForm(v *visit) pages.AccountDelete {
	return pages.AccountDelete{Action: v.console.url("/delete"), CancelURL: v.console.url(""), Username: v.account.Name()}
}

// requestDeletion serves POST /account/delete: username is that of the account. The account is
// disabled, and all of its sessions and grants end. The next page offers to undo it.
func requestDeletion(v *visit) error {
	c, ctx, subject := v.console, v.r.Context(), v.session.Subject
	fault := messages.New("account.delete.wrong-name")
	if slices.Contains(account.UsernameForms(v.r.PostForm.Get("username")), v.account.Username) {
		switch err := c.Accounts.RequestDeletion(ctx, subject, v.now); {
		case errors.Is(err, account.ErrLastOwner):
			fault = messages.New("account.delete.last-owner")
		case err != nil:
			return err
		default:
			// The sessions have ended; this sends the logout notices now.
			if _, err := c.SessionManager.EndAll(ctx, subject); err != nil {
				return err
			}
			next, err := c.OfferUndo(v.w, v.r, subject)
			if err != nil {
				return err
			}
			httpapi.SeeOther(v.w, next)
			return nil
		}
	}
	form := deleteForm(v)
	form.Faults = []pages.Fault{{Field: "username", Text: fault}}
	return v.refuse(http.StatusBadRequest, form)
}
