package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Requests stores authorization requests that wait for the user.
type Requests struct{ db *db.DB }

const requestColumns = `id, browser, client_id, parameters, created_at, expires_at, grant_bucket, grant_id,
	session_id, signed_in_at, decision, decided_at, decided_for,
	login_session, login_skip, login_subject, login, login_spent_at, consent, verifier, device,
	first_factor, factor_declined_by`

// InsertRequest stores an authorization request that waits for the user.
func (s *Requests) InsertRequest(ctx context.Context, r *authrequest.Request) error {
	const insert = `
		INSERT INTO requests (` + requestColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`

	login, err := optionalDocument(r.LoginAnswer)
	if err != nil {
		return fmt.Errorf("write login: %w", err)
	}
	agreement, err := optionalDocument(r.ConsentAnswer)
	if err != nil {
		return fmt.Errorf("write consent: %w", err)
	}
	first, err := optionalDocument(r.FirstFactor)
	if err != nil {
		return fmt.Errorf("write first factor: %w", err)
	}
	_, err = s.db.Write.Exec(ctx, insert, r.ID, r.BrowserHash, r.ClientID, r.Parameters, stamp(r.CreatedAt), stamp(r.ExpiresAt),
		int64(r.Grant.Partition), r.Grant.ID[:], r.SessionID, micros(r.SignedInAt),
		string(r.Decision), micros(r.DecidedAt), r.DecidedFor,
		r.LoginSession, flag(r.LoginSkip), r.Subject, login, micros(r.LoginVerifierUsedAt), agreement, r.VerifierHash, flag(r.Device), first, r.FactorDeclinedBy)
	if err != nil {
		return fmt.Errorf("insert request: %w", err)
	}
	return nil
}

func requestInto(r *authrequest.Request) []any {
	return []any{
		&r.ID, intoBytes(&r.BrowserHash), &r.ClientID, &r.Parameters,
		intoTime(&r.CreatedAt), intoTime(&r.ExpiresAt), (*uint32)(&r.Grant.Partition), intoID(&r.Grant.ID),
		&r.SessionID, intoTime(&r.SignedInAt), intoText(&r.Decision), intoTime(&r.DecidedAt), &r.DecidedFor,
		&r.LoginSession, intoFlag(&r.LoginSkip), &r.Subject, intoOptional(&r.LoginAnswer), intoTime(&r.LoginVerifierUsedAt),
		intoOptional(&r.ConsentAnswer), intoBytes(&r.VerifierHash), intoFlag(&r.Device),
		intoOptional(&r.FirstFactor), &r.FactorDeclinedBy,
	}
}

// Request returns a pending request, or [authrequest.ErrNotFound].
func (s *Requests) Request(ctx context.Context, id string, now time.Time) (*authrequest.Request, error) {
	const read = `SELECT ` + requestColumns + ` FROM requests WHERE id = $1 AND expires_at > $2`

	r := &authrequest.Request{}
	err := s.db.Read.QueryRow(ctx, read, id, now.UnixMicro()).Scan(requestInto(r)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, authrequest.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	return r, nil
}

// RequestClient returns the client of a pending or expired request of a browser, or
// [authrequest.ErrNotFound] for a request of another browser. The request must be bound
// to the hash browser, or a user must have signed in for it in the session of the
// cookie hash cookie: after the decision the browser is not bound any more.
func (s *Requests) RequestClient(ctx context.Context, id string, browser, cookie []byte) (clientID string, err error) {
	const read = `
		SELECT client_id FROM requests
		WHERE id = $1 AND (browser = $2 OR EXISTS (SELECT 1 FROM sessions s WHERE s.cookie = $3 AND s.id = requests.session_id))`

	// NULL equals no value; nil would be the empty text on one engine.
	err = s.db.Read.QueryRow(ctx, read, id, optionalBytes(browser), optionalBytes(cookie)).Scan(&clientID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", authrequest.ErrNotFound
	}
	if err != nil {
		return "", fmt.Errorf("read request: %w", err)
	}
	return clientID, nil
}

// RecordSignIn records that a user signed in for a request at the given time. It
// returns [authrequest.ErrNotFound] for an unknown or expired request.
func (s *Requests) RecordSignIn(ctx context.Context, id, sessionID string, at, now time.Time) error {
	const record = `UPDATE requests SET session_id = $2, signed_in_at = $3, first_factor = NULL WHERE id = $1 AND expires_at > $4`

	return recordInRequest(ctx, s.db.Write, "record sign-in", record, id, sessionID, at.UnixMicro(), now.UnixMicro())
}

// recordInRequest runs an update of one pending request.
func recordInRequest(ctx context.Context, on db.Conn, what, update string, args ...any) error {
	recorded, err := on.Exec(ctx, update, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if recorded == 0 {
		return authrequest.ErrNotFound
	}
	return nil
}

// RecordChoice records that a user continues a request in an existing session. This is
// no authentication; a sign-in for the request in the same session stays valid. It
// returns [authrequest.ErrNotFound] for an unknown or expired request.
func (s *Requests) RecordChoice(ctx context.Context, id, sessionID string, now time.Time) error {
	const record = `
		UPDATE requests SET session_id = $2, signed_in_at = CASE WHEN session_id = $2 THEN signed_in_at END
		WHERE id = $1 AND expires_at > $3`

	return recordInRequest(ctx, s.db.Write, "record choice", record, id, sessionID, now.UnixMicro())
}

// RecordDecision records the decision of a subject about a request, and adds remember,
// if not nil, to the consents of the subject. The first decision of a subject is final; later ones get [authrequest.ErrAlreadyDecided] and change nothing. Decisions of other
// subjects do not count.
func (s *Requests) RecordDecision(
	ctx context.Context, id string, d authrequest.Decision, subject string, remember *consent.Consent, now time.Time,
) error {
	const record = `
		UPDATE requests SET decision = $2, decided_for = $3, decided_at = $4
		WHERE id = $1 AND (decision = '' OR decided_for <> $3) AND expires_at > $4`

	return s.recordDecision(ctx, record, id, d, subject, "", remember, now)
}

// RecordPartialConsent records that the subject has accepted a part of a request, whose new
// parameters name the scopes of that part, and adds the consent. Its errors are those of
// [Requests.RecordDecision].
func (s *Requests) RecordPartialConsent(ctx context.Context, id, subject, parameters string, remember *consent.Consent, now time.Time) error {
	const record = `
		UPDATE requests SET decision = $2, decided_for = $3, decided_at = $4, parameters = $5
		WHERE id = $1 AND (decision = '' OR decided_for <> $3) AND expires_at > $4`

	return s.recordDecision(ctx, record, id, authrequest.Accepted, subject, parameters, remember, now)
}

func (s *Requests) recordDecision(
	ctx context.Context, record, id string, d authrequest.Decision, subject, parameters string, remember *consent.Consent, now time.Time,
) error {
	args := []any{id, string(d), subject, now.UnixMicro()}
	if parameters != "" {
		args = append(args, parameters)
	}
	return s.db.Tx(ctx, func(c db.Conn) error {
		recorded, err := c.Exec(ctx, record, args...)
		if err != nil {
			return fmt.Errorf("record decision: %w", err)
		}
		if recorded == 0 {
			return decisionError(ctx, c, id, now)
		}
		if remember == nil {
			return nil
		}
		return addConsent(ctx, c, remember, now)
	})
}

func decisionError(ctx context.Context, on db.Conn, id string, now time.Time) error {
	const read = `SELECT decision FROM requests WHERE id = $1 AND expires_at > $2`

	var decision string
	err := on.QueryRow(ctx, read, id, now.UnixMicro()).Scan(&decision)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return authrequest.ErrNotFound
	case err != nil:
		return fmt.Errorf("read request: %w", err)
	default:
		return authrequest.ErrAlreadyDecided
	}
}
