package account

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
)

// Mail sends messages to users.
type Mail interface {
	// AllowMail counts a message to an address that a user has entered, and reports
	// whether it may be sent.
	AllowMail(ctx context.Context, kind mail.Kind, address string) (bool, error)
	Enqueue(ctx context.Context, list ...*mail.Message) error
}

// maxAddresses is the number of email addresses of an account to which its user may add.
const maxAddresses = 10

// errTooManyAddresses reports an account with the maximum number of addresses.
var errTooManyAddresses = errors.New("the account has the maximum number of addresses")

// errAddressKnown reports an address that the account has.
var errAddressKnown = errors.New("the account has the address")

// addresses serves GET /account/addresses.
func addresses(v *visit) error { return v.show(v.addressForm()) }

func (v *visit) addressForm() pages.AccountAddresses {
	form := pages.AccountAddresses{Action: v.console.url("/addresses"), Full: len(v.account.Addresses) >= maxAddresses}
	for _, one := range v.account.Addresses {
		verified := !one.VerifiedAt.IsZero()
		form.Addresses = append(form.Addresses, pages.AddressRow{
			Address: one.Address, Verified: verified, Primary: one.Primary,
			MayVerify: !verified && v.console.Mail != nil, MayBePrimary: verified && !one.Primary,
		})
	}
	return form
}

// changeAddresses serves POST /account/addresses: email adds an address; verify, primary and
// remove have an address of the account. Remove asks once, unless confirm is sent.
func changeAddresses(v *visit) error {
	form := v.r.PostForm
	switch {
	case form.Has("verify"):
		return v.verifyAddress(form.Get("verify"))
	case form.Has("primary"):
		return v.makePrimary(form.Get("primary"))
	case form.Has("remove"):
		return v.removeAddress(form.Get("remove"), form.Get("confirm") != "")
	default:
		return v.addAddress(strings.TrimSpace(form.Get("email")))
	}
}

// addAddress adds an address that is not verified. The response does not depend on whether
// another account has verified it.
func (v *visit) addAddress(address string) error {
	err := account.CheckEmail(address)
	if err == nil {
		err = v.changeAccount(func(a *account.Account) error {
			switch {
			case a.Address(address) != nil:
				return errAddressKnown
			case len(a.Addresses) >= maxAddresses:
				return errTooManyAddresses
			}
			return a.AddAddress(address, time.Time{})
		})
	}
	var fault messages.Message
	switch {
	case errors.Is(err, account.ErrBadEmail):
		fault = messages.New("account.addresses.invalid")
	case errors.Is(err, errAddressKnown):
		fault = messages.New("account.addresses.known")
	case errors.Is(err, errTooManyAddresses):
		fault = messages.New("account.addresses.too-many")
	case err != nil:
		return err
	case v.console.Mail == nil:
		return v.done("/addresses", messages.New("account.addresses.added", "email", address))
	default:
		return v.sendVerification(address)
	}
	rejected := v.addressForm()
	rejected.Email, rejected.Faults = address, []pages.Fault{{Field: "email", Text: fault}}
	return v.refuse(http.StatusBadRequest, rejected)
}

// changeAccount applies change to the account of the user.
func (v *visit) changeAccount(change func(*account.Account) error) error {
	_, err := v.console.Accounts.ChangeAccount(v.r.Context(), v.session.Subject, v.now, change)
	return err
}

// verifyAddress sends the link that verifies an address again.
func (v *visit) verifyAddress(address string) error {
	one := v.account.Address(address)
	if one == nil || v.console.Mail == nil {
		return errNotFound
	}
	if !one.VerifiedAt.IsZero() { // in another tab
		return v.done("/addresses", messages.Message{})
	}
	return v.sendVerification(one.Address)
}

// sendVerification sends a link to an address of the account, unless too many were sent. The
// response is the same.
func (v *visit) sendVerification(address string) error {
	ctx := v.r.Context()
	key, err := account.AddressKey(address)
	if err != nil {
		return err
	}
	allowed, err := v.console.Mail.AllowMail(ctx, mail.Verify, key)
	if err != nil {
		return err
	}
	if allowed {
		m := mail.New(mail.Verify, address, v.now)
		m.Subject = v.session.Subject
		if err := v.console.Mail.Enqueue(ctx, m); err != nil {
			return err
		}
	}
	return v.done("/addresses", messages.New("account.addresses.sent", "email", address))
}

// makePrimary makes a verified address the primary one.
func (v *visit) makePrimary(address string) error {
	err := v.changeAccount(func(a *account.Account) error {
		if one := a.Address(address); one == nil || one.VerifiedAt.IsZero() {
			return errNotFound
		}
		return a.MakePrimary(address)
	})
	if err != nil {
		return err
	}
	return v.done("/addresses", messages.New("account.addresses.is-primary", "email", address))
}

// removeAddress removes an address once the user has confirmed it. If the primary address is
// removed, a verified one takes its place.
func (v *visit) removeAddress(address string, confirmed bool) error {
	one := v.account.Address(address)
	if one == nil {
		return errNotFound
	}
	if !confirmed {
		text := messages.New("account.addresses.remove-text")
		if isLastVerified(v.account, one) {
			text = messages.New("account.addresses.remove-last")
		}
		return v.show(pages.ConfirmRemoval{
			Action: v.console.url("/addresses"), CancelURL: v.console.url("/addresses"), ID: one.Address,
			Title: messages.New("account.addresses.remove", "email", one.Address), Text: text,
		})
	}
	err := v.changeAccount(func(a *account.Account) error { return a.RemoveAddress(address) })
	if err != nil && !errors.Is(err, account.ErrAddressNotFound) {
		return err
	}
	return v.done("/addresses", messages.New("account.addresses.removed", "email", one.Address))
}

// isLastVerified reports whether no other address of the account is verified.
func isLastVerified(a *account.Account, one *account.Address) bool {
	count := 0
	for _, other := range a.Addresses {
		if !other.VerifiedAt.IsZero() {
			count++
		}
	}
	return count == 1 && !one.VerifiedAt.IsZero()
}
