package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/store/db"
)

// TrustedDevices stores the browsers in which users are not asked for a second factor.
type TrustedDevices struct{ db *db.DB }

// InsertTrustedDevice stores the device with the digest until expiresAt. The record is bound
// to the SessionsValidAfter of the account that the sign-in has read, so that it is void if
// the password changed or the account was disabled in the meantime. It keeps the newest 20.
func (s *TrustedDevices) InsertTrustedDevice(ctx context.Context, digest []byte, a *account.Account, now, expiresAt time.Time) error {
	const insert = `
		INSERT INTO trusted_devices (digest, subject, not_before, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (digest) DO UPDATE SET
			not_before = excluded.not_before, created_at = excluded.created_at, expires_at = excluded.expires_at`
	const trim = `
		DELETE FROM trusted_devices WHERE digest IN (SELECT digest FROM (
			SELECT digest, row_number() OVER (ORDER BY created_at DESC, digest) AS place
			FROM trusted_devices WHERE subject = $1) AS ranked WHERE place > 20)`

	err := s.db.Tx(ctx, func(c db.Conn) error {
		_, err := c.Exec(ctx, insert, digest, a.Subject, stamp(a.SessionsValidAfter), now.UnixMicro(), expiresAt.UnixMicro())
		if err == nil {
			_, err = c.Exec(ctx, trim, a.Subject)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("insert trusted device: %w", err)
	}
	return nil
}

// TrustedDevice reports whether the account trusts the device with the digest.
func (s *TrustedDevices) TrustedDevice(ctx context.Context, digest []byte, subject string, now time.Time) (bool, error) {
	const read = `
		SELECT count(*) FROM trusted_devices d
		JOIN accounts a ON a.subject = d.subject AND a.not_before = d.not_before AND a.disabled_at IS NULL
		WHERE d.digest = $1 AND d.subject = $2 AND d.expires_at > $3`

	var count int64
	if err := s.db.Read.QueryRow(ctx, read, digest, subject, now.UnixMicro()).Scan(&count); err != nil {
		return false, fmt.Errorf("read trusted device: %w", err)
	}
	return count == 1, nil
}

// DeleteTrustedDevices ends the trust of all devices of an account.
func (s *TrustedDevices) DeleteTrustedDevices(ctx context.Context, subject string) error {
	return deleteTrustedDevices(ctx, s.db.Write, subject)
}

func deleteTrustedDevices(ctx context.Context, on db.Conn, subject string) error {
	if _, err := on.Exec(ctx, `DELETE FROM trusted_devices WHERE subject = $1`, subject); err != nil {
		return fmt.Errorf("delete trusted devices: %w", err)
	}
	return nil
}
