package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Mails stores messages to users until they are sent.
type Mails struct{ db *db.DB }

const mailColumns = `id, kind, subject, recipient, language, data, anonymous, state, created_at, due_at, until, attempts, fault, ended_at`

// Retention of finished messages: operators may look them up.
const (
	sentMailRetention   = 24 * time.Hour
	failedMailRetention = 30 * 24 * time.Hour
)

// maxAnonymousMails bounds the messages that requests without a user caused. The oldest are
// deleted.
const maxAnonymousMails = 100_000

func scanMail(from db.Scanner) (*mail.Message, error) {
	m := &mail.Message{}
	err := from.Scan(&m.ID, intoText(&m.Kind), &m.Subject, &m.To, &m.Language, intoOptional(&m.Data), intoFlag(&m.Anonymous), intoText(&m.State),
		intoTime(&m.CreatedAt), intoTime(&m.DueAt), intoTime(&m.ExpiresAt), &m.Attempts, &m.LastError, intoTime(&m.EndedAt))
	return m, err
}

// EnqueueMail adds messages to the outbox, all or none.
func (s *Mails) EnqueueMail(ctx context.Context, list ...*mail.Message) error {
	if len(list) == 1 {
		return insertMails(ctx, s.db.Write, list)
	}
	return s.db.Tx(ctx, func(c db.Conn) error { return insertMails(ctx, c, list) })
}

func insertMails(ctx context.Context, on db.Conn, list []*mail.Message) error {
	for _, m := range list {
		insert, err := insertMailOf(m)
		if err != nil {
			return err
		}
		if _, err = on.Exec(ctx, insert.Text, insert.Args...); err != nil {
			return fmt.Errorf("insert mail: %w", err)
		}
	}
	return nil
}

// insertMailOf returns the statement that adds a message.
func insertMailOf(m *mail.Message) (db.Statement, error) {
	const insert = `INSERT INTO mails (` + mailColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

	data, err := optionalDocument(m.Data)
	if err != nil {
		return db.Statement{}, fmt.Errorf("insert mail: %w", err)
	}
	return db.Statement{Text: insert, Args: []any{
		m.ID, string(m.Kind), m.Subject, m.To, m.Language, data, flag(m.Anonymous), string(m.State),
		stamp(m.CreatedAt), stamp(m.DueAt), stamp(m.ExpiresAt), m.Attempts, m.LastError, micros(m.EndedAt),
	}}, nil
}

// NextMail returns the time at which the first pending message is due, or [mail.ErrNotFound].
func (s *Mails) NextMail(ctx context.Context) (at time.Time, err error) {
	const read = `SELECT due_at FROM mails WHERE state = 'pending' ORDER BY due_at LIMIT 1`

	err = s.db.LongRead.QueryRow(ctx, read).Scan(intoTime(&at))
	if errors.Is(err, sql.ErrNoRows) {
		return at, mail.ErrNotFound
	}
	if err != nil {
		return at, fmt.Errorf("read next mail: %w", err)
	}
	return at, nil
}

// ClaimMail returns the next due message, counts the attempt, and hides the message from
// other callers until lease. Of concurrent callers one gets it. It returns
// [mail.ErrNotFound] if none is due, or if another caller got it.
func (s *Mails) ClaimMail(ctx context.Context, now, lease time.Time) (*mail.Message, error) {
	const claim = `
		UPDATE mails SET due_at = $2, attempts = attempts + 1
		WHERE state = 'pending' AND due_at <= $1 AND id IN (
			SELECT id FROM mails WHERE state = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT 1)
		RETURNING ` + mailColumns

	m, err := scanMail(s.db.LongWrite.QueryRow(ctx, claim, now.UnixMicro(), lease.UnixMicro()))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, mail.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("claim mail: %w", err)
	}
	return m, nil
}

// PostponeMail records the failure of a claimed message and the time of the next attempt. It
// does nothing if the message was claimed again since.
func (s *Mails) PostponeMail(ctx context.Context, m *mail.Message, dueAt time.Time) error {
	const postpone = `UPDATE mails SET due_at = $3, fault = $4 WHERE id = $1 AND attempts = $2 AND state = 'pending'`

	if _, err := s.db.LongWrite.Exec(ctx, postpone, m.ID, m.Attempts, dueAt.UnixMicro(), m.LastError); err != nil {
		return fmt.Errorf("postpone mail: %w", err)
	}
	return nil
}

// EndMail records that a claimed message is finished: it was sent, by this or a concurrent
// attempt, has failed, or is not to be sent.
func (s *Mails) EndMail(ctx context.Context, m *mail.Message, state mail.State, now time.Time) error {
	const end = `
		UPDATE mails SET state = $2, fault = $3, ended_at = $4, purge_after = $5
		WHERE id = $1 AND state = 'pending' AND ($2 = 'sent' OR attempts = $6)`

	kept := sentMailRetention
	if state == mail.Failed {
		kept = failedMailRetention
	}
	_, err := s.db.LongWrite.Exec(ctx, end, m.ID, string(state), m.LastError, now.UnixMicro(), now.Add(kept).UnixMicro(), m.Attempts)
	if err != nil {
		return fmt.Errorf("end mail: %w", err)
	}
	return nil
}

// MailFilter restricts a list of messages. An empty field matches all.
type MailFilter struct {
	Kind  mail.Kind
	State mail.State
}

// ListMails returns up to limit messages in the order of IDs, starting after the ID after.
func (s *Mails) ListMails(ctx context.Context, f MailFilter, after string, limit int) (list []*mail.Message, err error) {
	const read = `
		SELECT ` + mailColumns + ` FROM mails
		WHERE id > $1 AND ($2 = '' OR kind = $2) AND ($3 = '' OR state = $3) ORDER BY id LIMIT $4`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		m, err := scanMail(from)
		list = append(list, m)
		return err
	}, read, after, string(f.Kind), string(f.State), limit)
	if err != nil {
		return nil, fmt.Errorf("list mails: %w", err)
	}
	return list, nil
}

// PendingMails returns the number of pending messages.
func (s *Mails) PendingMails(ctx context.Context) (count int, err error) {
	var n int64
	if err := s.db.LongRead.QueryRow(ctx, `SELECT count(*) FROM mails WHERE state = 'pending'`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count mails: %w", err)
	}
	return int(n), nil
}

// CountMails returns the number of messages in a state, at most limit.
func (s *Mails) CountMails(ctx context.Context, state mail.State, limit int) (int, error) {
	const read = `SELECT 1 FROM mails WHERE state = $1`

	return countUpTo(ctx, s.db, read, string(state), limit)
}

// purgeAnonymousMails deletes the oldest messages of requests without a user above their
// maximum number. It reads the index of these messages, up to that number.
func (s *purger) purgeAnonymousMails(ctx context.Context, purged *Purged) error {
	const remove = `
		DELETE FROM mails WHERE id IN (
			SELECT id FROM mails WHERE anonymous = 1 ORDER BY created_at DESC` + limit + ` OFFSET $1)`

	removed, err := inBatches(ctx, s.db.LongWrite, remove, s.maxAnonymousMails)
	purged.Rows += removed
	if err != nil {
		return fmt.Errorf("purge mails: %w", err)
	}
	return nil
}
