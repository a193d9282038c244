package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
)

// Reader reads sessions.
type Reader interface {
	// SessionAndConsent returns the live session whose cookie has the hash and the consent of
	// its user to the client, nil without one. It returns [ErrNotFound] if there is no such
	// session.
	SessionAndConsent(ctx context.Context, cookieHash []byte, clientID string, now time.Time) (*Session, *consent.Consent, error)
}

// Current returns the live session that has the cookie value, and the consent of its user to the
// client. Both are nil if the cookie is empty, unknown or of a session that has ended. A non-empty
// cookie costs one statement. An error means that the session could not be read.
func Current(ctx context.Context, from Reader, cookie, clientID string, now time.Time) (*Session, *consent.Consent, error) {
	if cookie == "" {
		return nil, nil, nil
	}
	s, c, err := from.SessionAndConsent(ctx, Hash(cookie), clientID, now)
	if errors.Is(err, ErrNotFound) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read session: %w", err)
	}
	return s, c, nil
}
