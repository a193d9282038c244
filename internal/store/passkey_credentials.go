package store

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/store/db"
)

// passkeyID is the encoding of credential IDs, as browsers have it.
//
// Spec: Web Authentication Level 3 §5.1 (id).
var passkeyID = base64.RawURLEncoding.Strict() //nolint:gochecknoglobals // constant

// Credentials describes the passkeys of an account, none for an unknown subject.
func (s *Passkeys) Credentials(ctx context.Context, subject string) (list []credential.Info, err error) {
	passkeys, err := s.PasskeysOf(ctx, subject)
	for _, p := range passkeys {
		list = append(list, credential.Info{
			ID: passkeyID.EncodeToString(p.ID), Kind: credential.Passkey, Label: p.Label, CreatedAt: p.CreatedAt, LastUsedAt: p.LastUsedAt,
		})
	}
	return list, err
}

// RemoveCredential deletes a passkey, given its ID in base64url. It returns
// [credential.ErrNotFound] for an unknown one.
func (s *Passkeys) RemoveCredential(ctx context.Context, subject, id string, now time.Time) error {
	const remove = `DELETE FROM passkeys WHERE id = $1 AND subject = $2 RETURNING label`

	raw, err := passkeyID.DecodeString(id)
	if err != nil {
		return credential.ErrNotFound
	}
	return s.db.Tx(ctx, func(c db.Conn) error {
		removed := credential.Info{Kind: credential.Passkey}
		err := c.QueryRow(ctx, remove, raw, subject).Scan(&removed.Label)
		if errors.Is(err, sql.ErrNoRows) {
			return credential.ErrNotFound
		}
		if err != nil {
			return fmt.Errorf("delete passkey: %w", err)
		}
		return s.notices.ofCredential(ctx, c, mail.CredentialRemoved, subject, removed, now)
	})
}
