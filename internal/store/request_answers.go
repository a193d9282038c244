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

// Resume returns a request that waits, or [authrequest.ErrNotFound], together with the
// living session of a cookie and what its person allowed the request's client, as
// [Store.SessionAndConsent] does; both are nil if there is none.
func (s *Requests) Resume(
	ctx context.Context, id string, cookie []byte, now time.Time,
) (r *authrequest.Request, n *session.Session, remembered *consent.Consent, err error) {
	// The person is joined last, so that a session without one is seen as none.
	const read = `
		SELECT ` + qualifiedRequestColumns + `, ` + qualifiedSessionColumns + `, a.claims, ` + consentColumns + `
		FROM requests r
		LEFT JOIN sessions s ON s.cookie = $3 AND s.idle_until > $2
		LEFT JOIN accounts a ON a.subject = s.subject AND a.disabled_at IS NULL AND a.not_before <= s.auth_time
		LEFT JOIN consents c ON c.subject = s.subject AND c.client_id = r.client_id
			AND (c.session_id = '' OR c.session_id = s.id)
			AND (c.expires_at IS NULL OR c.expires_at > $2)
		WHERE r.id = $1 AND r.expires_at > $2
		ORDER BY c.session_id`

	return s.resume(ctx, read, id, now.UnixMicro(), cookie)
}

// ConsentRequest returns a request that waits, or [authrequest.ErrNotFound], together
// with the session that its person passed the sign-in in and what they allowed its
// client before; both are nil if the session is not there.
func (s *Requests) ConsentRequest(
	ctx context.Context, id string, now time.Time,
) (r *authrequest.Request, n *session.Session, remembered *consent.Consent, err error) {
	const read = `
		SELECT ` + qualifiedRequestColumns + `, ` + qualifiedSessionColumns + `, a.claims, ` + consentColumns + `
		FROM requests r
		LEFT JOIN sessions s ON s.id = r.session_id AND s.idle_until > $2
		LEFT JOIN accounts a ON a.subject = s.subject AND a.disabled_at IS NULL AND a.not_before <= s.auth_time
		LEFT JOIN consents c ON c.subject = s.subject AND c.client_id = r.client_id
			AND (c.session_id = '' OR c.session_id = s.id)
			AND (c.expires_at IS NULL OR c.expires_at > $2)
		WHERE r.id = $1 AND r.expires_at > $2
		ORDER BY c.session_id`

	return s.resume(ctx, read, id, now.UnixMicro())
}

// resumedRequest are requestColumns where other tables have columns of the same
// names.
const qualifiedRequestColumns = `r.id, r.browser, r.client_id, r.parameters, r.created_at, r.expires_at, r.grant_bucket, r.grant_id,
	r.session_id, r.signed_in_at, r.decision, r.decided_at, r.decided_for,
	r.login_session, r.login_skip, r.login_subject, r.login, r.login_spent_at, r.consent, r.verifier, r.device`

func (s *Requests) resume(
	ctx context.Context, read string, args ...any,
) (r *authrequest.Request, n *session.Session, remembered *consent.Consent, err error) {
	err = s.db.Read.Query(ctx, func(from db.Scanner) error {
		var (
			q         authrequest.Request
			found     session.Session
			c         consent.Consent
			someClaim sql.NullString
		)
		err := from.Scan(slices.Concat(requestInto(&q), sessionInto(&found), []any{&someClaim}, consentInto(&c))...)
		if err != nil {
			return err
		}
		r = &q
		if !someClaim.Valid { // no account, so that whatever session there is does not live
			return nil
		}
		found.Claims = []byte(someClaim.String)
		n, remembered = &found, mergeConsents(remembered, &c, found.Subject, q.ClientID)
		return nil
	}, read, args...)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read request and session: %w", err)
	}
	if r == nil {
		return nil, nil, nil, authrequest.ErrNotFound
	}
	return r, n, remembered, nil
}

// AnswerLogin notes what a login app said about a request: who it is, or that it
// refuses. The first answer stands, and a later one gets [authrequest.ErrAlreadyDecided]. Where
// the person was to go on without signing in, naming somebody else is
// [authrequest.ErrOtherSubject], and an account that may not sign in is
// [account.ErrDisabled]. A new subject, or a forced one, that is a client_id is
// [account.ErrIsClient].
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

// RedeemLogin uses up the verifier of a login app's answer and returns the request,
// with what is known of the person whom it names. It is a compare-and-set: of any
// number of callers one succeeds. Whoever comes later, with another verifier or from
// another browser gets [authrequest.ErrNotFound].
func (s *Requests) RedeemLogin(ctx context.Context, id string, browser, verifier []byte, now time.Time) (*authrequest.Request, error) {
	const spend = `
		UPDATE requests SET login_spent_at = $4
		WHERE id = $1 AND browser = $2 AND verifier = $3
			AND login <> '' AND login_spent_at IS NULL AND expires_at > $4
		RETURNING ` + requestColumns + `,
			(SELECT a.username FROM accounts a WHERE a.subject = requests.login_subject),
			(SELECT a.claims FROM accounts a WHERE a.subject = requests.login_subject),
			(SELECT count(*) FROM accounts a WHERE a.subject = requests.login_subject
				AND (a.disabled_at IS NOT NULL OR a.not_before > requests.signed_in_at))`

	r := &authrequest.Request{}
	var username sql.NullString
	err := s.db.Write.QueryRow(ctx, spend, id, browser, verifier, now.UnixMicro()).
		Scan(append(requestInto(r), &username, intoRaw(&r.User.Claims), intoFlag(&r.User.Disabled))...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, authrequest.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("spend login: %w", err)
	}
	r.User.Known, r.User.Username = username.Valid, account.Name(username.String)
	return r, nil
}

// AnswerConsent notes what a consent app said about a request, and then the consent
// to remember if it is to be: the app hears of neither before both are there. The
// first answer stands, and a later one gets [authrequest.ErrAlreadyDecided]; so does one whose
// person is not signed in any more.
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
		Scan(append(requestInto(r), intoWords(&before.Scopes))...)
	if errors.Is(err, sql.ErrNoRows) {
		return answerConsentError(ctx, s.db.Read, id, now)
	}
	if err != nil {
		return fmt.Errorf("answer consent: %w", err)
	}
	scopes := r.Remembers(agreement.Scopes)
	if !agreement.Remember || decision == authrequest.Denied || before.Covers(scopes) {
		return nil // to be asked again about the same is no new decision
	}
	c := &consent.Consent{
		Subject: r.DecidedFor, ClientID: r.ClientID, Scopes: scopes,
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
