package hydraimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
)

// consentsOfFlows reads the consents of Hydra 2, which stores a flow in one row.
const consentsOfFlows = `
	SELECT DISTINCT ON (f.subject, f.client_id) jsonb_build_object(
		'id', f.consent_challenge_id, 'subject', f.subject, 'client_id', f.client_id,
		'scopes', f.granted_scope, 'given', f.consent_handled_at, 'asked', f.requested_at, 'seconds', f.consent_remember_for,
		'id_token', f.session_id_token, 'access_token', f.session_access_token, 'known_as', o.subject_obfuscated)
	FROM hydra_oauth2_flow f
	LEFT JOIN hydra_oauth2_obfuscated_authentication_session o ON o.subject = f.subject AND o.client_id = f.client_id AND `

const consentsOfFlowsWhere = `
	WHERE f.consent_remember AND f.consent_skip IS NOT TRUE AND coalesce(f.consent_error::text, '{}') = '{}'
		AND f.consent_handled_at IS NOT NULL AND `

const consentsOfFlowsOrder = `
	ORDER BY f.subject, f.client_id, f.requested_at DESC, f.consent_handled_at DESC`

// consentsOfRequests reads the consents of Hydra 1, which stores the request and the response in
// separate rows.
const consentsOfRequests = `
	SELECT DISTINCT ON (r.subject, r.client_id) jsonb_build_object(
		'id', h.challenge, 'subject', r.subject, 'client_id', r.client_id,
		'scopes', h.granted_scope, 'given', h.handled_at, 'asked', h.requested_at, 'seconds', h.remember_for,
		'id_token', h.session_id_token, 'access_token', h.session_access_token, 'known_as', o.subject_obfuscated)
	FROM hydra_oauth2_consent_request_handled h
	JOIN hydra_oauth2_consent_request r ON r.challenge = h.challenge
	LEFT JOIN hydra_oauth2_obfuscated_authentication_session o ON o.subject = r.subject AND o.client_id = r.client_id
	WHERE h.remember AND r.skip IS NOT TRUE AND coalesce(h.error, '{}') = '{}'
	ORDER BY r.subject, r.client_id, h.requested_at DESC, h.handled_at DESC`

// ErrConsent reports an invalid consent. Reading continues with the next one.
var ErrConsent = errors.New("invalid consent")

// Consents calls visit with every remembered and unexpired consent: the last one per user and
// client, as in Hydra itself. For an invalid row it passes an [ErrConsent].
func (d *Database) Consents(ctx context.Context, now time.Time, visit func(Consent, error) error) error {
	var query string
	switch {
	case d.tables["hydra_oauth2_flow"]:
		query = consentsOfFlows + d.within("hydra_oauth2_obfuscated_authentication_session", "o") +
			consentsOfFlowsWhere + d.within("hydra_oauth2_flow", "f") + consentsOfFlowsOrder
	case d.tables["hydra_oauth2_consent_request_handled"] && d.tables["hydra_oauth2_consent_request"]:
		query = consentsOfRequests
	default:
		return nil
	}
	err := d.each(ctx, query, func(r *row) error {
		c := consentOf(r)
		switch {
		case r.err != nil:
			return visit(c, fmt.Errorf("%w: %w", ErrConsent, r.err))
		case c.Subject == "" || c.ClientID == "":
			return visit(c, fmt.Errorf("%w: the subject or the client is missing", ErrConsent))
		case !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(now):
			return nil
		}
		return visit(c, nil)
	})
	if err != nil {
		return fmt.Errorf("read consents: %w", err)
	}
	return nil
}

func consentOf(r *row) Consent {
	c := Consent{ID: r.text("id")}
	c.Subject, c.ClientID, c.Scopes = r.text("subject"), r.text("client_id"), r.list("scopes")
	if c.GivenAt = r.time("given"); c.GivenAt.IsZero() {
		c.GivenAt = r.time("asked")
	}
	c.ExpiresAt = endOf(c.GivenAt, r.number("seconds"))
	c.ExtraClaims = grant.ExtraClaims{
		IDToken: object(r, "id_token"), AccessToken: object(r, "access_token"), ForcedSubject: r.text("known_as"),
	}
	return c
}

// object reads claims, which are an object.
func object(r *row, column string) json.RawMessage {
	raw := r.document(column)
	var members map[string]json.RawMessage
	if raw != nil && json.Unmarshal(raw, &members) != nil {
		r.fail(column, "an object")
		return nil
	}
	return raw
}
