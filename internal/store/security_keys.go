package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/passkey"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// UseSecurityKey records the use of a security key as a second factor for the authorization
// request with the ID, in one transaction: the challenge is marked as used, and the counter and
// the last use are recorded on the key. Both are compare-and-set.
//
// It returns [authrequest.ErrNotFound] for an unknown or expired request, [passkey.ErrSpent] if
// the challenge was used before, and [passkey.ErrCounterChanged] if the key was used or removed
// in the meantime.
func (s *Sessions) UseSecurityKey(ctx context.Context, requestID string, use *passkey.Use) error {
	const spend = `
		UPDATE requests SET challenge_spent_at = $3
		WHERE id = $1 AND expires_at > $2 AND challenge_spent_at < $3`

	err := s.db.Tx(ctx, func(c db.Conn) error {
		spent := db.Statement{Text: spend, Args: []any{requestID, use.At.UnixMicro(), use.IssuedAt.UnixMicro()}}
		if err := changeOne(ctx, c, spent); err != nil {
			return err
		}
		if err := changeOne(ctx, c, recordUse(use, "")); err != nil {
			return err
		}
		if !use.CounterBack {
			return nil
		}
		return s.notices.ofCounterBack(ctx, c, use)
	})
	if errors.Is(err, errPasskeyUse) {
		return s.passkeySignInError(ctx, session.PasskeySignIn{RequestID: requestID, Use: use})
	}
	if err != nil {
		return fmt.Errorf("use security key: %w", err)
	}
	return nil
}

// ofCounterBack tells the user of a passkey that there may be a copy of it.
func (n *notices) ofCounterBack(ctx context.Context, on db.Conn, use *passkey.Use) error {
	return n.ofCredential(ctx, on, mail.PasskeyCopied, use.Passkey.Subject, use.Passkey.Info(), use.At)
}
