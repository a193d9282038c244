package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/store/db"
)

// Devices stores devices that wait for a user (RFC 8628).
type Devices struct{ db *db.DB }

const deviceColumns = `grant_bucket, grant_id, client_id, user_code, scopes, resources, seed, wait,
	created_at, expires_at, polled_at, denied_at, details`

func deviceInto(d *devicecode.Device) []any {
	return []any{
		(*uint32)(&d.Grant.Partition), intoID(&d.Grant.ID), &d.ClientID, intoBytes(&d.UserCode),
		intoWords(&d.Scopes), intoWords(&d.Resources), intoBytes(&d.Seed), intoSpan(&d.Interval),
		intoTime(&d.CreatedAt), intoTime(&d.ExpiresAt), intoTime(&d.PolledAt), intoTime(&d.DeniedAt), intoOptional(&d.Details),
	}
}

func intoSpan(d *time.Duration) column {
	return into(func(us int64) error { *d = time.Duration(us) * time.Microsecond; return nil })
}

// InsertDevice adds a device. It returns [grant.ErrExists] if its user code is taken.
func (s *Devices) InsertDevice(ctx context.Context, d *devicecode.Device) error {
	const insert = `
		INSERT INTO devices (` + deviceColumns + `, early)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0)
		ON CONFLICT DO NOTHING`

	inserted, err := s.db.Write.Exec(ctx, insert, int64(d.Grant.Partition), d.Grant.ID[:], d.ClientID, d.UserCode,
		words(d.Scopes), words(d.Resources), d.Seed, d.Interval.Microseconds(),
		stamp(d.CreatedAt), stamp(d.ExpiresAt), micros(d.PolledAt), micros(d.DeniedAt), d.Details.Text())
	if err != nil {
		return fmt.Errorf("insert device: %w", err)
	}
	if inserted == 0 {
		return grant.ErrExists
	}
	return nil
}

func (s *Devices) waiting() waiting { return waiting{s.db, "devices", devicecode.ErrNotFound} }

// PollDevice records a poll of a device and returns its state. A poll that comes too
// early increases the interval. It returns [devicecode.ErrExpired] for an expired or
// unknown device code, and [grant.ErrNotFound] for the device of another client.
func (s *Devices) PollDevice(ctx context.Context, p grant.Poll) (*devicecode.PollResult, error) {
	polled := &devicecode.PollResult{}
	var err error
	polled.TooEarly, polled.Allowed, err = s.waiting().poll(ctx, p, deviceColumns, deviceInto(&polled.Device))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, s.pollError(ctx, p)
	}
	if err != nil {
		return nil, fmt.Errorf("poll device: %w", err)
	}
	return polled, nil
}

// pollError returns the reason for which a poll found no device.
func (s *Devices) pollError(ctx context.Context, p grant.Poll) error {
	clientID, err := s.waiting().clientOf(ctx, p.Ref)
	switch {
	case err != nil:
		return fmt.Errorf("read device: %w", err)
	case clientID == "":
		return refusal.Wrap(devicecode.ErrExpired, refusal.DeviceCodeUnknown, "the device code is unknown or was removed after it expired")
	case clientID != p.ClientID:
		return refusal.Wrap(grant.ErrNotFound, refusal.DeviceOtherClient, "it was issued to another client", refusal.Registered("issued_to", clientID))
	default:
		return refusal.Wrap(devicecode.ErrExpired, refusal.DeviceCodeExpired, "the device code has expired")
	}
}

// DeviceByCode returns the pending device with one of the hashed user codes, or
// [devicecode.ErrNotFound].
func (s *Devices) DeviceByCode(ctx context.Context, codes [][]byte, now time.Time) (*devicecode.Device, error) {
	args := []any{now.UnixMicro()}
	for _, code := range codes {
		args = append(args, code)
	}
	read := `
		SELECT ` + deviceColumns + ` FROM devices
		WHERE expires_at > $1 AND denied_at IS NULL AND user_code IN (` + placeholders(2, len(codes)) + `)`

	d := &devicecode.Device{}
	err := s.db.Read.QueryRow(ctx, read, args...).Scan(deviceInto(d)...)
	if err == nil {
		err = s.requireWaiting(ctx, d.Grant)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return nil, devicecode.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find device: %w", err)
	}
	return d, nil
}

// requireWaiting returns [sql.ErrNoRows] if a user has allowed the device.
func (s *Devices) requireWaiting(ctx context.Context, ref grant.Locator) error {
	const read = `SELECT count(*) FROM grants WHERE bucket = $1 AND id = $2`

	var allowed bool
	err := s.db.Read.QueryRow(ctx, s.db.Engine.InPartition(ref.Partition, read), int64(ref.Partition), ref.ID[:]).Scan(intoFlag(&allowed))
	if err == nil && allowed {
		return sql.ErrNoRows
	}
	return err
}

// DenyDevice records that the user denied a device. It does nothing if a user has
// decided before or the device has expired.
func (s *Devices) DenyDevice(ctx context.Context, ref grant.Locator, now time.Time) error {
	err := s.waiting().decide(ctx, s.db.Write, "denied_at", ref.ID, now)
	if err != nil && !errors.Is(err, devicecode.ErrNotFound) {
		return fmt.Errorf("deny device: %w", err)
	}
	return nil
}

// AllowDevice inserts the grant of a device, which redeems it with its device code. It
// is a compare-and-set: it returns [devicecode.ErrNotFound] if a user has decided
// before or the device has expired.
func (s *Devices) AllowDevice(ctx context.Context, g *grant.Grant, now time.Time) error {
	if err := s.waiting().allow(ctx, g, now, func(db.Conn) error { return nil }); err != nil {
		return fmt.Errorf("allow device: %w", err)
	}
	return nil
}
