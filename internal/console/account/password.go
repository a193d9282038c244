package account

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/passwordpolicy"
	"github.com/ostiary/ostiary/internal/session"
)

// password serves GET /account/password.
func (c *Console) password(v *visit) error {
	if !v.mayChangePassword() {
		return nil
	}
	return v.show(v.passwordForm(true))
}

// mayChangePassword reports whether the user may set a password. Without a current password
// that takes a fresh authentication; otherwise it sends the user to sign in again.
func (v *visit) mayChangePassword() bool {
	if v.account.PasswordHash() != "" {
		return true
	}
	_, ok := v.console.Session(v.w, v.r, true)
	return ok
}

func (v *visit) passwordForm(endOthers bool) pages.AccountPassword {
	form := pages.AccountPassword{
		Action: v.console.url("/password"), CancelURL: v.console.url(""), Username: v.account.Name(),
		MinLength: passwordpolicy.MinLength(v.console.Passwords.NeedsSecondFactor(v.account)), EndOthers: endOthers,
	}
	if p := v.account.Password; p != nil {
		form.HasPassword, form.SetAt = true, v.when(p.CreatedAt)
	}
	return form
}

// savePassword serves POST /account/password: current_password, new_password, and end_others to
// end the other sessions. The session gets a new cookie, and the devices and networks of the
// account become unknown.
func (c *Console) savePassword(v *visit) error {
	if !v.mayChangePassword() {
		return nil
	}
	ctx, form := v.r.Context(), v.r.PostForm
	shown := v.passwordForm(form.Get("end_others") != "")
	current, err := v.verified(form.Get("current_password"))
	if rejected, ok := errors.AsType[*httpapi.Error](err); ok && rejected.Status < http.StatusInternalServerError {
		_ = failures().Prepare(v.w, v.r, err) // the page is the form
		shown.Faults = []pages.Fault{{Field: "current-password", Text: passwordRejection(rejected)}}
		return v.refuse(rejected.Status, shown)
	}
	if err != nil {
		return err
	}
	err = c.PasswordPolicy.Check(ctx, passwordpolicy.Choice{
		Password: form.Get("new_password"), Names: []string{current.Name(), v.name()}, SecondFactor: c.Passwords.NeedsSecondFactor(current),
	})
	if fault, ok := errors.AsType[*passwordpolicy.Fault](err); ok {
		shown.Faults = []pages.Fault{{Field: "new-password", Text: pages.PasswordFault(fault)}}
		return v.refuse(http.StatusBadRequest, shown)
	}
	if err != nil {
		return fmt.Errorf("check password: %w", err)
	}
	hash, err := c.Hasher.Hash(ctx, form.Get("new_password"))
	if err != nil {
		return fmt.Errorf("hash password: %w", err)
	}
	keep, done := "", messages.New("account.password.saved")
	if shown.EndOthers {
		keep, done = v.session.ID, messages.New("account.password.saved-ended")
	}
	if err := c.SessionManager.ReplacePassword(ctx, current, hash, keep); err != nil {
		return err
	}
	if v.session, err = c.SessionManager.Begin(v.w, v.r, v.session, again(current, v.session)); err != nil {
		return err
	}
	return v.done("/password", done)
}

// verified returns the account if password is its current one, or if it has none.
func (v *visit) verified(password string) (*account.Account, error) {
	if v.account.PasswordHash() == "" {
		return v.account, nil
	}
	return v.console.Passwords.VerifyPassword(v.r, v.account.Username, password)
}

// passwordRejection returns why the current password was not accepted.
func passwordRejection(rejected *httpapi.Error) messages.Message {
	if rejected.Status == http.StatusTooManyRequests {
		return messages.New("retry.after", "fault", messages.New("retry.too-many-attempts"), "duration", messages.Duration(rejected.RetryAfter))
	}
	return messages.New("account.password.wrong")
}

// again returns the authentication of s, for a session that gets a new cookie.
func again(a *account.Account, s *session.Session) session.Authentication {
	return session.Authentication{
		Account: a, Claims: s.Claims, Time: s.AuthTime, ACR: s.ACR, AMR: s.AMR, SecondFactorWaived: s.SecondFactorWaived,
		IdentityProviderSessionID: s.IdentityProviderSessionID, Remember: s.Remembered,
	}
}
