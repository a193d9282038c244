package manage

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/onetimelink"
)

// ErrRepeated reports an address that occurs twice in a list of invitations.
var ErrRepeated = errors.New("the address occurs earlier in the list")

// MaxInvitations is the number of invitations that one call makes.
const MaxInvitations = 1000

// InvitationStore stores invitations.
type InvitationStore interface {
	// Invited returns those of the keys of addresses that have an open invitation.
	Invited(ctx context.Context, keys []string, now time.Time) ([]string, error)
	// VerifiedAddresses returns those of the keys of addresses that an account has verified.
	VerifiedAddresses(ctx context.Context, keys []string) ([]string, error)
	// InsertInvitations stores invitations and the messages that send them, all or none.
	InsertInvitations(ctx context.Context, list []*onetimelink.Link, messages []*mail.Message) error
	// ListInvitations returns open invitations in the order of the keys of addresses.
	ListInvitations(ctx context.Context, after string, limit int, now time.Time) ([]*onetimelink.Link, error)
	// Invitation and DeleteInvitation return onetimelink.ErrInvalid if there is none.
	Invitation(ctx context.Context, key string, now time.Time) (*onetimelink.Link, error)
	DeleteInvitation(ctx context.Context, key string, now time.Time) error
}

// Invitations gives users links with which they create an account.
type Invitations struct {
	Issuer  string // without a trailing slash
	Groups  GroupStore
	Links   InvitationStore
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

// Invitation is the result for one [Invitee]: the link, unless a message sends it, or an error.
type Invitation struct {
	Invitee

	Link      string
	ExpiresAt time.Time
	// Invited reports that there was an open invitation for the address.
	Invited bool
	// Err is account.ErrBadEmail, account.ErrAddressTaken, [ErrRepeated], an [InvalidUserError] that
	// wraps account.ErrGroupNotFound, or a [*TooManyMailsError]; nil if the user is invited.
	Err error

	key string // of the address
}

// Link returns a link for the user, which ends an earlier one for the address, and when it
// expires. It returns [ErrSignUpOff] or the error of the [Invitation].
func (m *Invitations) Link(ctx context.Context, who Invitee) (link string, expiresAt time.Time, err error) {
	list, err := m.Invite(ctx, []Invitee{who}, false)
	if err != nil {
		return "", time.Time{}, err
	}
	return list[0].Link, list[0].ExpiresAt, list[0].Err
}

// Mail sends a link to the user. It returns [ErrSignUpOff], [ErrNoMail] or the error of the
// [Invitation].
func (m *Invitations) Mail(ctx context.Context, who Invitee) error {
	list, err := m.Invite(ctx, []Invitee{who}, true)
	if err != nil {
		return err
	}
	return list[0].Err
}

// Check returns what [Invitations.Invite] would do for each user, without doing it.
func (m *Invitations) Check(ctx context.Context, users []Invitee) ([]Invitation, error) {
	if m.Off {
		return nil, ErrSignUpOff
	}
	list := make([]Invitation, len(users))
	var keys, groups []string
	for i, who := range users {
		one := &list[i]
		one.Invitee = who
		if one.key, one.Err = account.AddressKey(who.Address); one.Err == nil && slices.Contains(keys, one.key) {
			one.Err = ErrRepeated
		}
		keys, groups = append(keys, one.key), append(groups, who.Groups...)
	}
	slices.Sort(groups)
	known, err := m.Groups.Groups(ctx, slices.Compact(groups))
	if err != nil {
		return nil, err
	}
	taken, err := m.Links.VerifiedAddresses(ctx, keys)
	if err != nil {
		return nil, err
	}
	invited, err := m.Links.Invited(ctx, keys, m.Now())
	if err != nil {
		return nil, err
	}
	for i := range list {
		one := &list[i]
		one.Invited = slices.Contains(invited, one.key)
		for _, name := range one.Groups {
			if one.Err == nil && !slices.ContainsFunc(known, func(g *account.Group) bool { return g.Name == name }) {
				one.Err = invalidUser("groups: %s: %w", name, account.ErrGroupNotFound)
			}
		}
		if one.Err == nil && slices.Contains(taken, one.key) {
			one.Err = account.ErrAddressTaken
		}
	}
	return list, nil
}

// insertedTogether bounds the invitations of one transaction.
const insertedTogether = 50

// Invite invites the users that can be invited, and returns the result for each. A link ends an
// earlier one for the address. It returns [ErrSignUpOff], and [ErrNoMail] if it should send mail and
// the server sends none.
func (m *Invitations) Invite(ctx context.Context, users []Invitee, byMail bool) ([]Invitation, error) {
	if byMail && !m.HasMail {
		return nil, ErrNoMail
	}
	list, err := m.Check(ctx, users)
	if err != nil {
		return nil, err
	}
	if byMail {
		if err := m.countMails(ctx, list); err != nil {
			return nil, err
		}
	}
	for some := range slices.Chunk(list, insertedTogether) {
		var links []*onetimelink.Link
		var messages []*mail.Message
		for i := range some {
			one := &some[i]
			if one.Err != nil {
				continue
			}
			now := m.Now()
			l, token := onetimelink.New(onetimelink.Invitation, "", one.key, now)
			l.Data = onetimelink.Data{Groups: one.Groups, InvitedBy: one.By}
			links, one.ExpiresAt = append(links, l), l.ExpiresAt
			if !byMail {
				one.Link = onetimelink.URL(m.Issuer, l.Kind, token)
				continue
			}
			// The worker replaces the link, whose token is lost here, unless it has been withdrawn.
			message := mail.New(mail.Invitation, one.Address, now)
			message.Data = map[string]string{"groups": strings.Join(one.Groups, "\n"), "invited_by": one.By, mail.Listed: "yes"}
			messages = append(messages, message)
		}
		if err := m.Links.InsertInvitations(ctx, links, messages); err != nil {
			return nil, err
		}
	}
	if byMail {
		m.Outbox.Wake()
	}
	return list, nil
}

// concurrentCounts bounds the concurrent statements that count messages.
const concurrentCounts = 16

// countMails counts a message to each user that can be invited.
func (m *Invitations) countMails(ctx context.Context, list []Invitation) error {
	var all sync.WaitGroup
	slots, failed := make(chan struct{}, concurrentCounts), make([]error, len(list))
	for i := range list {
		if list[i].Err != nil {
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			failed[i] = m.Limits.count(ctx, mail.Invitation, list[i].Address, m.Now())
		})
	}
	all.Wait()
	for i, err := range failed {
		if _, tooMany := errors.AsType[*TooManyMailsError](err); err != nil && !tooMany {
			return err
		}
		if err != nil {
			list[i].Err = err
		}
	}
	return nil
}

// Withdraw ends the open invitation for an address. It returns account.ErrBadEmail, and
// onetimelink.ErrInvalid if there is none.
func (m *Invitations) Withdraw(ctx context.Context, address string) error {
	key, err := account.AddressKey(address)
	if err != nil {
		return err
	}
	return m.Links.DeleteInvitation(ctx, key, m.Now())
}

// Find returns the open invitation for an address. It returns account.ErrBadEmail, and
// onetimelink.ErrInvalid if there is none.
func (m *Invitations) Find(ctx context.Context, address string) (*onetimelink.Link, error) {
	key, err := account.AddressKey(address)
	if err != nil {
		return nil, err
	}
	return m.Links.Invitation(ctx, key, m.Now())
}
