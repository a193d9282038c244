package store

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/store/db"
)

// notices adds messages to users in the transaction of the change that they tell of.
type notices struct{ enabled atomic.Bool }

// NotifyUsers makes later changes of credentials and addresses, and sign-ins from new devices,
// add a message for each verified address of the account, for a server that sends mail.
func (s *Store) NotifyUsers() {
	s.Accounts.notices.enabled.Store(true) // all repositories share it
}

// enqueue adds the messages that write returns for the account. It adds none for an unknown
// account.
func (n *notices) enqueue(ctx context.Context, on db.Conn, subject string, write func(*account.Account) []*mail.Message) error {
	messages, err := n.compose(ctx, on, subject, write)
	if err != nil {
		return err
	}
	return insertMails(ctx, on, messages)
}

// compose returns the messages of enqueue.
func (n *notices) compose(
	ctx context.Context, on db.Conn, subject string, write func(*account.Account) []*mail.Message,
) ([]*mail.Message, error) {
	if !n.enabled.Load() {
		return nil, nil
	}
	a, err := accountBySubject(ctx, on, subject)
	if errors.Is(err, account.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return write(a), nil
}

// ofCredential records that a credential of the account was added or removed, and adds the
// messages of the kind about it.
func (n *notices) ofCredential(ctx context.Context, on db.Conn, kind mail.Kind, subject string, of credential.Info, now time.Time) error {
	if kind == mail.PasskeyCopied { // no change of the credential
		return n.enqueue(ctx, on, subject, func(a *account.Account) []*mail.Message {
			return mail.CredentialNotices(kind, a, of.Kind, of.Label, now)
		})
	}
	what := activity.CredentialAdded
	if kind == mail.CredentialRemoved {
		what = activity.CredentialRemoved
	}
	if err := recordActivity(ctx, on, activity.New(what, subject, strings.TrimSpace(string(of.Kind)+" "+of.Label), now)); err != nil {
		return err
	}
	return n.enqueue(ctx, on, subject, func(a *account.Account) []*mail.Message {
		return mail.CredentialNotices(kind, a, of.Kind, of.Label, now)
	})
}
