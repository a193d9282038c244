package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/ostiary/ostiary/internal/grant"
)

// RedeemCode marks an authorization code as used and returns its grant.
//
// It is a compare-and-set: of any number of concurrent callers one succeeds. The others
// get [grant.ErrSpent] with the grant, which the caller must revoke. It returns
// [grant.ErrNotFound] for an unknown or expired code, the code of another client, a
// code that is bound to another key or certificate, the code of a trial unless the redemption is of one, and a
// grant that has ended. The key of the code does not bind the refresh tokens, unless BindRefresh is
// set. It also does so if the
// session has ended: ending a session does not see a grant that is being inserted, but
// prevents the redemption of its code.
//
// Spec: RFC 6749 §4.1.2.
func (s *Grants) RedeemCode(ctx context.Context, sp grant.CodeRedemption) (*grant.WithAccount, error) {
	detail, args, err := setAuthorization(sp.Authorization, 11)
	if err != nil {
		return nil, err
	}
	spend := `
		UPDATE grants SET code_spent_at = $5, refresh_generation = 1, jkt = $7, x5t = $9,
			tokens_until = CASE WHEN tokens_until < $6 THEN $6 ELSE tokens_until END` + detail + `
		WHERE bucket = $1 AND id = $2 AND client_id = $3 AND (jkt IS NULL OR jkt = $4) AND (x5t IS NULL OR x5t = $10)
			AND CASE kind WHEN 4 THEN 1 ELSE 0 END = $8
			AND code_spent_at IS NULL AND code_expires_at > $5
			AND revoked_at IS NULL AND ends_at > $5
			AND (session_id IS NULL OR EXISTS (SELECT 1 FROM sessions s WHERE s.id = grants.session_id))
			AND ` + liveCondition + `
		RETURNING ` + grantWithAccountColumns

	bound := boundTo(sp.Sender, sp.BindRefresh)
	held, err := scanGrantWithAccount(s.db.Write.QueryRow(ctx, s.db.Engine.InPartition(sp.Ref.Partition, spend),
		append([]any{
			int64(sp.Ref.Partition), sp.Ref.ID[:], sp.ClientID, sp.Sender.JKT, sp.Now.UnixMicro(), stamp(sp.TokensUntil),
			optional(bound.JKT), flag(sp.Trial), optional(bound.X5T), sp.Sender.X5T,
		}, args...)...))
	if errors.Is(err, sql.ErrNoRows) {
		return s.redemptionError(ctx, sp)
	}
	if err != nil {
		return nil, fmt.Errorf("spend code: %w", err)
	}
	return held, nil
}

// RotateRefresh moves a grant to the next generation of its refresh token.
//
// It is a compare-and-set: of any number of concurrent callers with one generation one
// succeeds. The others, and callers with an older generation, get
// [grant.ErrStaleGeneration] with the current grant. It returns [grant.ErrNotFound] for
// an unknown or expired token, the token of another client, a token that is bound to
// another key or certificate, a grant that has ended, and a user outside the allowed groups.
func (s *Grants) RotateRefresh(ctx context.Context, r grant.RefreshRotation) (*grant.WithAccount, error) {
	detail, args, err := setAuthorization(r.Authorization, 13)
	if err != nil {
		return nil, err
	}
	rotate := `
		UPDATE grants SET
			refresh_generation = refresh_generation + $7,
			refresh_rotated_at = CASE WHEN $7 = 0 THEN refresh_rotated_at ELSE $5 END,
			expires_at = CASE WHEN $8 < ends_at THEN $8 ELSE ends_at END,
			jkt = COALESCE(jkt, $10), x5t = COALESCE(x5t, $11),
			tokens_until = CASE WHEN tokens_until < $9 THEN $9 ELSE tokens_until END` + detail + `
		WHERE bucket = $1 AND id = $2 AND client_id = $3 AND (jkt IS NULL OR jkt = $4) AND (x5t IS NULL OR x5t = $12)
			AND refresh_generation = $6 AND code_spent_at IS NOT NULL
			AND revoked_at IS NULL AND expires_at > $5 AND ` + liveCondition
	groups, groupArgs := inGroups(r.AllowedGroups, 13+len(args))
	rotate += groups + `
		RETURNING ` + grantWithAccountColumns

	step := int64(1)
	if r.KeepGeneration {
		step = 0
	}
	bound := boundTo(r.Sender, r.BindRefresh)
	held, err := scanGrantWithAccount(s.db.Write.QueryRow(ctx, s.db.Engine.InPartition(r.Ref.Partition, rotate),
		append([]any{
			int64(r.Ref.Partition), r.Ref.ID[:], r.ClientID, r.Sender.JKT, r.Now.UnixMicro(), r.Generation, step, r.ExpiresAt.UnixMicro(),
			stamp(r.TokensUntil), optional(bound.JKT), optional(bound.X5T), r.Sender.X5T,
		}, append(args, groupArgs...)...)...))
	if errors.Is(err, sql.ErrNoRows) {
		return s.rotationError(ctx, r)
	}
	if err != nil {
		return nil, fmt.Errorf("rotate refresh token: %w", err)
	}
	return held, nil
}

// boundTo returns the sender to which refresh tokens are bound.
func boundTo(sender grant.Confirmation, bind bool) grant.Confirmation {
	if !bind {
		return grant.Confirmation{}
	}
	return sender
}

// inGroups returns the condition that the user of a grant is a member of one of the groups, with
// n as the number of its first placeholder; no condition without groups.
func inGroups(groups []string, n int) (condition string, args []any) {
	if len(groups) == 0 {
		return "", nil
	}
	for _, group := range groups {
		args = append(args, group)
	}
	return `
			AND EXISTS (SELECT 1 FROM memberships m WHERE m.subject = grants.subject AND m.group_name IN (` + placeholders(n, len(groups)) + `))`, args
}

// setAuthorization returns the assignment that replaces the authorization of a grant in
// an UPDATE, with n as the number of its placeholder; no assignment if d is nil.
func setAuthorization(d *grant.Authorization, n int) (set string, args []any, err error) {
	if d == nil {
		return "", nil, nil
	}
	text, err := document(d)
	if err != nil {
		return "", nil, fmt.Errorf("write grant detail: %w", err)
	}
	return ", detail = $" + strconv.Itoa(n), []any{text}, nil
}
