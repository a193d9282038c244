package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/store/db"
)

// RemovePasskeys removes the passkeys of an account with the credential IDs, which its user has lost.
func (s *Passkeys) RemovePasskeys(ctx context.Context, subject string, ids [][]byte, now time.Time) error {
	args := []any{subject}
	for _, id := range ids {
		args = append(args, id)
	}
	remove := `DELETE FROM passkeys WHERE subject = $1 AND id IN (` + placeholders(2, len(ids)) + `) RETURNING label`
	return s.db.Tx(ctx, func(c db.Conn) error {
		return s.notices.removeAll(ctx, c, credential.Passkey, now, remove, args...)
	})
}

// ResetFactors removes the passkeys, security keys, authenticator apps and recovery codes of an account,
// and its trusted devices. It returns [account.ErrNotFound] for an unknown account.
func (s *SecondFactors) ResetFactors(ctx context.Context, subject string, now time.Time) error {
	return s.db.Tx(ctx, func(c db.Conn) error {
		if _, err := accountBySubject(ctx, c, subject); err != nil {
			return err
		}
		if err := deleteTrustedDevices(ctx, c, subject); err != nil {
			return err
		}
		return s.notices.removeFactors(ctx, c, subject, now)
	})
}

// removeFactors removes the passkeys, security keys, authenticator apps and recovery codes of an account.
func (n *notices) removeFactors(ctx context.Context, on db.Conn, subject string, now time.Time) error {
	const (
		removeKeys  = `DELETE FROM passkeys WHERE subject = $1 RETURNING label`
		removeApps  = `DELETE FROM authenticators WHERE subject = $1 RETURNING label`
		removeCodes = `DELETE FROM recovery_code_sets WHERE subject = $1 RETURNING ''`
	)
	for _, each := range []struct {
		kind   credential.Kind
		remove string
	}{{credential.Passkey, removeKeys}, {credential.TOTP, removeApps}, {credential.RecoveryCodes, removeCodes}} {
		if err := n.removeAll(ctx, on, each.kind, now, each.remove, subject); err != nil {
			return err
		}
	}
	return nil
}

// removeAll runs a statement that deletes one kind of credentials and returns their labels, records it,
// and tells the user once. The first of args is the subject.
func (n *notices) removeAll(ctx context.Context, on db.Conn, kind credential.Kind, now time.Time, remove string, args ...any) error {
	var labels []string
	err := on.Query(ctx, func(from db.Scanner) error {
		label := ""
		err := from.Scan(&label)
		labels = append(labels, label)
		return err
	}, remove, args...)
	if err != nil {
		return fmt.Errorf("remove credentials: %w", err)
	}
	if len(labels) == 0 {
		return nil
	}
	subject, _ := args[0].(string)
	return n.ofCredential(ctx, on, mail.CredentialRemoved, subject, credential.Info{Kind: kind, Label: strings.Join(labels, ", ")}, now)
}
