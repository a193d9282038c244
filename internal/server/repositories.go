package server

import (
	"context"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
)

// The interfaces that packages declare of the store sometimes need more than one of its
// repositories. The types here combine them.

// loginResults implements authorize.Entrance.
type loginResults struct {
	*store.Requests

	accounts *store.Accounts
}

// InsertAccount is [store.Accounts.InsertAccount].
func (l loginResults) InsertAccount(ctx context.Context, a *account.Account) error {
	return l.accounts.InsertAccount(ctx, a)
}

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

// loginDevices implements login.Devices.
type loginDevices struct {
	*store.Devices

	requests pendingRequests
}

// InsertRequest is [pendingRequests.InsertRequest].
func (d loginDevices) InsertRequest(ctx context.Context, r *authrequest.Request) error {
	return d.requests.InsertRequest(ctx, r)
}

// RedeemDevice is [store.Requests.RedeemDevice].
func (d loginDevices) RedeemDevice(ctx context.Context, id string, browser, verifier []byte, now time.Time) error {
	return d.requests.RedeemDevice(ctx, id, browser, verifier, now)
}

// accountsAndSources implements login.Accounts.
type accountsAndSources struct {
	*store.Accounts
	*store.SignInSources
}

// setupLinks implements login.SetupLinks.
type setupLinks struct {
	*store.SetupLinks

	accounts *store.Accounts
}

// HasAdministrator is [store.Accounts.HasAdministrator].
func (s setupLinks) HasAdministrator(ctx context.Context) (bool, error) {
	return s.accounts.HasAdministrator(ctx)
}

// deviceDecisions implements admin.Devices.
type deviceDecisions struct {
	*store.Requests
	*store.Devices
}

// consentsAndGrants implements admin.Consents.
type consentsAndGrants struct {
	*store.Consents
	*store.Grants
}
