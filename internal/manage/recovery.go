package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
)

var (
	// ErrNoMail reports a server that sends no mail.
	ErrNoMail = errors.New("mail_url is not set, so the server sends no mail")
	// ErrSignUpOff reports a server on which nobody may create an account.
	ErrSignUpOff = errors.New("sign_up is off: set it to invited, domains or open")
	// ErrHasCredential reports an account whose user has a way to sign in.
	ErrHasCredential = errors.New("has a way to sign in already: use recover")
	// ErrNoAddress reports an account without a verified address.
	ErrNoAddress = errors.New("has no verified email address")
)

// LinkStore stores one-time links.
type LinkStore interface {
	InsertLink(ctx context.Context, l *onetimelink.Link) error
}

// Outbox sends messages to users.
type Outbox interface {
	Enqueue(ctx context.Context, list ...*mail.Message) error
	// Wake reports messages that were stored together with other rows.
	Wake()
}

// Recovery gives users links for a new password. A link replaces the second factor of its user:
// the operator has made sure who the user is.
type Recovery struct {
	Issuer  string // without a trailing slash
	Links   LinkStore
	Outbox  Outbox
	Limits  MailLimits
	HasMail bool
	Now     func() time.Time
}

// Link returns a link for the account, which ends earlier ones, and when it expires. With
// resetFactors it also removes the passkeys, security keys, authenticator apps and recovery codes of a user who has
// lost them.
func (m *Recovery) Link(ctx context.Context, a *account.Account, resetFactors bool) (link string, expiresAt time.Time, err error) {
	if err := canRecover(a); err != nil {
		return "", time.Time{}, err
	}
	l, token := onetimelink.New(onetimelink.Recover, a.Subject, "", m.Now())
	l.Version, l.Data = onetimelink.Version(onetimelink.Recover, a), onetimelink.Data{Waived: true, ResetFactors: resetFactors}
	if err := m.Links.InsertLink(ctx, l); err != nil {
		return "", time.Time{}, err
	}
	return onetimelink.URL(m.Issuer, l.Kind, token), l.ExpiresAt, nil
}

// Mail sends a link as Link does to the first verified address of the account, and returns the address. It
// returns [ErrNoMail] or [ErrNoAddress] if that is not possible, and a [*TooManyMailsError].
func (m *Recovery) Mail(ctx context.Context, a *account.Account, resetFactors bool) (address string, err error) {
	if err := canRecover(a); err != nil {
		return "", err
	}
	if !m.HasMail {
		return "", ErrNoMail
	}
	data := map[string]string{"waived": "yes"}
	if resetFactors {
		data["reset_factors"] = "yes"
	}
	notices := mail.Notices(mail.Recover, a, data, m.Now())
	if len(notices) == 0 {
		return "", fmt.Errorf("%s %w", a.Name(), ErrNoAddress)
	}
	if err := m.Limits.count(ctx, mail.Recover, notices[0].To, m.Now()); err != nil {
		return "", err
	}
	return notices[0].To, m.Outbox.Enqueue(ctx, notices[0])
}

// CheckNew returns [ErrHasCredential] if one of the credentials of a user begins a sign-in. Users
// without one are invited to set their first password.
func CheckNew(a *account.Account, list []credential.Info) error {
	for _, c := range list {
		if c.Kind == credential.Password || c.Kind == credential.Passkey {
			return fmt.Errorf("%s %w", a.Name(), ErrHasCredential)
		}
	}
	return nil
}

// canRecover returns an error for an account that has no password, or may not sign in.
func canRecover(a *account.Account) error {
	switch {
	case a.IsExternal():
		return fmt.Errorf("%s %w", a.Subject, ErrNoPassword)
	case !a.DisabledAt.IsZero():
		return fmt.Errorf("%s: %w", a.Name(), account.ErrDisabled)
	}
	return nil
}
