package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// SignInWithPasskey records a sign-in with a passkey in one transaction: the challenge is
// marked as used and the sign-in recorded on the authorization request, the counter and the
// last use are recorded on the passkey, the session begins, and the device and the network
// become known. Both updates are compare-and-set. Messages to the user, about a new device or a
// counter that went back, are in the transaction too.
//
// It returns [authrequest.ErrNotFound] for an unknown or expired request, [passkey.ErrSpent]
// if the challenge was used before, [passkey.ErrCounterChanged] if the passkey was used or
// removed in the meantime, and [account.ErrDisabled].
func (s *Sessions) SignInWithPasskey(ctx context.Context, in session.PasskeySignIn) error {
	more, err := s.consequencesOf(ctx, in)
	if err != nil {
		return err
	}
	if in.Current == nil {
		err = s.db.Batch(ctx, append([]db.Statement{
			spendRequestChallenge(in), usePasskey(in), insertPasskeySession(in.Session, in.Use.Passkey.ID), noteOf(in),
		}, more...)...)
	} else {
		err = s.renewWithPasskey(ctx, in, more)
	}
	switch {
	case errors.Is(err, errPasskeyUse), err != nil && s.db.Engine.IsNullViolation(err):
		return s.passkeySignInError(ctx, in)
	case err != nil:
		return fmt.Errorf("sign in with passkey: %w", err)
	}
	return nil
}

// consequencesOf returns the statements that follow those of an ordinary sign-in: none for a known
// device and a counter that has increased. For messages it reads the account.
func (s *Sessions) consequencesOf(ctx context.Context, in session.PasskeySignIn) (list []db.Statement, err error) {
	if in.NewDevice {
		list = append(list, trimSourcesOf(in.Account.Subject))
	}
	if !in.NewDevice && !in.Use.CounterBack {
		return list, nil
	}
	messages, err := s.notices.compose(ctx, s.db.Read, in.Account.Subject, func(a *account.Account) (messages []*mail.Message) {
		if in.Use.CounterBack {
			of := in.Use.Passkey.Info()
			messages = mail.CredentialNotices(mail.PasskeyCopied, a, of.Kind, of.Label, in.Use.At)
		}
		if in.NewDevice {
			messages = append(messages, newDeviceNotices(a, in.Session.Origin, in.Use.At)...)
		}
		return messages
	})
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		insert, err := insertMailOf(m)
		if err != nil {
			return nil, err
		}
		list = append(list, insert)
	}
	return list, nil
}

// spendRequestChallenge marks the challenge as used and records the sign-in.
func spendRequestChallenge(in session.PasskeySignIn) db.Statement {
	const record = `
		UPDATE requests SET session_id = $2, signed_in_at = $3, first_factor = NULL, challenge_spent_at = $4
		WHERE id = $1 AND expires_at > $3 AND challenge_spent_at < $4`

	return db.Statement{Text: record, Args: []any{in.RequestID, in.Session.ID, in.Use.At.UnixMicro(), in.Use.IssuedAt.UnixMicro()}}
}

// usePasskey records the use of the passkey, if the request has recorded the session.
func usePasskey(in session.PasskeySignIn) db.Statement {
	use := recordUse(in.Use, in.Session.ID)
	use.Text += ` AND EXISTS (SELECT 1 FROM requests WHERE requests.id = $9 AND requests.session_id = $6)`
	use.Args = append(use.Args, in.RequestID)
	return use
}

// recordUse records a use of a passkey, from which the session with the ID begins, unless it was
// used or removed in the meantime.
func recordUse(u *passkey.Use, sessionID string) db.Statement {
	const use = `
		UPDATE passkeys SET counter = $3, last_used_at = $4, backed_up = $5, last_session = $6,
			counter_back_at = CASE WHEN $7 = 1 THEN $4 ELSE counter_back_at END
		WHERE id = $1 AND subject = $2 AND counter = $8`

	return db.Statement{Text: use, Args: []any{
		u.Passkey.ID, u.Passkey.Subject, int64(u.Counter), u.At.UnixMicro(), flag(u.BackedUp), sessionID,
		flag(u.CounterBack), int64(u.Passkey.Counter),
	}}
}

// insertPasskeySession begins a session if the passkey has recorded its ID and the account
// is enabled. Otherwise the subject is NULL, so that the transaction fails.
func insertPasskeySession(n *session.Session, passkeyID []byte) db.Statement {
	const insert = `
		INSERT INTO sessions (` + sessionColumns + `)
		VALUES ($1, $2, (SELECT a.subject FROM passkeys p JOIN accounts a ON a.subject = p.subject AND a.disabled_at IS NULL
			WHERE p.id = $17 AND p.subject = $3 AND p.last_session = $1), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`

	return db.Statement{Text: insert, Args: append(sessionValues(n), passkeyID)}
}

// noteOf returns the statement that makes the device and the network known.
func noteOf(in session.PasskeySignIn) db.Statement {
	return noteSource(in.Account, in.Source, in.SourceSince, in.Use.At)
}

// renewWithPasskey is SignInWithPasskey for a browser that has a session. It runs more afterwards.
func (s *Sessions) renewWithPasskey(ctx context.Context, in session.PasskeySignIn, more []db.Statement) error {
	var gone endedSessions
	err := s.db.Tx(ctx, func(c db.Conn) (err error) {
		for _, step := range []func() error{
			func() error { return s.placeSession(ctx, c, in, &gone) },
			func() error { return changeOne(ctx, c, spendRequestChallenge(in)) },
			func() error { return changeOne(ctx, c, usePasskey(in)) },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		for _, next := range append([]db.Statement{noteOf(in)}, more...) {
			if _, err := c.Exec(ctx, next.Text, next.Args...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || gone.ids == nil {
		return err
	}
	return s.revokeGrantsIn(ctx, s.db.LongWrite, gone, in.Session.CreatedAt)
}

// placeSession renews the current session of the same account, or ends that of another one
// and begins a new one.
func (s *Sessions) placeSession(ctx context.Context, on db.Conn, in session.PasskeySignIn, gone *endedSessions) (err error) {
	if in.Current.Subject == in.Session.Subject {
		err = renewSession(ctx, on, in.OldCookie, in.Session)
		if !errors.Is(err, session.ErrNotFound) {
			return err
		}
		return insertSession(ctx, on, in.Session) // it ended during the authentication
	}
	*gone, err = s.replaceSession(ctx, on, in.Session, in.OldCookie)
	return err
}

// errPasskeyUse reports a statement that changed no row.
var errPasskeyUse = errors.New("the use of the passkey was not recorded")

// changeOne runs a statement that must change a row.
func changeOne(ctx context.Context, on db.Conn, s db.Statement) error {
	changed, err := on.Exec(ctx, s.Text, s.Args...)
	if err == nil && changed == 0 {
		err = errPasskeyUse
	}
	return err
}

// passkeySignInError returns the reason for which a sign-in was not recorded.
func (s *Sessions) passkeySignInError(ctx context.Context, in session.PasskeySignIn) error {
	const read = `
		SELECT (SELECT r.challenge_spent_at FROM requests r WHERE r.id = $1 AND r.expires_at > $2),
			(SELECT a.disabled_at FROM accounts a WHERE a.subject = $3)`

	var spent sql.NullInt64
	var disabled time.Time
	err := s.db.Read.QueryRow(ctx, read, in.RequestID, in.Use.At.UnixMicro(), in.Use.Passkey.Subject).Scan(&spent, intoTime(&disabled))
	switch {
	case err != nil:
		return fmt.Errorf("read request: %w", err)
	case !spent.Valid:
		return authrequest.ErrNotFound
	case spent.Int64 >= in.Use.IssuedAt.UnixMicro():
		return passkey.ErrSpent
	case !disabled.IsZero():
		return account.ErrDisabled
	}
	return passkey.ErrCounterChanged
}
