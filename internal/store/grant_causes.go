package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/refusal"
)

// grantState is a grant with the records that decide whether it is valid.
type grantState struct {
	*grant.WithAccount

	accountDisabledAt, accountNotBefore time.Time
	accountExists, sessionExists        bool
	clientExists, clientDisabled        bool
	clientNotBefore                     time.Time
}

// readState reads a valid or invalid grant of any client, nil if there is none. Only
// failed requests need it, for the cause.
func (s *Grants) readState(ctx context.Context, ref grant.Locator) (*grantState, error) {
	const read = `
		SELECT ` + grantWithAccountColumns + `,
			(SELECT a.disabled_at FROM accounts a WHERE a.subject = grants.subject),
			(SELECT a.not_before FROM accounts a WHERE a.subject = grants.subject),
			(SELECT count(*) FROM accounts a WHERE a.subject = grants.subject),
			(SELECT count(*) FROM sessions s WHERE s.id = grants.session_id),
			(SELECT count(*) FROM clients c WHERE c.id = grants.client_id)
				+ CASE WHEN client_id = '` + client.ConsoleID + `' THEN 1 ELSE 0 END,
			(SELECT count(*) FROM clients c WHERE c.id = grants.client_id AND c.disabled <> 0),
			(SELECT c.not_before FROM clients c WHERE c.id = grants.client_id)
		FROM grants WHERE bucket = $1 AND id = $2`

	st := &grantState{WithAccount: &grant.WithAccount{}}
	dest := append(grantInto(&st.Grant), intoName(&st.Username), intoReleased(&st.Claims, &st.Released),
		intoTime(&st.accountDisabledAt), intoTime(&st.accountNotBefore), intoFlag(&st.accountExists), intoFlag(&st.sessionExists),
		intoFlag(&st.clientExists), intoFlag(&st.clientDisabled), intoTime(&st.clientNotBefore))
	err := s.db.Read.QueryRow(ctx, s.db.Engine.InPartition(ref.Partition, read), int64(ref.Partition), ref.ID[:]).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("explain grant: %w", err)
	}
	return st, nil
}

// notFound returns [grant.ErrNotFound] with its cause.
func notFound(ref grant.Locator, rule refusal.Rule, words string, attrs ...refusal.Attr) error {
	return refusal.Wrap(grant.ErrNotFound, rule, words, attrs...).WithGrant(ref.ID.String())
}

// invalidity returns the reason for which a client may not use a grant with any
// credential, nil if the grant is valid.
func (st *grantState) invalidity(ref grant.Locator, clientID string, sender grant.Confirmation, other refusal.Rule) error {
	switch {
	case st.ClientID != clientID:
		return notFound(ref, other, "it was issued to another client", refusal.Registered("issued_to", st.ClientID))
	case st.JWKThumbprint != "" && st.JWKThumbprint != sender.JKT:
		return notFound(ref, refusal.KeyMismatch, "the grant is bound to another key")
	case st.CertificateThumbprint != "" && st.CertificateThumbprint != sender.X5T:
		return notFound(ref, refusal.CertificateMismatch, "the grant is bound to another certificate")
	case !st.accountExists:
		return notFound(ref, refusal.AccountDisabled, "the account was deleted")
	case !st.accountDisabledAt.IsZero():
		return notFound(ref, refusal.AccountDisabled, "the account is disabled", refusal.At("disabled_at", st.accountDisabledAt))
	case !st.RevokedAt.IsZero():
		attrs := []refusal.Attr{refusal.At("revoked_at", st.RevokedAt), refusal.Registered("revoked_why", string(st.RevocationReason))}
		if !st.CodeRedeemedAt.IsZero() {
			attrs = append(attrs, refusal.At("code_spent_at", st.CodeRedeemedAt))
		}
		if st.RevocationReason == grant.RevokedByLogout {
			return notFound(ref, refusal.SessionEnded, "the session of the grant has ended", attrs...)
		}
		return notFound(ref, refusal.GrantRevoked, "the grant was revoked", attrs...)
	case st.accountNotBefore.After(st.CreatedAt):
		return notFound(ref, refusal.AccountTokensRevoked, "all earlier grants of the account were revoked",
			refusal.At("revoked_at", st.accountNotBefore))
	case !st.clientExists:
		return notFound(ref, refusal.ClientUnknown, "the client was deleted")
	case st.clientDisabled:
		return notFound(ref, refusal.ClientDisabled, "the client is disabled")
	case st.clientNotBefore.After(st.CreatedAt):
		return notFound(ref, refusal.ClientTokensRevoked, "all earlier grants of the client were revoked",
			refusal.At("revoked_at", st.clientNotBefore))
	default:
		return nil
	}
}

// WhyInactive returns the reason for which the access token jti of a grant is inactive,
// nil if it is active. Callers use it after [Grants.LiveGrant] has returned
// [grant.ErrNotFound]. It needs up to two statements.
func (s *Grants) WhyInactive(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*refusal.Cause, error) {
	st, err := s.readState(ctx, ref)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return refusal.Of(notFound(ref, refusal.GrantEnded, "the grant is unknown or was removed after it ended")), nil
	}
	issuedTo := refusal.Registered("issued_to", st.ClientID)
	if err := st.invalidity(ref, st.ClientID, st.BoundTo(), ""); err != nil {
		cause := refusal.Of(err)
		cause.Attrs = append(cause.Attrs, issuedTo)
		return cause, nil
	}
	switch {
	case !now.Before(st.EndsAt):
		return refusal.Of(notFound(ref, refusal.GrantEnded, "the grant has ended", issuedTo, refusal.At("ended_at", st.EndsAt))), nil
	case st.CodeRedeemedAt.IsZero() && st.SessionID != "" && !st.sessionExists:
		return refusal.Of(notFound(ref, refusal.SessionEnded, "the session of the token has ended", issuedTo)), nil
	}
	const read = `SELECT count(*) FROM revoked_tokens WHERE jti = $1`

	var revoked bool
	if err := s.db.Read.QueryRow(ctx, read, jti).Scan(intoFlag(&revoked)); err != nil {
		return nil, fmt.Errorf("explain token: %w", err)
	}
	if !revoked {
		return nil, nil
	}
	return refusal.Of(notFound(ref, refusal.TokenRevoked, "the token was revoked; its grant is still active", issuedTo)), nil
}

// redemptionError returns the reason for which a code could not be redeemed:
// [grant.ErrSpent] with the grant, or [grant.ErrNotFound], each with its cause.
func (s *Grants) redemptionError(ctx context.Context, sp grant.CodeRedemption) (*grant.WithAccount, error) {
	st, err := s.readState(ctx, sp.Ref)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return nil, refusal.Wrap(grant.ErrNotFound, refusal.CodeUnknown, "the code is unknown or was removed after it expired")
	}
	if (st.Kind == grant.KindTrial) != sp.Trial {
		return nil, notFound(sp.Ref, refusal.CodeOtherClient, "it was issued to the administrators' console, for a trial of the client",
			refusal.Registered("issued_to", client.ConsoleID))
	}
	sender := sp.Sender
	if !st.CodeRedeemedAt.IsZero() {
		sender = st.BoundTo() // the second use of a code counts with any key
	}
	if err := st.invalidity(sp.Ref, sp.ClientID, sender, refusal.CodeOtherClient); err != nil {
		return nil, err
	}
	switch {
	case !sp.Now.Before(st.EndsAt):
		return nil, notFound(sp.Ref, refusal.GrantEnded, "the grant has ended", refusal.At("ended_at", st.EndsAt))
	case !st.CodeRedeemedAt.IsZero():
		return st.WithAccount, refusal.Wrap(grant.ErrSpent, refusal.CodeSpent, "the code has been redeemed before",
			refusal.At("code_spent_at", st.CodeRedeemedAt)).WithGrant(sp.Ref.ID.String())
	case !sp.Now.Before(st.CodeExpiresAt):
		return nil, notFound(sp.Ref, refusal.CodeExpired, "the code has expired",
			refusal.At("code_issued_at", st.CreatedAt), refusal.At("code_expired_at", st.CodeExpiresAt))
	case st.SessionID != "" && !st.sessionExists:
		return nil, notFound(sp.Ref, refusal.SessionEnded, "the session of the code has ended")
	default:
		return nil, notFound(sp.Ref, refusal.CodeUnknown, "the code cannot be redeemed")
	}
}

// rotationError returns the reason for which a refresh token could not be rotated:
// [grant.ErrStaleGeneration] with the grant, or [grant.ErrNotFound], each with its
// cause.
func (s *Grants) rotationError(ctx context.Context, r grant.RefreshRotation) (*grant.WithAccount, error) {
	st, err := s.readState(ctx, r.Ref)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return nil, refusal.Wrap(grant.ErrNotFound, refusal.RefreshUnknown, "the refresh token is unknown or was removed after it expired")
	}
	if err := st.invalidity(r.Ref, r.ClientID, r.Sender, refusal.RefreshOtherClient); err != nil {
		return nil, err
	}
	if allowed := (&client.Metadata{AllowedGroups: r.AllowedGroups}); !allowed.Admits(st.Released.Groups) {
		return nil, notFound(r.Ref, refusal.GroupNotAllowed, "the user is in none of the groups that may use the client")
	}
	switch {
	case !r.Now.Before(st.ExpiresAt):
		return nil, notFound(r.Ref, refusal.RefreshExpired, "the refresh token has expired", refusal.At("expired_at", st.ExpiresAt),
			refusal.At("grant_ends_at", st.EndsAt), refusal.At("last_rotated_at", st.RefreshRotatedAt))
	case st.RefreshGeneration > r.Generation:
		return st.WithAccount, refusal.Wrap(grant.ErrStaleGeneration, refusal.RefreshReplayed, "the refresh token has been rotated before",
			refusal.At("last_rotated_at", st.RefreshRotatedAt)).WithGrant(r.Ref.ID.String())
	default:
		return nil, notFound(r.Ref, refusal.RefreshUnknown, "the refresh token was never issued")
	}
}
