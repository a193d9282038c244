package server

import (
	"context"
	"time"

	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
)

// The interfaces that packages declare of the store sometimes need more than one of its
// repositories. The types here combine them.

// browserSessions implements authorize.Sessions.
type browserSessions struct {
	pendingRequests

	sessions *store.Sessions
}

// SessionAndConsent is [store.Sessions.SessionAndConsent].
func (b browserSessions) SessionAndConsent(
	ctx context.Context, cookie []byte, clientID string, now time.Time,
) (*session.Session, *consent.Consent, error) {
	return b.sessions.SessionAndConsent(ctx, cookie, clientID, now)
}

// JoinSession is [store.Sessions.JoinSession].
func (b browserSessions) JoinSession(ctx context.Context, sessionID, clientID, forcedSubject string, now time.Time) error {
	return b.sessions.JoinSession(ctx, sessionID, clientID, forcedSubject, now)
}

// deviceDecisions implements admin.DeviceRequests.
type deviceDecisions struct {
	*store.Requests
	*store.Devices
}
