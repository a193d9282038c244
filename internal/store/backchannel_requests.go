package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/store/db"
)

// BackchannelRequests stores backchannel authentication requests (CIBA).
type BackchannelRequests struct{ db *db.DB }

const backchannelColumns = `grant_bucket, grant_id, client_id, subject, detail, notification, seed, wait, created_at, expires_at, polled_at, denied_at`

func backchannelInto(r *ciba.Request) []any {
	return []any{
		(*uint32)(&r.Grant.Partition), intoID(&r.Grant.ID), &r.ClientID, &r.Subject, intoDocument(&r.Details), intoBytes(&r.Notification), intoBytes(&r.Seed),
		intoSpan(&r.Interval), intoTime(&r.CreatedAt), intoTime(&r.ExpiresAt), intoTime(&r.PolledAt), intoTime(&r.DeniedAt),
	}
}

func (s *BackchannelRequests) waiting() waiting {
	return waiting{s.db, "backchannel_requests", ciba.ErrNotFound}
}

// AccountByHint returns the account for a name that a user would enter, as [Accounts.AccountBySignInName]
// does, or else the account of subject, or [account.ErrNotFound]. It is one statement in each case.
func (s *BackchannelRequests) AccountByHint(ctx context.Context, name, subject string) (*account.Account, error) {
	return accountByHint(ctx, s.db.Read, name, subject)
}

// Arrival is a new request with the limits that it has to keep.
type Arrival struct {
	*ciba.Request

	// Person is the user whose requests the limits count: the hint, if it names no user.
	Person string
	ciba.Limits
	// WrongHints is the number of hints without a user that the client may send in an hour; 0 is any.
	WrongHints int
	// Tell is a message about the request, nil for none. It is stored for unknown users too, and then
	// not sent.
	Tell *mail.Message
}

// InsertBackchannel adds a request, which is denied if the user blocks its client. It returns a
// [*ciba.TooManyError] if a limit is reached. The statements do
// not depend on whether the hint names a user. The counters of attempts serialize the requests for one
// person, so that concurrent requests do not exceed the limits.
func (s *BackchannelRequests) InsertBackchannel(ctx context.Context, a *Arrival) error {
	const insert = `
		INSERT INTO backchannel_requests (` + backchannelColumns + `, person, early)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)`

	detail, err := document(a.Details)
	if err != nil {
		return fmt.Errorf("write backchannel request: %w", err)
	}
	err = s.db.Tx(ctx, func(c db.Conn) error {
		blocked, err := isBlocked(ctx, c, a.Request)
		switch {
		case err != nil:
			return err
		case blocked:
			a.DeniedAt, a.Tell = a.CreatedAt, nil
			if err := s.notify(ctx, c, a.Request, a.CreatedAt); err != nil {
				return err
			}
		default:
			if err := a.count(ctx, c); err != nil {
				return err
			}
		}
		_, err = c.Exec(ctx, insert, int64(a.Grant.Partition), a.Grant.ID[:], a.ClientID, a.Subject, detail, optionalBytes(a.Notification), a.Seed,
			a.Interval.Microseconds(), stamp(a.CreatedAt), stamp(a.ExpiresAt), micros(a.PolledAt), micros(a.DeniedAt), digest(a.Person))
		if err != nil || a.Tell == nil {
			return err
		}
		return insertMails(ctx, c, []*mail.Message{a.Tell})
	})
	if err != nil {
		return fmt.Errorf("insert backchannel request: %w", err)
	}
	return nil
}

// count counts the request against its limits.
func (a *Arrival) count(ctx context.Context, on db.Conn) error {
	const open = `
		SELECT count(*), min(expires_at) FROM backchannel_requests
		WHERE person = $1 AND expires_at > $2 AND denied_at IS NULL AND allowed_at IS NULL`

	now := a.CreatedAt
	wrong := 0
	if a.Subject == "" {
		wrong = 1
	}
	for _, limit := range []struct {
		setting, key string
		add, most    int
	}{
		{"ciba_wrong_hints_per_client", "ciba hints of " + a.ClientID, wrong, a.WrongHints},
		{"ciba_requests_per_user", "ciba user " + a.Person, 1, a.PerHour},
	} {
		if limit.most == 0 {
			continue
		}
		count, since, err := countAttempts(ctx, on, limit.key, limit.add, time.Hour, now)
		if err != nil {
			return err
		}
		if count-limit.add >= limit.most {
			return &ciba.TooManyError{Limit: limit.setting, RetryAfter: since.Add(time.Hour).Sub(now)}
		}
	}
	if a.Open == 0 {
		return nil
	}
	var count int
	var first time.Time
	if err := on.QueryRow(ctx, open, digest(a.Person), now.UnixMicro()).Scan(&count, intoTime(&first)); err != nil {
		return err
	}
	if count >= a.Open {
		return &ciba.TooManyError{Limit: "ciba_open_requests_per_user", RetryAfter: first.Sub(now)}
	}
	return nil
}

// PollBackchannel records a poll of a request and returns its state. A poll that comes too early increases
// the interval. It returns [ciba.ErrExpired] for an expired or unknown request, and [grant.ErrNotFound]
// for the request of another client.
func (s *BackchannelRequests) PollBackchannel(ctx context.Context, p grant.Poll) (*grant.PollState, error) {
	state := &grant.PollState{}
	var err error
	state.TooEarly, state.Allowed, err = s.waiting().poll(ctx, p, `seed, denied_at`, []any{intoBytes(&state.Seed), intoTime(&state.DeniedAt)})
	if err == nil {
		return state, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("poll backchannel request: %w", err)
	}
	clientID, err := s.waiting().clientOf(ctx, p.Ref)
	switch {
	case err != nil:
		return nil, fmt.Errorf("read backchannel request: %w", err)
	case clientID == "":
		return nil, refusal.Wrap(ciba.ErrExpired, refusal.AuthReqIDUnknown, "the request is unknown or was removed after it expired")
	case clientID != p.ClientID:
		return nil, refusal.Wrap(grant.ErrNotFound, refusal.AuthReqIDOtherClient, "it was issued to another client", refusal.Registered("issued_to", clientID))
	default:
		return nil, refusal.Wrap(ciba.ErrExpired, refusal.AuthReqIDExpired, "no user decided the request in time")
	}
}

// OpenBackchannel returns a request that waits for a decision, or [ciba.ErrNotFound].
func (s *BackchannelRequests) OpenBackchannel(ctx context.Context, id grant.ID, now time.Time) (*ciba.Request, error) {
	const read = `
		SELECT ` + backchannelColumns + ` FROM backchannel_requests
		WHERE ` + undecided

	r := &ciba.Request{}
	err := s.db.Read.QueryRow(ctx, read, id[:], now.UnixMicro()).Scan(backchannelInto(r)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ciba.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read backchannel request: %w", err)
	}
	return r, nil
}

// ListBackchannel returns up to limit requests that wait for a decision, in the order of their expiry,
// after the request after unless it is nil. A subject selects those of one user.
func (s *BackchannelRequests) ListBackchannel(ctx context.Context, subject string, after *ciba.Request, limit int, now time.Time) (list []*ciba.Request, err error) {
	read := `
		SELECT ` + backchannelColumns + ` FROM backchannel_requests
		WHERE (expires_at, grant_id) > ($1, $2) AND denied_at IS NULL AND allowed_at IS NULL AND subject <> ''`
	args := []any{now.UnixMicro(), []byte{0xff}, limit}
	if after != nil && after.ExpiresAt.After(now) {
		args[0], args[1] = after.ExpiresAt.UnixMicro(), after.Grant.ID[:]
	}
	if subject != "" {
		read += ` AND subject = $4`
		args = append(args, subject)
	}
	err = s.db.Read.Query(ctx, func(from db.Scanner) error {
		r := &ciba.Request{}
		list = append(list, r)
		return from.Scan(backchannelInto(r)...)
	}, read+` ORDER BY expires_at, grant_id LIMIT $3`, args...)
	if err != nil {
		return nil, fmt.Errorf("list backchannel requests: %w", err)
	}
	return list, nil
}

// AllowBackchannel inserts the grant of a request, which redeems it with its auth_req_id. It is a
// compare-and-set: it returns [ciba.ErrNotFound] if it was decided before, or has expired.
func (s *BackchannelRequests) AllowBackchannel(ctx context.Context, r *ciba.Request, g *grant.Grant, now time.Time) error {
	err := s.waiting().allow(ctx, g, now, func(c db.Conn) error { return s.notify(ctx, c, r, now) })
	if err != nil {
		return fmt.Errorf("allow backchannel request: %w", err)
	}
	return nil
}

// notify adds a notice for a client that registered for notifications.
func (s *BackchannelRequests) notify(ctx context.Context, on db.Conn, r *ciba.Request, now time.Time) error {
	if len(r.Notification) == 0 {
		return nil
	}
	n := outbox.New(outbox.BackchannelPing, r.ClientID, r.Subject, r.ID(), now)
	n.ExpiresAt = r.ExpiresAt
	return insertNotices(ctx, on, []*outbox.Notice{n})
}

// Backchannel returns a request in any state, or [ciba.ErrNotFound].
func (s *BackchannelRequests) Backchannel(ctx context.Context, id grant.ID) (*ciba.Request, error) {
	const read = `SELECT ` + backchannelColumns + ` FROM backchannel_requests WHERE grant_id = $1`

	r := &ciba.Request{}
	err := s.db.LongRead.QueryRow(ctx, read, id[:]).Scan(backchannelInto(r)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ciba.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read backchannel request: %w", err)
	}
	return r, nil
}

// DenyBackchannel records that a request was denied. It is a compare-and-set, as
// [BackchannelRequests.AllowBackchannel].
func (s *BackchannelRequests) DenyBackchannel(ctx context.Context, r *ciba.Request, now time.Time) error {
	return s.deny(ctx, r, now, func(db.Conn) error { return nil })
}

// deny denies a request, with more in the same transaction.
func (s *BackchannelRequests) deny(ctx context.Context, r *ciba.Request, now time.Time, more func(db.Conn) error) error {
	err := s.waiting().deny(ctx, r.Grant.ID, now, func(c db.Conn) error {
		if err := more(c); err != nil {
			return err
		}
		return s.notify(ctx, c, r, now)
	})
	if err != nil {
		return fmt.Errorf("deny backchannel request: %w", err)
	}
	return nil
}
