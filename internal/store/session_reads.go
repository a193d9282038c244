package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// qualifiedSessionColumns are the columns of a session, for statements in which other
// tables have columns of the same names, and the username, the state and the accepted terms of
// its account.
const qualifiedSessionColumns = `
	s.id, s.cookie, s.subject, s.auth_time, s.acr, s.amr, s.remembered,
	s.created_at, s.seen_at, s.idle_until, s.ends_at, s.provider_session, s.second_factor_waived,
	s.browser, s.system, s.network, a.username, a.state, a.terms_version`

// liveSessions joins sessions to accounts that are enabled and have not revoked earlier
// sign-ins.
const liveSessions = `
	sessions s JOIN accounts a
	ON a.subject = s.subject AND a.disabled_at IS NULL AND a.not_before <= s.auth_time`

func sessionInto(n *session.Session) []any {
	return []any{
		intoText(&n.ID), intoBytes(&n.Cookie), intoText(&n.Subject), intoTime(&n.AuthTime), intoText(&n.ACR), intoWords(&n.AMR), intoFlag(&n.Remembered),
		intoTime(&n.CreatedAt), intoTime(&n.SeenAt), intoTime(&n.IdleUntil), intoTime(&n.EndsAt), intoText(&n.IdentityProviderSessionID), intoFlag(&n.SecondFactorWaived),
		intoText(&n.Origin.Browser), intoText(&n.Origin.System), intoText(&n.Origin.Network), intoName(&n.Username), intoText(&n.AccountState), intoText(&n.TermsVersion),
	}
}

// SessionAndConsent returns the live session of a cookie hash, or
// [session.ErrNotFound], with the claims of its account, and the consent of the user
// for a client: that of this session and the general one, merged; nil without one.
func (s *Sessions) SessionAndConsent(
	ctx context.Context, cookie []byte, clientID string, now time.Time,
) (*session.Session, *consent.Consent, error) {
	const read = `
		SELECT ` + qualifiedSessionColumns + `, ` + released + `, ` + consentColumns + `
		FROM ` + liveSessions + `
		LEFT JOIN consents c ON c.subject = s.subject AND c.client_id = $2
			AND (c.session_id = '' OR c.session_id = s.id)
			AND (c.expires_at IS NULL OR c.expires_at > $3)
		WHERE s.cookie = $1 AND s.idle_until > $3
		ORDER BY c.session_id`

	var (
		found      *session.Session
		remembered *consent.Consent
	)
	err := s.db.Read.Query(ctx, func(from db.Scanner) error {
		var (
			n session.Session
			c consent.Consent
		)
		if err := from.Scan(slices.Concat(sessionInto(&n), []any{intoReleased(&n.Claims, &n.Released)}, consentInto(&c))...); err != nil {
			return err
		}
		found = &n
		remembered = mergeConsents(remembered, &c, n.Subject, clientID)
		return nil
	}, read, cookie, clientID, now.UnixMicro())
	if err != nil {
		return nil, nil, fmt.Errorf("read session and consent: %w", err)
	}
	if found == nil {
		return nil, nil, session.ErrNotFound
	}
	return found, remembered, nil
}

// Session returns the live session with an ID, or [session.ErrNotFound].
func (s *Sessions) Session(ctx context.Context, id string, now time.Time) (*session.Session, error) {
	const read = `SELECT ` + qualifiedSessionColumns + ` FROM ` + liveSessions + ` WHERE s.id = $1 AND s.idle_until > $2`

	n := &session.Session{}
	err := s.db.Read.QueryRow(ctx, read, id, now.UnixMicro()).Scan(sessionInto(n)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, session.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read session: %w", err)
	}
	return n, nil
}

const consentColumns = `c.scopes, c.given_at, c.expires_at, c.detail`

func consentInto(c *consent.Consent) []any {
	return []any{intoWords(&c.Scopes), intoTime(&c.GivenAt), intoTime(&c.ExpiresAt), intoConsentDocument(c)}
}

// mergeConsents merges two consents of a user for a client; b may be empty. The result
// expires with the earlier one.
func mergeConsents(a, b *consent.Consent, subject, clientID string) *consent.Consent {
	if b.GivenAt.IsZero() {
		return a
	}
	b.Subject, b.ClientID = subject, clientID
	if a == nil {
		return b
	}
	a.Add(b.Scopes)
	a.Details = a.Details.Join(b.Details)
	if b.GivenAt.After(a.GivenAt) {
		a.GivenAt, a.ExtraClaims = b.GivenAt, b.ExtraClaims
	}
	if a.ExpiresAt.IsZero() || (!b.ExpiresAt.IsZero() && b.ExpiresAt.Before(a.ExpiresAt)) {
		a.ExpiresAt = b.ExpiresAt
	}
	return a
}

// ListSessions returns up to limit live sessions in the order of IDs, starting after
// the ID after, for one subject unless it is empty.
func (s *Sessions) ListSessions(
	ctx context.Context, subject, after string, limit int, now time.Time,
) (list []*session.Session, err error) {
	read := `
		SELECT ` + qualifiedSessionColumns + ` FROM ` + liveSessions + `
		WHERE s.id > $1 AND ` + equalOrUnset("s.subject", "$2", subject) + ` AND s.idle_until > $3
		ORDER BY s.id LIMIT ` + strconv.Itoa(limit) // PostgreSQL would join many rows for a limit that it does not know

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		n := &session.Session{}
		list = append(list, n)
		return from.Scan(sessionInto(n)...)
	}, read, after, subject, now.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	return list, nil
}
