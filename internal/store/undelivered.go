package store

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/store/db"
)

// MailsInState returns up to limit messages in a state, in descending order of the time of their next or last
// attempt, starting after the message after; nil starts at the first. It reads an index.
func (s *Mails) MailsInState(ctx context.Context, state mail.State, after *mail.Message, limit int) (list []*mail.Message, err error) {
	const read = `
		SELECT ` + mailColumns + ` FROM mails
		WHERE state = $1 AND due_at <= $2 AND (due_at < $2 OR id < $3) ORDER BY due_at DESC, id DESC LIMIT $4`

	due, id := int64(math.MaxInt64), ""
	if after != nil {
		due, id = stamp(after.DueAt), after.ID
	}
	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		m, err := scanMail(from)
		list = append(list, m)
		return err
	}, read, string(state), due, id, limit)
	if err != nil {
		return nil, fmt.Errorf("list mails: %w", err)
	}
	return list, nil
}

// claimMargin is longer than the claim of a message. No worker sends a message whose next attempt is later.
const claimMargin = 2 * time.Minute

// RetryMail makes a message due that has failed, or that waits for its next attempt. It gets the full time for
// delivery. RetryMail returns [mail.ErrNotFound] for any other message.
func (s *Mails) RetryMail(ctx context.Context, id string, now time.Time) error {
	const retry = `
		UPDATE mails SET state = 'pending', attempts = 0, due_at = $2, until = $3, ended_at = NULL, purge_after = NULL
		WHERE id = $1 AND (state = 'failed' OR state = 'pending' AND due_at > $4)`

	changed, err := s.db.LongWrite.Exec(ctx, retry, id, now.UnixMicro(), now.Add(mail.RetryPeriod).UnixMicro(), now.Add(claimMargin).UnixMicro())
	if err != nil {
		return fmt.Errorf("retry mail: %w", err)
	}
	if changed == 0 {
		return mail.ErrNotFound
	}
	return nil
}

// RetryFailedMails makes all failed messages due, and returns how many.
func (s *Mails) RetryFailedMails(ctx context.Context, now time.Time) (int, error) {
	const retry = `
		UPDATE mails SET state = 'pending', attempts = 0, due_at = $1, until = $2, ended_at = NULL, purge_after = NULL
		WHERE state = 'failed' AND id IN (SELECT id FROM mails WHERE state = 'failed'` + limit + `)`

	retried, err := inBatches(ctx, s.db.LongWrite, retry, now.UnixMicro(), now.Add(mail.RetryPeriod).UnixMicro())
	if err != nil {
		return int(retried), fmt.Errorf("retry mails: %w", err)
	}
	return int(retried), nil
}

// NoticesInState returns up to limit notices in a state, ordered by client and by the time of their next or last
// attempt, starting after the notice after; nil starts at the first. It reads an index.
func (s *Outbox) NoticesInState(ctx context.Context, state outbox.State, after *outbox.Notice, limit int) (list []*outbox.Notice, err error) {
	const read = `
		SELECT ` + noticeColumns + ` FROM notices
		WHERE state = $1 AND (client_id, due_at, id) > ($2, $3, $4) ORDER BY client_id, due_at, id LIMIT $5`

	if after == nil {
		after = &outbox.Notice{}
	}
	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		n, err := scanNotice(from)
		list = append(list, n)
		return err
	}, read, string(state), after.ClientID, stamp(after.DueAt), after.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("list notices: %w", err)
	}
	return list, nil
}

// RetryFailedNotices makes all failed notices due, and returns how many.
func (s *Outbox) RetryFailedNotices(ctx context.Context, now time.Time) (int, error) {
	const retry = `
		UPDATE notices SET state = 'pending', attempts = 0, due_at = $1, until = $2, ended_at = NULL, purge_after = NULL
		WHERE state = 'failed' AND id IN (SELECT id FROM notices WHERE state = 'failed'` + limit + `)`

	retried, err := inBatches(ctx, s.db.LongWrite, retry, now.UnixMicro(), now.Add(outbox.RetryPeriod).UnixMicro())
	if err != nil {
		return int(retried), fmt.Errorf("retry notices: %w", err)
	}
	return int(retried), nil
}
