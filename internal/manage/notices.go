package manage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/outbox"
)

// NoticeStore reads and changes the notices of the outbox.
type NoticeStore interface {
	// Notices returns the notices that follow the ID after: of one client if clientID is not
	// empty, and in one state if state is not empty.
	Notices(ctx context.Context, clientID string, state outbox.State, after string, limit int) ([]*outbox.Notice, error)
	// RetryNotice makes an undelivered notice due. It returns outbox.ErrNotFound for an
	// unknown or delivered notice.
	RetryNotice(ctx context.Context, id string, now time.Time) error
	// DeleteNotice returns outbox.ErrNotFound for an unknown notice.
	DeleteNotice(ctx context.Context, id string) error
}

// Notices lists, retries and deletes the notices of the outbox.
type Notices struct {
	Store NoticeStore
	Now   func() time.Time
}

// List returns the notices of one client, or of all if clientID is empty, in one state, or in
// all if state is empty.
func (m *Notices) List(ctx context.Context, clientID string, state outbox.State) ([]*outbox.Notice, error) {
	return listAll(func(after string) ([]*outbox.Notice, error) {
		return m.Store.Notices(ctx, clientID, state, after, pageSize)
	}, noticeID)
}

func noticeID(n *outbox.Notice) string { return n.ID }

// Retry makes undelivered notices due, or none if an ID is unknown. It returns how many.
func (m *Notices) Retry(ctx context.Context, ids []string) (int, error) {
	undelivered, err := m.undelivered(ctx, "")
	if err != nil {
		return 0, err
	}
	if err := checkKnown(ids, undelivered, noticeID, "no undelivered notice has this ID"); err != nil {
		return 0, fmt.Errorf("nothing was retried:\n%w", err)
	}
	return len(ids), m.retry(ctx, ids)
}

// RetryAll makes all undelivered notices due, or those of one client if clientID is not empty.
// It returns how many.
func (m *Notices) RetryAll(ctx context.Context, clientID string) (int, error) {
	undelivered, err := m.undelivered(ctx, clientID)
	if err != nil {
		return 0, err
	}
	ids := make([]string, len(undelivered))
	for i, n := range undelivered {
		ids[i] = n.ID
	}
	return len(ids), m.retry(ctx, ids)
}

func (m *Notices) undelivered(ctx context.Context, clientID string) ([]*outbox.Notice, error) {
	pending, err := m.List(ctx, clientID, outbox.Pending)
	if err != nil {
		return nil, err
	}
	failed, err := m.List(ctx, clientID, outbox.Failed)
	return append(pending, failed...), err
}

func (m *Notices) retry(ctx context.Context, ids []string) error {
	for _, id := range ids {
		// A notice that was delivered since it was listed needs no retry.
		if err := m.Store.RetryNotice(ctx, id, m.Now()); err != nil && !errors.Is(err, outbox.ErrNotFound) {
			return err
		}
	}
	return nil
}

// Delete deletes notices, or none if an ID is unknown. They are not delivered. Deleted is
// called after each.
func (m *Notices) Delete(ctx context.Context, ids []string, deleted func(id string) error) error {
	all, err := m.List(ctx, "", "")
	if err != nil {
		return err
	}
	if err := checkKnown(ids, all, noticeID, "no notice has this ID"); err != nil {
		return fmt.Errorf("nothing was deleted:\n%w", err)
	}
	for _, id := range ids {
		if err := m.Store.DeleteNotice(ctx, id); err != nil && !errors.Is(err, outbox.ErrNotFound) {
			return err
		}
		if err := deleted(id); err != nil {
			return err
		}
	}
	return nil
}
