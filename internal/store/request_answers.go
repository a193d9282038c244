package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Resume returns a pending request, or [authrequest.ErrNotFound], with the live session
// of a cookie and the consent of its user for the client, as
// [Sessions.SessionAndConsent] does. Session and consent are nil without a live
// session.
func (s *Requests) Resume(
	ctx context.Context, id string, cookie []byte, now time.Time,
) (r *authrequest.Request, n *session.Session, remembered *consent.Consent, err error) {
	const read = `
		SELECT ` + qualifiedRequestColumns + `, ` + qualifiedSessionColumns + `, ` + released + `, ` + consentColumns + `
		FROM requests r
		LEFT JOIN sessions s ON s.cookie = $3 AND s.idle_until > $2` + userOfRequest

	return s.resume(ctx, read, id, now.UnixMicro(), cookie)
}

// ConsentRequest returns a pending request, or [authrequest.ErrNotFound], with the
// session in which its user signed in and the consent of the user for the client.
// Session and consent are nil if the session has ended.
func (s *Requests) ConsentRequest(
	ctx context.Context, id string, now time.Time,
) (r *authrequest.Request, n *session.Session, remembered *consent.Consent, err error) {
	const read = `
		SELECT ` + qualifiedRequestColumns + `, ` + qualifiedSessionColumns + `, ` + released + `, ` + consentColumns + `
		FROM requests r
		LEFT JOIN sessions s ON s.id = r.session_id AND s.idle_until > $2` + userOfRequest

	return s.resume(ctx, read, id, now.UnixMicro())
}

// qualifiedRequestColumns are requestColumns for statements in which other tables have
// columns of the same names.
const qualifiedRequestColumns = `r.id, r.browser, r.client_id, r.parameters, r.created_at, r.expires_at, r.grant_bucket, r.grant_id,
	r.session_id, r.signed_in_at, r.decision, r.decided_at, r.decided_for,
	r.login_session, r.login_skip, r.login_subject, r.login, r.login_spent_at, r.consent, r.verifier, r.device,
	r.first_factor, r.factor_declined_by`

// userOfRequest ends a statement that reads the request r with the ID $1 at the time $2 and its session s:
// it reads the account and the consents too. The account is joined last, so that a session without one
// counts as none.
const userOfRequest = `
		LEFT JOIN accounts a ON a.subject = s.subject AND a.disabled_at IS NULL AND a.not_before <= s.auth_time
		LEFT JOIN consents c ON c.subject = s.subject AND c.client_id = r.client_id
			AND (c.session_id = '' OR c.session_id = s.id)
			AND (c.expires_at IS NULL OR c.expires_at > $2)
		WHERE r.id = $1 AND r.expires_at > $2
		ORDER BY c.session_id`

func (s *Requests) resume(
	ctx context.Context, read string, args ...any,
) (*authrequest.Request, *session.Session, *consent.Consent, error) {
	r := &authrequest.Request{}
	n, remembered, err := readWithUser(ctx, s.db, requestInto(r), &r.ClientID, read, args...)
	if err != nil {
		return nil, nil, nil, err
	}
	return r, n, remembered, nil
}

// readWithUser reads a request into the destinations into, of which clientID is one, with its session and
// the consent of its user for the client, by a statement with [userOfRequest]. Session and consent are nil
// without a live session. The error is [authrequest.ErrNotFound] for a request that is unknown or expired.
func readWithUser(
	ctx context.Context, from *db.DB, into []any, clientID *string, read string, args ...any,
) (n *session.Session, remembered *consent.Consent, err error) {
	isFound := false
	err = from.Read.Query(ctx, func(row db.Scanner) error {
		var (
			found session.Session
			c     consent.Consent
		)
		err := row.Scan(slices.Concat(into, sessionInto(&found), []any{intoReleased(&found.Claims, &found.Released)}, consentInto(&c))...)
		if err != nil {
			return err
		}
		isFound = true
		if found.Claims == nil { // no account, so that the session, if any, is not live
			return nil
		}
		n, remembered = &found, mergeConsents(remembered, &c, found.Subject, *clientID)
		return nil
	}, read, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("read request and session: %w", err)
	}
	if !isFound {
		return nil, nil, authrequest.ErrNotFound
	}
	return n, remembered, nil
}

// AnswerLogin records the result of a custom login app: the subject, or a refusal. The first answer is final; later ones get [authrequest.ErrAlreadyDecided]. It returns
// [authrequest.ErrOtherSubject] if the app could skip the sign-in and names another
// subject, [account.ErrDisabled] for a disabled account, and [account.ErrIsClient] if a
// new or forced subject is the client_id of a client.
func (s *Requests) AnswerLogin(
	ctx context.Context, id, subject string, login *authrequest.LoginAnswer, verifier []byte, now time.Time,
) error {
	const accept = `
		UPDATE requests SET session_id = login_session, login_subject = $2, login = $3, verifier = $4,
			signed_in_at = CASE WHEN login_skip = 1 THEN signed_in_at ELSE $5 END
		WHERE id = $1 AND login_session <> '' AND session_id = '' AND decision = '' AND expires_at > $5
			AND (login_skip = 0 OR login_subject = $2)
			AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.subject = $2 AND a.disabled_at IS NOT NULL)
			AND NOT EXISTS (SELECT 1 FROM clients c WHERE c.id = $6
				OR c.id = $2 AND NOT EXISTS (SELECT 1 FROM accounts a WHERE a.subject = $2))`
	const refuse = `
		UPDATE requests SET login = $2, verifier = $3, decision = $4, decided_for = '', decided_at = $5
		WHERE id = $1 AND login_session <> '' AND session_id = '' AND decision = '' AND expires_at > $5`

	text, err := document(login)
	if err != nil {
		return fmt.Errorf("write login: %w", err)
	}
	var answered int64
	if login.Refusal == nil {
		answered, err = s.db.Write.Exec(ctx, accept, id, subject, text, verifier, now.UnixMicro(), login.ForcedSubject)
	} else {
		answered, err = s.db.Write.Exec(ctx, refuse, id, text, verifier, string(authrequest.Denied), now.UnixMicro())
	}
	if err != nil {
		return fmt.Errorf("answer login: %w", err)
	}
	if answered == 0 {
		return s.answerLoginError(ctx, id, subject, login, now)
	}
	return nil
}

// answerLoginError returns the reason for which AnswerLogin changed no request.
func (s *Requests) answerLoginError(ctx context.Context, id, subject string, login *authrequest.LoginAnswer, now time.Time) error {
	r, err := s.Request(ctx, id, now)
	switch {
	case err != nil:
		return err
	case r.LoginSession == "":
		return authrequest.ErrNotFound
	case r.SessionID != "" || r.Decision != authrequest.Undecided:
		return authrequest.ErrAlreadyDecided
	case login.Refusal == nil && r.LoginSkip && r.Subject != subject:
		return authrequest.ErrOtherSubject
	}
	a, err := accountBySubject(ctx, s.db.Read, subject)
	if err != nil && !errors.Is(err, account.ErrNotFound) {
		return err
	}
	if err == nil && !a.DisabledAt.IsZero() {
		return account.ErrDisabled
	}
	return account.ErrIsClient
}

// RedeemLogin redeems the verifier of a login app's answer and returns the request with
// the account that the answer names. It is a compare-and-set: of any number of
// concurrent callers one succeeds. Later calls, and calls with another verifier or from
// another browser, get [authrequest.ErrNotFound].
func (s *Requests) RedeemLogin(ctx context.Context, id string, browser, verifier []byte, now time.Time) (*authrequest.Request, error) {
	const spend = `
		UPDATE requests SET login_spent_at = $4
		WHERE id = $1 AND browser = $2 AND verifier = $3
			AND login <> '' AND login_spent_at IS NULL AND expires_at > $4
		RETURNING ` + requestColumns + `,
			(SELECT a.username FROM accounts a WHERE a.subject = requests.login_subject),
			(SELECT ` + released + ` FROM accounts a WHERE a.subject = requests.login_subject),
			(SELECT count(*) FROM accounts a WHERE a.subject = requests.login_subject
				AND (a.disabled_at IS NOT NULL OR a.not_before > requests.signed_in_at))`

	r := &authrequest.Request{}
	var username sql.NullString
	err := s.db.Write.QueryRow(ctx, spend, id, browser, verifier, now.UnixMicro()).
		Scan(append(requestInto(r), &username, intoReleased(&r.User.Claims, &r.User.Released), intoFlag(&r.User.Disabled))...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, authrequest.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("spend login: %w", err)
	}
	r.User.Known, r.User.Username = username.Valid, account.Name(username.String)
	return r, nil
}

// AnswerConsent records the result of a custom consent app, and stores the consent if
// the app wants it remembered. It returns after both. The first answer is final; later
// ones get [authrequest.ErrAlreadyDecided], and so do answers after the session has
// ended.
func (s *Requests) AnswerConsent(
	ctx context.Context, id string, agreement *authrequest.ConsentAnswer, verifier []byte, lasting time.Duration, now time.Time,
) error {
	const answer = `
		UPDATE requests SET consent = $2, verifier = $3, decision = $4, decided_at = $5,
			decided_for = (SELECT s.subject FROM sessions s WHERE s.id = requests.session_id)
		WHERE id = $1 AND session_id <> '' AND decision = '' AND expires_at > $5
			AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = requests.session_id AND s.idle_until > $5)
		RETURNING ` + requestColumns + `,
			(SELECT c.scopes FROM consents c
			WHERE c.subject = requests.decided_for AND c.client_id = requests.client_id AND c.session_id = ''
				AND (c.expires_at IS NULL OR c.expires_at > $5)),
			(SELECT c.detail FROM consents c
			WHERE c.subject = requests.decided_for AND c.client_id = requests.client_id AND c.session_id = ''
				AND (c.expires_at IS NULL OR c.expires_at > $5))`

	text, err := document(agreement)
	if err != nil {
		return fmt.Errorf("write consent: %w", err)
	}
	decision := authrequest.Accepted
	if agreement.Refusal != nil {
		decision = authrequest.Denied
	}
	r, before := &authrequest.Request{}, &consent.Consent{}
	err = s.db.Write.QueryRow(ctx, answer, id, text, verifier, string(decision), now.UnixMicro()).
		Scan(append(requestInto(r), intoWords(&before.Scopes), intoConsentDocument(before))...)
	if errors.Is(err, sql.ErrNoRows) {
		return answerConsentError(ctx, s.db.Read, id, now)
	}
	if err != nil {
		return fmt.Errorf("answer consent: %w", err)
	}
	scopes := r.Remembers(agreement.Scopes)
	if !agreement.Remember || decision == authrequest.Denied || before.Covers(scopes) && before.CoversDetails(agreement.Details) {
		return nil // a repeated consent to the same scopes does not extend the old one
	}
	c := &consent.Consent{
		Subject: r.DecidedFor, ClientID: r.ClientID, Scopes: scopes, Details: agreement.Details,
		GivenAt: now, ExpiresAt: now.Add(lasting), ExtraClaims: agreement.ExtraClaims,
	}
	c.ExtraClaims.ForcedSubject = r.SubjectFor("")
	return s.db.Tx(ctx, func(on db.Conn) error { return addConsent(ctx, on, c, now) })
}

func answerConsentError(ctx context.Context, on db.Conn, id string, now time.Time) error {
	const read = `SELECT session_id FROM requests WHERE id = $1 AND expires_at > $2`

	var sessionID string
	err := on.QueryRow(ctx, read, id, now.UnixMicro()).Scan(&sessionID)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && sessionID == "":
		return authrequest.ErrNotFound
	case err != nil:
		return fmt.Errorf("read request: %w", err)
	default:
		return authrequest.ErrAlreadyDecided
	}
}
