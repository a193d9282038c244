package secondfactor

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/session"
)

// DeviceStore keeps trusted devices.
type DeviceStore interface {
	// InsertTrustedDevice stores the device with the digest until expiresAt. Only the newest
	// devices of an account are kept.
	InsertTrustedDevice(ctx context.Context, digest []byte, a *account.Account, now, expiresAt time.Time) error
	// TrustedDevice reports whether the account trusts the device with the digest. A device
	// is trusted until its account's SessionsValidAfter changes.
	TrustedDevice(ctx context.Context, digest []byte, subject string, now time.Time) (bool, error)
	DeleteTrustedDevices(ctx context.Context, subject string) error
}

// TrustedDevices are the browsers in which users have asked not to be asked for a second
// factor again. They satisfy a policy of the operator only: a sign-in there has no further
// methods or level.
type TrustedDevices struct {
	Store    DeviceStore
	Cookies  session.Cookies
	Lifetime time.Duration
}

// Trust makes the browser a trusted device of the account and sets its cookie.
func (d *TrustedDevices) Trust(w http.ResponseWriter, r *http.Request, a *account.Account, now time.Time) error {
	value := d.Cookies.TrustedDevice(r)
	if value == "" {
		value = session.NewCookie()
	}
	if err := d.Store.InsertTrustedDevice(r.Context(), deviceDigest(a.Subject, value), a, now, now.Add(d.Lifetime)); err != nil {
		return fmt.Errorf("trust device: %w", err)
	}
	d.Cookies.SetTrustedDevice(w, value, d.Lifetime)
	return nil
}

// Trusts reports whether the browser is a trusted device of the account. Without a cookie
// nothing is read.
func (d *TrustedDevices) Trusts(r *http.Request, subject string, now time.Time) (bool, error) {
	value := d.Cookies.TrustedDevice(r)
	if value == "" {
		return false, nil
	}
	trusted, err := d.Store.TrustedDevice(r.Context(), deviceDigest(subject, value), subject, now)
	if err != nil {
		return false, fmt.Errorf("look up trusted device: %w", err)
	}
	return trusted, nil
}

// Forget ends the trust of all devices of an account.
func (d *TrustedDevices) Forget(ctx context.Context, subject string) error {
	if err := d.Store.DeleteTrustedDevices(ctx, subject); err != nil {
		return fmt.Errorf("forget trusted devices: %w", err)
	}
	return nil
}

// deviceDigest separates the accounts that trust one browser, which has one cookie.
func deviceDigest(subject, cookie string) []byte {
	sum := sha256.Sum256([]byte(subject + "\x00" + cookie))
	return sum[:]
}
