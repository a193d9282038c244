package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/refusal"
)

// heldState is a grant with what else decides whether it stands.
type grantState struct {
	*grant.GrantWithAccount

	accountDisabledAt, accountNotBefore time.Time
	accountExists, sessionExists        bool
	clientExists, clientDisabled        bool
	clientNotBefore                     time.Time
}

// stateOf reads a grant of any client, whether it stands or not, or returns nil. It is
// for requests that have failed: it explains why.
func (s *Grants) readState(ctx context.Context, ref grant.Locator) (*grantState, error) {
	const read = `
		SELECT ` + grantWithAccountColumns + `,
			(SELECT a.disabled_at FROM accounts a WHERE a.subject = grants.subject),
			(SELECT a.not_before FROM accounts a WHERE a.subject = grants.subject),
			(SELECT count(*) FROM accounts a WHERE a.subject = grants.subject),
			(SELECT count(*) FROM sessions s WHERE s.id = grants.session_id),
			(SELECT count(*) FROM clients c WHERE c.id = grants.client_id),
			(SELECT count(*) FROM clients c WHERE c.id = grants.client_id AND c.disabled <> 0),
			(SELECT c.not_before FROM clients c WHERE c.id = grants.client_id)
		FROM grants WHERE bucket = $1 AND id = $2`

	st := &grantState{GrantWithAccount: &grant.GrantWithAccount{}}
	dest := append(grantInto(&st.Grant), intoName(&st.Username), intoRaw(&st.Claims),
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

// otherwise returns why a client may not use a grant that does not stand, whatever it
// presents: nil if it stands.
func (st *grantState) invalidity(ref grant.Locator, clientID, jkt string, other refusal.Rule) error {
	switch {
	case st.ClientID != clientID:
		return notFound(ref, other, "it was issued to another client", refusal.Registered("issued_to", st.ClientID))
	case st.JWKThumbprint != "" && st.JWKThumbprint != jkt:
		return notFound(ref, refusal.KeyMismatch, "the grant is bound to another key")
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
			return notFound(ref, refusal.SessionEnded, "the session that the grant was given in has ended", attrs...)
		}
		return notFound(ref, refusal.GrantRevoked, "the grant was revoked", attrs...)
	case st.accountNotBefore.After(st.CreatedAt):
		return notFound(ref, refusal.AccountTokensRevoked, "everything that the account was given before was revoked",
			refusal.At("revoked_at", st.accountNotBefore))
	case !st.clientExists:
		return notFound(ref, refusal.ClientUnknown, "the client was deleted")
	case st.clientDisabled:
		return notFound(ref, refusal.ClientDisabled, "the client is disabled")
	case st.clientNotBefore.After(st.CreatedAt):
		return notFound(ref, refusal.ClientTokensRevoked, "everything that the client was given before was revoked",
			refusal.At("revoked_at", st.clientNotBefore))
	default:
		return nil
	}
}

// WhyInactive returns why an access token with the ID jti under a grant is not active, or
// nil if it is. It is for tokens for which [Store.LiveGrant] has returned
// [grant.ErrNotFound], and costs up to two statements.
func (s *Grants) WhyInactive(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*refusal.Cause, error) {
	st, err := s.readState(ctx, ref)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return refusal.Of(notFound(ref, refusal.GrantEnded, "there is no such grant, or it ended so long ago that it was removed")), nil
	}
	issuedTo := refusal.Registered("issued_to", st.ClientID)
	if err := st.invalidity(ref, st.ClientID, st.JWKThumbprint, ""); err != nil {
		cause := refusal.Of(err)
		cause.Attrs = append(cause.Attrs, issuedTo)
		return cause, nil
	}
	switch {
	case !now.Before(st.EndsAt):
		return refusal.Of(notFound(ref, refusal.GrantEnded, "the grant has ended", issuedTo, refusal.At("ended_at", st.EndsAt))), nil
	case st.CodeRedeemedAt.IsZero() && st.SessionID != "" && !st.sessionExists:
		return refusal.Of(notFound(ref, refusal.SessionEnded, "the session that the token was issued in has ended", issuedTo)), nil
	}
	const read = `SELECT count(*) FROM revoked_tokens WHERE jti = $1`

	var revoked bool
	if err := s.db.Read.QueryRow(ctx, read, jti).Scan(intoFlag(&revoked)); err != nil {
		return nil, fmt.Errorf("explain token: %w", err)
	}
	if !revoked {
		return nil, nil
	}
	return refusal.Of(notFound(ref, refusal.TokenRevoked, "the token was revoked by itself; its grant goes on", issuedTo)), nil
}

// whyUnspendable returns why a code could not be spent: [grant.ErrSpent] with the grant,
// or [grant.ErrNotFound], either with its cause.
func (s *Grants) redemptionError(ctx context.Context, sp grant.CodeRedemption) (*grant.GrantWithAccount, error) {
	st, err := s.readState(ctx, sp.Ref)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return nil, refusal.Wrap(grant.ErrNotFound, refusal.CodeUnknown, "there is no such code, or it ended so long ago that it was removed")
	}
	if err := st.invalidity(sp.Ref, sp.ClientID, sp.JKT, refusal.CodeOtherClient); err != nil {
		return nil, err
	}
	switch {
	case !sp.Now.Before(st.EndsAt):
		return nil, notFound(sp.Ref, refusal.GrantEnded, "the grant has ended", refusal.At("ended_at", st.EndsAt))
	case !st.CodeRedeemedAt.IsZero():
		return st.GrantWithAccount, refusal.Wrap(grant.ErrSpent, refusal.CodeSpent, "the code was spent before",
			refusal.At("code_spent_at", st.CodeRedeemedAt)).WithGrant(sp.Ref.ID.String())
	case !sp.Now.Before(st.CodeExpiresAt):
		return nil, notFound(sp.Ref, refusal.CodeExpired, "the code has expired",
			refusal.At("code_issued_at", st.CreatedAt), refusal.At("code_expired_at", st.CodeExpiresAt))
	case st.SessionID != "" && !st.sessionExists:
		return nil, notFound(sp.Ref, refusal.SessionEnded, "the session that the code was issued in has ended")
	default:
		return nil, notFound(sp.Ref, refusal.CodeUnknown, "the code cannot be spent")
	}
}

// whyUnrotatable returns why a refresh token could not be rotated: [grant.ErrStaleGeneration] with
// the grant, or [grant.ErrNotFound], either with its cause.
func (s *Grants) rotationError(ctx context.Context, r grant.RefreshRotation) (*grant.GrantWithAccount, error) {
	st, err := s.readState(ctx, r.Ref)
	if err != nil {
		return nil, err
	}
	if st == nil {
		return nil, refusal.Wrap(grant.ErrNotFound, refusal.RefreshUnknown, "there is no such refresh token, or it ended so long ago that it was removed")
	}
	if err := st.invalidity(r.Ref, r.ClientID, r.JKT, refusal.RefreshOtherClient); err != nil {
		return nil, err
	}
	switch {
	case !r.Now.Before(st.ExpiresAt):
		return nil, notFound(r.Ref, refusal.RefreshExpired, "the refresh token has expired", refusal.At("expired_at", st.ExpiresAt),
			refusal.At("grant_ends_at", st.EndsAt), refusal.At("last_rotated_at", st.RefreshRotatedAt))
	case st.RefreshGeneration > r.Generation:
		return st.GrantWithAccount, refusal.Wrap(grant.ErrStaleGeneration, refusal.RefreshReplayed, "the refresh token was rotated before",
			refusal.At("last_rotated_at", st.RefreshRotatedAt)).WithGrant(r.Ref.ID.String())
	default:
		return nil, notFound(r.Ref, refusal.RefreshUnknown, "the refresh token is none that was issued")
	}
}
