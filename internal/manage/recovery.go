package manage

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

// Invitations gives users links with which they create an account.
type Invitations struct {
	Issuer   string // without a trailing slash
	Accounts interface {
		// AccountByAddress returns the account that has verified the address, or account.ErrNotFound.
		AccountByAddress(ctx context.Context, address string) (*account.Account, error)
	}
	Groups  GroupStore
	Links   LinkStore
	Outbox  Outbox
	Limits  MailLimits
	HasMail bool
	Off     bool // sign_up is off: nobody may create an account
	Now     func() time.Time
}

// Invitee is a user to invite.
type Invitee struct {
	Address string
	Groups  []string // of the account
	By      string   // who invites
}

// Link returns a link for the user, which ends an earlier one for the address, and when it
// expires. It returns [ErrSignUpOff], [account.ErrBadEmail], [account.ErrGroupNotFound], and
// [account.ErrAddressTaken] if an account has verified the address.
func (m *Invitations) Link(ctx context.Context, who Invitee) (link string, expiresAt time.Time, err error) {
	key, err := m.check(ctx, who)
	if err != nil {
		return "", time.Time{}, err
	}
	l, token := onetimelink.New(onetimelink.Invitation, "", key, m.Now())
	l.Data = onetimelink.Data{Groups: who.Groups, InvitedBy: who.By}
	if err := m.Links.InsertLink(ctx, l); err != nil {
		return "", time.Time{}, err
	}
	return onetimelink.URL(m.Issuer, l.Kind, token), l.ExpiresAt, nil
}

// Mail sends a link to the user, with the errors of Link, [ErrNoMail], or a [*TooManyMailsError].
func (m *Invitations) Mail(ctx context.Context, who Invitee) error {
	if !m.HasMail {
		return ErrNoMail
	}
	if _, err := m.check(ctx, who); err != nil {
		return err
	}
	if err := m.Limits.count(ctx, mail.Invitation, who.Address, m.Now()); err != nil {
		return err
	}
	message := mail.New(mail.Invitation, who.Address, m.Now())
	message.Data = map[string]string{"groups": strings.Join(who.Groups, "\n"), "invited_by": who.By}
	return m.Outbox.Enqueue(ctx, message)
}

// check returns the key of the address of a user who can be invited.
func (m *Invitations) check(ctx context.Context, who Invitee) (key string, err error) {
	if m.Off {
		return "", ErrSignUpOff
	}
	if key, err = account.AddressKey(who.Address); err != nil {
		return "", err
	}
	if err := checkGroups(ctx, m.Groups, who.Groups); err != nil {
		return "", err
	}
	switch _, err := m.Accounts.AccountByAddress(ctx, who.Address); {
	case err == nil:
		return "", account.ErrAddressTaken
	case !errors.Is(err, account.ErrNotFound):
		return "", err
	}
	return key, nil
}
