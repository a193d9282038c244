package login

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/signup"
)

// MailLinks creates the links of messages when they are sent.
type MailLinks struct {
	Issuer   string // without a trailing slash
	LoginApp bool   // whether users sign in with an app of the operator
	CodeKey  []byte // as in [Config]
	Accounts interface {
		Account(ctx context.Context, subject string) (*account.Account, error)
		// AccountByAddress returns the account that has verified the address.
		AccountByAddress(ctx context.Context, address string) (*account.Account, error)
	}
	SignUps interface {
		SignUp(ctx context.Context, id string, now time.Time) (*signup.SignUp, error)
	}
	Links interface {
		InsertLink(ctx context.Context, l *onetimelink.Link) error
		// RenewInvitation replaces an open invitation, or returns onetimelink.ErrInvalid.
		RenewInvitation(ctx context.Context, l *onetimelink.Link) error
	}
	Approvals interface {
		// OpenBackchannel returns [ciba.ErrNotFound] for a request that does not wait for its user.
		OpenBackchannel(ctx context.Context, id grant.ID, now time.Time) (*ciba.Request, error)
	}
	Clients interface {
		Client(ctx context.Context, id string) (*client.Client, error)
	}
}

// Complete implements the function of [mail.Worker]. It looks up the account of a message
// that a user asked for with an address, so that the request for it takes the same time for
// unknown addresses.
func (s *MailLinks) Complete(ctx context.Context, m *mail.Message, now time.Time) (mail.Secret, error) {
	switch m.Kind { //nolint:exhaustive // the others are notices
	case mail.Recover:
		return s.recover(ctx, m, now)
	case mail.Verify:
		return s.verify(ctx, m, now)
	case mail.SignUp:
		return s.signUp(ctx, m, now)
	case mail.Invitation:
		return s.invitation(ctx, m, now)
	case mail.DeletionRequested:
		return s.undoDeletion(ctx, m, now)
	case mail.SignInCode:
		return s.signInCode(ctx, m, now)
	case mail.ApprovalRequested:
		return s.approval(ctx, m, now)
	default:
		return s.notMe(ctx, m, now)
	}
}

// approval completes the message about a backchannel authentication request. Each request has one, so that
// it takes the same time for unknown users. The link is that of the page: it decides nothing.
func (s *MailLinks) approval(ctx context.Context, m *mail.Message, now time.Time) (mail.Secret, error) {
	unwanted := fmt.Errorf("%w: the request does not wait for a user with an address", mail.ErrUnwanted)
	id, err := grant.ParseID(m.Data["request"])
	if err != nil {
		return mail.Secret{}, unwanted
	}
	r, err := s.Approvals.OpenBackchannel(ctx, id, now)
	if errors.Is(err, ciba.ErrNotFound) || err == nil && r.Subject == "" {
		return mail.Secret{}, unwanted
	}
	if err != nil {
		return mail.Secret{}, err
	}
	a, err := s.Accounts.Account(ctx, r.Subject)
	if err != nil {
		return mail.Secret{}, err
	}
	c, err := s.Clients.Client(ctx, r.ClientID)
	if err != nil {
		return mail.Secret{}, err
	}
	address := a.PrimaryAddress()
	if address == nil || address.VerifiedAt.IsZero() {
		return mail.Secret{}, unwanted
	}
	m.To = address.Address
	s.address(m, a)
	m.Data["detail"] = pages.Clean(c.Name(), 64)
	return mail.Secret{Link: s.Issuer + "/account/approvals/request?request=" + r.ID(), Lifetime: r.ExpiresAt.Sub(now)}, nil
}

// recover creates a link for a new password. The message is sent to the address as the account
// has it, not as someone entered it.
func (s *MailLinks) recover(ctx context.Context, m *mail.Message, now time.Time) (mail.Secret, error) {
	a, key, err := s.verified(ctx, m)
	if err != nil {
		return mail.Secret{}, err
	}
	l, token := onetimelink.New(onetimelink.Recover, a.Subject, key, now)
	l.Version = onetimelink.Version(onetimelink.Recover, a)
	l.Data = onetimelink.Data{Request: m.Data["request"], Waived: m.Data["waived"] != "", ResetFactors: m.Data["reset_factors"] != ""}
	return s.secret(ctx, l, token)
}

// signInCode creates a code to sign in with.
func (s *MailLinks) signInCode(ctx context.Context, m *mail.Message, now time.Time) (mail.Secret, error) {
	a, key, err := s.verified(ctx, m)
	if err != nil {
		return mail.Secret{}, err
	}
	l, code := onetimelink.NewSignInCode(s.CodeKey, a, key, m.Data["request"], now)
	if err := s.Links.InsertLink(ctx, l); err != nil {
		return mail.Secret{}, err
	}
	return mail.Secret{Code: code, Lifetime: onetimelink.CodeLifetime}, nil
}

// verified returns the account that has verified the address of a message, and the key of the
// address. It sets the recipient to the address as the account has it.
func (s *MailLinks) verified(ctx context.Context, m *mail.Message) (a *account.Account, key string, err error) {
	if a, err = s.accountOf(ctx, m); err != nil {
		return nil, "", err
	}
	address := a.Address(m.To)
	if address == nil || address.VerifiedAt.IsZero() {
		return nil, "", fmt.Errorf("%w: the address is no longer a verified one of the account", mail.ErrUnwanted)
	}
	if key, err = account.AddressKey(address.Address); err != nil {
		return nil, "", err
	}
	m.To = address.Address
	s.address(m, a)
	return a, key, nil
}

// verify creates a link that verifies the address of a message for its account.
func (s *MailLinks) verify(ctx context.Context, m *mail.Message, now time.Time) (mail.Secret, error) {
	a, err := s.accountOf(ctx, m)
	if err != nil {
		return mail.Secret{}, err
	}
	address := a.Address(m.To)
	if address == nil || !address.VerifiedAt.IsZero() {
		return mail.Secret{}, fmt.Errorf("%w: the address was removed or is verified", mail.ErrUnwanted)
	}
	s.address(m, a)
	key, err := account.AddressKey(address.Address)
	if err != nil {
		return mail.Secret{}, err
	}
	l, token := onetimelink.New(onetimelink.Verify, a.Subject, key, now)
	l.Version = onetimelink.Version(onetimelink.Verify, a)
	return s.secret(ctx, l, token)
}

// signUp creates a link that confirms the address of a sign-up. If an account has verified the
// address, the message tells its user so instead.
func (s *MailLinks) signUp(ctx context.Context, m *mail.Message, now time.Time) (mail.Secret, error) {
	pending, err := s.SignUps.SignUp(ctx, m.Data["sign_up"], now)
	if errors.Is(err, signup.ErrNotFound) {
		return mail.Secret{}, fmt.Errorf("%w: the sign-up has ended", mail.ErrUnwanted)
	}
	if err != nil {
		return mail.Secret{}, err
	}
	a, err := s.Accounts.AccountByAddress(ctx, m.To)
	if err == nil {
		m.Kind, m.To = mail.AccountExists, a.Address(m.To).Address
		s.address(m, a)
		return mail.Secret{}, nil
	}
	if !errors.Is(err, account.ErrNotFound) {
		return mail.Secret{}, fmt.Errorf("read account: %w", err)
	}
	key, err := account.AddressKey(pending.Address)
	if err != nil {
		return mail.Secret{}, err
	}
	l, token := onetimelink.New(onetimelink.SignUp, pending.ID, key, now)
	l.ExpiresAt = pending.ExpiresAt
	return s.secret(ctx, l, token)
}

// invitation creates a link with which the recipient creates an account.
func (s *MailLinks) invitation(ctx context.Context, m *mail.Message, now time.Time) (mail.Secret, error) {
	if _, err := s.Accounts.AccountByAddress(ctx, m.To); err == nil {
		return mail.Secret{}, fmt.Errorf("%w: an account has verified the address", mail.ErrUnwanted)
	}
	key, err := account.AddressKey(m.To)
	if err != nil {
		return mail.Secret{}, err
	}
	l, token := onetimelink.New(onetimelink.Invitation, "", key, now)
	l.Data.InvitedBy, l.Data.Groups = m.Data["invited_by"], strings.FieldsFunc(m.Data["groups"], func(r rune) bool { return r == '\n' })
	if m.Data[mail.Listed] == "" { // of a replica of the previous version
		return s.secret(ctx, l, token)
	}
	if err := s.Links.RenewInvitation(ctx, l); errors.Is(err, onetimelink.ErrInvalid) {
		return mail.Secret{}, fmt.Errorf("%w: the invitation was accepted or withdrawn", mail.ErrUnwanted)
	} else if err != nil {
		return mail.Secret{}, err
	}
	return mail.Secret{Link: onetimelink.URL(s.Issuer, l.Kind, token), Lifetime: l.Kind.Lifetime()}, nil
}

// address names the account of a message.
func (s *MailLinks) address(m *mail.Message, a *account.Account) {
	m.Subject, m.Language = a.Subject, mail.Language(a)
	if m.Data == nil {
		m.Data = map[string]string{}
	}
	m.Data["username"] = a.Name()
}

// accountOf returns the account of a message, by its subject or its address.
func (s *MailLinks) accountOf(ctx context.Context, m *mail.Message) (*account.Account, error) {
	var a *account.Account
	var err error
	if m.Subject != "" {
		a, err = s.Accounts.Account(ctx, m.Subject)
	} else {
		a, err = s.Accounts.AccountByAddress(ctx, m.To)
	}
	switch {
	case errors.Is(err, account.ErrNotFound):
		return nil, fmt.Errorf("%w: no account has verified the address", mail.ErrUnwanted)
	case err != nil:
		return nil, fmt.Errorf("read account: %w", err)
	case !a.DisabledAt.IsZero() || a.IsExternal():
		return nil, fmt.Errorf("%w: the account cannot sign in with a password", mail.ErrUnwanted)
	}
	return a, nil
}

// secret stores a link and returns what its message says.
func (s *MailLinks) secret(ctx context.Context, l *onetimelink.Link, token string) (mail.Secret, error) {
	if err := s.Links.InsertLink(ctx, l); err != nil {
		return mail.Secret{}, err
	}
	return mail.Secret{Link: onetimelink.URL(s.Issuer, l.Kind, token), Lifetime: l.Kind.Lifetime()}, nil
}
