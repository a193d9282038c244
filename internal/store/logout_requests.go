package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/store/db"
)

// LogoutRequests stores logout requests that wait for a custom logout app.
type LogoutRequests struct{ db *db.DB }

const signOutColumns = `id, session_id, subject, client_id, redirect, state, created_at, expires_at,
	decision, decided_at, verifier, spent_at`

func signOutInto(o *authrequest.LogoutRequest) []any {
	return []any{
		&o.ID, &o.SessionID, &o.Subject, &o.ClientID, &o.Redirect, &o.State, intoTime(&o.CreatedAt), intoTime(&o.ExpiresAt),
		intoText(&o.Decision), intoTime(&o.DecidedAt), intoBytes(&o.VerifierHash), intoTime(&o.VerifierUsedAt),
	}
}

// InsertLogoutRequest stores a logout request for a custom logout app.
func (s *LogoutRequests) InsertLogoutRequest(ctx context.Context, o *authrequest.LogoutRequest) error {
	const insert = `
		INSERT INTO sign_outs (` + signOutColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`

	_, err := s.db.Write.Exec(ctx, insert, o.ID, o.SessionID, o.Subject, o.ClientID, o.Redirect, o.State,
		stamp(o.CreatedAt), stamp(o.ExpiresAt), string(o.Decision), micros(o.DecidedAt), o.VerifierHash, micros(o.VerifierUsedAt))
	if err != nil {
		return fmt.Errorf("insert sign-out: %w", err)
	}
	return nil
}

// LogoutRequest returns a pending logout request, or [authrequest.ErrNotFound].
func (s *LogoutRequests) LogoutRequest(ctx context.Context, id string, now time.Time) (*authrequest.LogoutRequest, error) {
	const read = `
		SELECT ` + signOutColumns + `, (SELECT s.provider_session FROM sessions s WHERE s.id = sign_outs.session_id)
		FROM sign_outs WHERE id = $1 AND expires_at > $2`

	o := &authrequest.LogoutRequest{}
	err := s.db.Read.QueryRow(ctx, read, id, now.UnixMicro()).Scan(append(signOutInto(o), intoText(&o.IdentityProviderSessionID))...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, authrequest.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read sign-out: %w", err)
	}
	return o, nil
}

// AnswerLogout records the decision of a custom logout app. The first decision is final; later ones get [authrequest.ErrAlreadyDecided].
func (s *LogoutRequests) AnswerLogout(ctx context.Context, id string, d authrequest.Decision, verifier []byte, now time.Time) error {
	const answer = `
		UPDATE sign_outs SET decision = $2, verifier = $3, decided_at = $4
		WHERE id = $1 AND decision = '' AND expires_at > $4`

	answered, err := s.db.Write.Exec(ctx, answer, id, string(d), verifier, now.UnixMicro())
	if err != nil {
		return fmt.Errorf("answer sign-out: %w", err)
	}
	if answered == 0 {
		if _, err := s.LogoutRequest(ctx, id, now); err != nil {
			return err
		}
		return authrequest.ErrAlreadyDecided
	}
	return nil
}

// RedeemLogout redeems the verifier of an accepted logout request and returns the
// request. It is a compare-and-set: of any number of concurrent callers one succeeds.
// Later calls, and calls with another verifier, get [authrequest.ErrNotFound].
func (s *LogoutRequests) RedeemLogout(ctx context.Context, id string, verifier []byte, now time.Time) (*authrequest.LogoutRequest, error) {
	const spend = `
		UPDATE sign_outs SET spent_at = $3
		WHERE id = $1 AND verifier = $2 AND decision = 'accepted' AND spent_at IS NULL AND expires_at > $3
		RETURNING ` + signOutColumns

	o := &authrequest.LogoutRequest{}
	err := s.db.Write.QueryRow(ctx, spend, id, verifier, now.UnixMicro()).Scan(signOutInto(o)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, authrequest.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("spend sign-out: %w", err)
	}
	return o, nil
}
