package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store/db"
)

// SignInSources stores the devices and networks from which accounts have signed in.
type SignInSources struct {
	db      *db.DB
	notices *notices
}

// KnownSource returns the parts of source from which its account has signed in since
// its last password change and since it was last disabled. Unknown accounts and unknown
// sources take the same lookup.
func (s *SignInSources) KnownSource(ctx context.Context, source account.SignInSource, now time.Time) (account.KnownSource, error) {
	known := account.KnownSource{Networks: make([]time.Time, len(source.Networks))}
	args := []any{now.UnixMicro(), source.Device}
	for _, network := range source.Networks {
		args = append(args, network)
	}
	read := `
		SELECT k.digest, k.noted_at FROM known_sources k
		JOIN accounts a ON a.subject = k.subject AND a.not_before = k.not_before AND a.disabled_at IS NULL
		WHERE k.expires_at > $1 AND k.digest IN (` + placeholders(2, len(args)-1) + `)`

	err := s.db.Read.Query(ctx, func(from db.Scanner) error {
		var part []byte
		var at time.Time
		err := from.Scan(intoBytes(&part), intoTime(&at))
		if bytes.Equal(part, source.Device) {
			known.Device = at
		}
		for i, network := range source.Networks {
			if bytes.Equal(part, network) {
				known.Networks[i] = at
			}
		}
		return err
	}, read, args...)
	if err != nil {
		return account.KnownSource{}, fmt.Errorf("read known source: %w", err)
	}
	return known, nil
}

// NoteSource records a sign-in of a from source, whose Device must be set. The record
// is bound to the TokensValidAfter of the account that the sign-in has read, so that it
// is void if the password changed or the account was disabled in the meantime. It keeps
// the newest 50 devices and 150 networks, and tells the user of a new device, which from describes.
func (s *SignInSources) NoteSource(ctx context.Context, a *account.Account, source account.SignInSource, from session.Origin, now time.Time) error {
	note := noteSource(a, source, now, now)
	return s.db.Tx(ctx, func(c db.Conn) error {
		if err := s.notices.ofUnknownDevice(ctx, c, a.Subject, source.Device, from, now); err != nil {
			return err
		}
		if _, err := c.Exec(ctx, note.Text, note.Args...); err != nil {
			return fmt.Errorf("note sign-in source: %w", err)
		}
		return trimSources(ctx, c, a.Subject)
	})
}

// noteSource returns the statement that records a sign-in of a from source, except for parts
// that were recorded after since.
func noteSource(a *account.Account, source account.SignInSource, since, now time.Time) db.Statement {
	args := []any{
		a.Subject, stamp(a.SessionsValidAfter), now.UnixMicro(),
		now.Add(account.DeviceLifetime).UnixMicro(), now.Add(account.NetworkLifetime).UnixMicro(), source.Device, since.UnixMicro(),
	}
	rows := []string{`($6, 'device', $1, $2, $3, $4)`}
	for _, network := range source.Networks {
		args = append(args, network)
		rows = append(rows, `(`+placeholders(len(args), 1)+`, 'network', $1, $2, $3, $5)`)
	}
	return db.Statement{Args: args, Text: `
		INSERT INTO known_sources (digest, kind, subject, not_before, noted_at, expires_at) VALUES ` + strings.Join(rows, ", ") + `
		ON CONFLICT (digest) DO UPDATE SET subject = excluded.subject, not_before = excluded.not_before,
			noted_at = excluded.noted_at, expires_at = excluded.expires_at
		WHERE known_sources.noted_at <= $7 OR known_sources.not_before <> excluded.not_before`}
}

// trimSources keeps the newest 50 devices and 150 networks of an account.
func trimSources(ctx context.Context, on db.Conn, subject string) error {
	trim := trimSourcesOf(subject)
	if _, err := on.Exec(ctx, trim.Text, trim.Args...); err != nil {
		return fmt.Errorf("trim sign-in sources: %w", err)
	}
	return nil
}

// trimSourcesOf returns the statement of trimSources.
func trimSourcesOf(subject string) db.Statement {
	const trim = `
		DELETE FROM known_sources WHERE digest IN (SELECT digest FROM (
			SELECT digest, kind, row_number() OVER (PARTITION BY kind ORDER BY noted_at DESC, digest) AS place
			FROM known_sources WHERE subject = $1) AS ranked WHERE place > CASE kind WHEN 'device' THEN 50 ELSE 150 END)`

	return db.Statement{Text: trim, Args: []any{subject}}
}

// unlock clears all failure counters of an account: the shared one, those of its known devices
// and networks, and that of its second factors. It returns [account.ErrNotFound] for an unknown
// subject.
func unlock(ctx context.Context, on db.Conn, subject string) error {
	a, err := accountBySubject(ctx, on, subject)
	if err != nil {
		return err
	}
	counters := []string{account.SharedCounter(a.Username)}
	err = on.Query(ctx, func(from db.Scanner) error {
		var source []byte
		err := from.Scan(intoBytes(&source))
		counters = append(counters, account.SourceCounter(source))
		return err
	}, `SELECT digest FROM known_sources WHERE subject = $1`, subject)
	if err != nil {
		return fmt.Errorf("list known sources: %w", err)
	}
	var digests []any
	for _, counter := range counters {
		for _, limit := range account.Lockout(counter) {
			digests = append(digests, digest(limit.Key))
		}
	}
	for _, limit := range secondfactor.Limits(subject) {
		digests = append(digests, digest(limit.Key))
	}
	_, err = on.Exec(ctx, `DELETE FROM guesses WHERE digest IN (`+placeholders(1, len(digests))+`)`, digests...)
	if err != nil {
		return fmt.Errorf("clear failure counters: %w", err)
	}
	return resetFailures(ctx, on, account.SharedCounter(a.Username))
}

// removeSources clears the failure counters of an account and deletes its known devices and
// networks and its trusted devices. It does nothing for an unknown account.
func removeSources(ctx context.Context, on db.Conn, subject string) error {
	if err := unlock(ctx, on, subject); err != nil && !errors.Is(err, account.ErrNotFound) {
		return err
	}
	if _, err := on.Exec(ctx, `DELETE FROM known_sources WHERE subject = $1`, subject); err != nil {
		return fmt.Errorf("forget known sources: %w", err)
	}
	return deleteTrustedDevices(ctx, on, subject)
}
