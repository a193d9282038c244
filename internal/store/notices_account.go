package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// ofPassword records that the password of an account was changed, and tells its user.
func (n *notices) ofPassword(ctx context.Context, on db.Conn, subject string, now time.Time) error {
	if err := recordActivity(ctx, on, activity.New(activity.PasswordChanged, subject, "", now)); err != nil {
		return err
	}
	return n.enqueue(ctx, on, subject, func(a *account.Account) []*mail.Message {
		return mail.Notices(mail.PasswordChanged, a, map[string]string{"username": a.Name()}, now)
	})
}

// newAccount is the age up to which an account gets no notice of a new device: its user has just
// signed up.
const newAccount = 10 * time.Minute

// ofUnknownDevice tells the user that the account signed in from a new device, unless it has signed
// in with the device before.
func (n *notices) ofUnknownDevice(ctx context.Context, on db.Conn, subject string, device []byte, from session.Origin, now time.Time) error {
	const known = `SELECT count(*) FROM known_sources WHERE digest = $1 AND subject = $2`

	if !n.enabled.Load() {
		return nil
	}
	var count int64
	if err := on.QueryRow(ctx, known, device, subject).Scan(&count); err != nil {
		return fmt.Errorf("look for device: %w", err)
	}
	if count > 0 {
		return nil
	}
	return n.enqueue(ctx, on, subject, func(a *account.Account) []*mail.Message { return newDeviceNotices(a, from, now) })
}

// newDeviceNotices returns the messages about a sign-in from a new device, none for an account that
// was just created.
func newDeviceNotices(a *account.Account, from session.Origin, now time.Time) []*mail.Message {
	if now.Before(a.CreatedAt.Add(newAccount)) {
		return nil
	}
	return mail.DeviceNotices(a, from.Browser, from.System, from.Network, now)
}

// ofAddresses records how the addresses of an account have changed, and tells all that were
// verified before.
func (n *notices) ofAddresses(ctx context.Context, on db.Conn, a, before *account.Account, now time.Time) error {
	var messages []*mail.Message
	for _, c := range account.AddressChanges(a, before) {
		kind, event := mail.AddressAdded, activity.AddressAdded
		switch c.Kind {
		case account.AddressVerified:
			kind, event = "", activity.AddressVerified // its addition was told
		case account.AddressRemoved:
			kind, event = mail.AddressRemoved, activity.AddressRemoved
		case account.PrimaryChanged:
			kind, event = mail.PrimaryChanged, activity.PrimaryChanged
		case account.AddressAdded:
		}
		if err := recordActivity(ctx, on, activity.New(event, a.Subject, c.Address, now)); err != nil {
			return err
		}
		if kind != "" {
			messages = append(messages, mail.AddressNotices(kind, before, c.Address, now)...)
		}
	}
	if !n.enabled.Load() {
		return nil
	}
	return insertMails(ctx, on, messages)
}

// ofDeletion records the request to delete an account, or that it was undone, and tells the
// user.
func (n *notices) ofDeletion(ctx context.Context, on db.Conn, event activity.Kind, kind mail.Kind, subject string, now time.Time) error {
	if err := recordActivity(ctx, on, activity.New(event, subject, "", now)); err != nil {
		return err
	}
	return n.enqueue(ctx, on, subject, func(a *account.Account) []*mail.Message {
		data := map[string]string{"username": a.Name()}
		if at := a.DeletesAt(); !at.IsZero() {
			data["detail"] = at.Format(time.DateOnly)
		}
		return mail.Notices(kind, a, data, now)
	})
}
