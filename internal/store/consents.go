package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Consents stores consents that apply to more than one authorization request.
type Consents struct{ db *db.DB }

// ListConsents returns up to limit valid consents of a subject in the order of clients
// and sessions, starting after the consent after. Unless sessionID is empty, it returns
// only the consents for that session.
func (s *Consents) ListConsents(
	ctx context.Context, subject, sessionID string, after consent.Consent, limit int, now time.Time,
) (list []*consent.Consent, err error) {
	read := `
		SELECT c.client_id, c.session_id, ` + consentColumns + ` FROM consents c
		WHERE c.subject = $1 AND (c.client_id, c.session_id) > ($2, $3) AND ` + equalOrUnset("c.session_id", "$4", sessionID) + `
			AND (c.expires_at IS NULL OR c.expires_at > $5)
		ORDER BY c.client_id, c.session_id LIMIT $6`

	err = s.db.LongRead.Query(ctx, func(from db.Scanner) error {
		c := &consent.Consent{Subject: subject}
		list = append(list, c)
		return from.Scan(append([]any{&c.ClientID, &c.SessionID}, consentInto(c)...)...)
	}, read, subject, after.ClientID, after.SessionID, sessionID, now.UnixMicro(), limit)
	if err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	return list, nil
}

// RevokeConsents deletes the consents of a subject for a client, or for all clients if
// clientID is empty, and ends the grants of the subject for them.
func (s *Consents) RevokeConsents(ctx context.Context, subject, clientID string, now time.Time) error {
	forget := `DELETE FROM consents WHERE subject = $1 AND ` + equalOrUnset("client_id", "$2", clientID)

	err := s.db.Tx(ctx, func(c db.Conn) error {
		deleted, err := c.Exec(ctx, forget, subject, clientID)
		if err != nil {
			return fmt.Errorf("delete consents: %w", err)
		}
		if deleted > 0 {
			if err := recordActivity(ctx, c, activity.New(activity.ConsentWithdrawn, subject, clientID, now)); err != nil {
				return err
			}
		}
		return revokeGrantsOf(ctx, c, subject, clientID, now)
	})
	if err != nil {
		return err
	}
	// A request that read the consent before may have led to a grant since.
	return revokeGrantsOf(ctx, s.db.LongWrite, subject, clientID, now)
}

// SaveConsent stores a consent. It replaces the consent of the same subject, client and
// session.
func (s *Consents) SaveConsent(ctx context.Context, c *consent.Consent) error {
	return saveConsent(ctx, s.db.Write, c)
}

// consentDocument is the column detail. It is empty for a consent without these members.
type consentDocument struct {
	grant.ExtraClaims

	Details detail.List `json:"authorization_details,omitempty"`
}

// intoConsentDocument scans the column detail.
func intoConsentDocument(c *consent.Consent) column {
	return into(func(text string) error {
		var more consentDocument
		err := unmarshalUnlessEmpty(text, &more)
		c.ExtraClaims, c.Details = more.ExtraClaims, more.Details
		return err
	})
}

func saveConsent(ctx context.Context, on db.Conn, c *consent.Consent) error {
	const save = `
		INSERT INTO consents (subject, client_id, session_id, scopes, given_at, expires_at, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (subject, client_id, session_id) DO UPDATE
		SET scopes = excluded.scopes, given_at = excluded.given_at, expires_at = excluded.expires_at, detail = excluded.detail`

	more, err := optionalDocument(consentDocument{c.ExtraClaims, c.Details})
	if err != nil {
		return fmt.Errorf("write consent: %w", err)
	}
	_, err = on.Exec(ctx, save, c.Subject, c.ClientID, c.SessionID, words(c.Scopes), stamp(c.GivenAt), micros(c.ExpiresAt), more)
	if err != nil {
		return fmt.Errorf("save consent: %w", err)
	}
	return nil
}

// addConsent stores a consent together with the scopes of the valid consent of the same
// subject, client and session. It locks the row before it reads it, so that of
// concurrent decisions none is lost.
func addConsent(ctx context.Context, on db.Conn, c *consent.Consent, now time.Time) error {
	const take = `
		INSERT INTO consents (subject, client_id, session_id, scopes, given_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (subject, client_id, session_id) DO UPDATE SET subject = excluded.subject
		RETURNING scopes, expires_at, detail`

	var before consent.Consent
	err := on.QueryRow(ctx, take, c.Subject, c.ClientID, c.SessionID, words(c.Scopes), stamp(c.GivenAt), micros(c.ExpiresAt)).
		Scan(intoWords(&before.Scopes), intoTime(&before.ExpiresAt), intoConsentDocument(&before))
	if err != nil {
		return fmt.Errorf("take consent: %w", err)
	}
	sum := *c
	if before.ExpiresAt.IsZero() || before.ExpiresAt.After(now) {
		sum.Scopes, sum.Details = before.Scopes, before.Details.Join(c.Details)
		sum.Add(c.Scopes)
	}
	if err := saveConsent(ctx, on, &sum); err != nil {
		return err
	}
	return recordActivity(ctx, on, activity.New(activity.ConsentGiven, c.Subject, c.ClientID, now))
}

// DeleteConsent deletes the consents of a subject for a client, in all sessions.
func (s *Consents) DeleteConsent(ctx context.Context, subject, clientID string) error {
	const remove = `DELETE FROM consents WHERE subject = $1 AND client_id = $2`

	if _, err := s.db.Write.Exec(ctx, remove, subject, clientID); err != nil {
		return fmt.Errorf("delete consent: %w", err)
	}
	return nil
}
