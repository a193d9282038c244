package store

import (
	"context"
	"errors"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/session"
)

var errSkeleton = errors.New("not built yet")

// Open opens the database.
func Open(ctx context.Context, c Config) (*Store, error) { return nil, errSkeleton }

// Close closes it.
func (s *Store) Close() {}

// Engine names the engine.
func (s *Store) Engine() string { return "" }

// Statements counts statements.
func (s *Store) Statements() int64 { return 0 }

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error { return errSkeleton }

// Migrate brings the schema up to date.
func (s *Store) Migrate(ctx context.Context) ([]string, error) { return nil, errSkeleton }

// Migration is one step of the schema.
type Migration struct {
	Version   int64
	Name      string
	AppliedAt time.Time // zero while pending
}

// MigrationStatus lists the steps.
func (s *Store) MigrationStatus(ctx context.Context) ([]Migration, error) { return nil, errSkeleton }

// CheckSchema checks the schema's version.
func (s *Store) CheckSchema(ctx context.Context) error { return errSkeleton }

// Client reads a client.
func (s *Store) Client(ctx context.Context, id string) (*client.Client, error) {
	return nil, errSkeleton
}

// InsertClient writes a new client.
func (s *Store) InsertClient(ctx context.Context, c *client.Client) error { return errSkeleton }

// UpdateClient writes a changed client.
func (s *Store) UpdateClient(ctx context.Context, c *client.Client) error { return errSkeleton }

// DeleteClient removes a client.
func (s *Store) DeleteClient(ctx context.Context, id string) error { return errSkeleton }

// ListClients lists clients by id.
func (s *Store) ListClients(ctx context.Context, after string, limit int) ([]*client.Client, error) {
	return nil, errSkeleton
}

// ImportClients writes all or none.
func (s *Store) ImportClients(ctx context.Context, cs []*client.Client) (created, updated int, err error) {
	return 0, 0, errSkeleton
}

// EndClientTokens ends all tokens of a client.
func (s *Store) EndClientTokens(ctx context.Context, id string, now time.Time) error {
	return errSkeleton
}

// ClientCache keeps clients for a while.
type ClientCache struct{}

// NewClientCache makes a cache.
func NewClientCache(s *Store, ttl time.Duration, size int, now func() time.Time) *ClientCache {
	return &ClientCache{}
}

// Client reads a client.
func (c *ClientCache) Client(ctx context.Context, id string) (*client.Client, error) {
	return nil, errSkeleton
}

// Forget drops a client from the cache.
func (c *ClientCache) Forget(id string) {}

// Account reads an account by subject.
func (s *Store) Account(ctx context.Context, subject string) (*account.Account, error) {
	return nil, errSkeleton
}

// AccountByUsername reads an account by its canonical username.
func (s *Store) AccountByUsername(ctx context.Context, username string) (*account.Account, error) {
	return nil, errSkeleton
}

// InsertAccount writes a new account.
func (s *Store) InsertAccount(ctx context.Context, a *account.Account) error { return errSkeleton }

// ImportAccounts writes all or none.
func (s *Store) ImportAccounts(ctx context.Context, as []*account.Account) (created, updated int, err error) {
	return 0, 0, errSkeleton
}

// ListAccounts lists accounts by username.
func (s *Store) ListAccounts(ctx context.Context, after string, limit int) ([]*account.Account, error) {
	return nil, errSkeleton
}

// SetPassword changes a password hash and ends what was given before.
func (s *Store) SetPassword(ctx context.Context, subject, hash string, now time.Time) error {
	return errSkeleton
}

// SetDisabled disables or enables an account.
func (s *Store) SetDisabled(ctx context.Context, subject string, disabled bool, now time.Time) error {
	return errSkeleton
}

// DeleteAccount removes an account.
func (s *Store) DeleteAccount(ctx context.Context, subject string) error { return errSkeleton }

// HasAdministrator reports whether there is one.
func (s *Store) HasAdministrator(ctx context.Context) (bool, error) { return false, errSkeleton }

// InsertSetupLink keeps the hash of a link.
func (s *Store) InsertSetupLink(ctx context.Context, hash []byte, expiresAt time.Time) error {
	return errSkeleton
}

// SpendSetupLink uses a link up for the first account.
func (s *Store) SpendSetupLink(ctx context.Context, hash []byte, first *account.Account, now time.Time) error {
	return errSkeleton
}

// SetupLink checks a link.
func (s *Store) SetupLink(ctx context.Context, hash []byte, now time.Time) error { return errSkeleton }

// InsertSession writes a new session; the one it replaces ends with its grants.
func (s *Store) InsertSession(ctx context.Context, n *session.Session, replaces []byte) error {
	return errSkeleton
}

// RenewSession notes that the same person signed in again.
func (s *Store) RenewSession(ctx context.Context, oldCookie []byte, n *session.Session) error {
	return errSkeleton
}

// SessionAndConsent reads a session and what its person allowed the client.
func (s *Store) SessionAndConsent(ctx context.Context, cookie []byte, clientID string, now time.Time) (*session.Session, *grant.Consent, error) {
	return nil, nil, errSkeleton
}

// TouchSession notes use of a session.
func (s *Store) TouchSession(ctx context.Context, cookie []byte, seenAt, idleUntil time.Time) error {
	return errSkeleton
}

// EndSession ends a session and its grants.
func (s *Store) EndSession(ctx context.Context, id string, now time.Time) error { return errSkeleton }

// EndSessionsOf ends all sessions of a subject.
func (s *Store) EndSessionsOf(ctx context.Context, subject string, now time.Time) (int, error) {
	return 0, errSkeleton
}

// ListSessions lists live sessions by id, of one subject or (empty) of all.
func (s *Store) ListSessions(ctx context.Context, subject, after string, limit int, now time.Time) ([]*session.Session, error) {
	return nil, errSkeleton
}

// SaveConsent remembers a consent in place of the one before.
func (s *Store) SaveConsent(ctx context.Context, c *grant.Consent) error { return errSkeleton }

// DeleteConsent forgets the consents of a subject for a client.
func (s *Store) DeleteConsent(ctx context.Context, subject, clientID string) error {
	return errSkeleton
}

// InsertRequest writes a waiting request.
func (s *Store) InsertRequest(ctx context.Context, r *grant.Request) error { return errSkeleton }

// Request reads a waiting request.
func (s *Store) Request(ctx context.Context, id string, now time.Time) (*grant.Request, error) {
	return nil, errSkeleton
}

// RecordSignIn notes on a request who signed in for it.
func (s *Store) RecordSignIn(ctx context.Context, id, sessionID string, at, now time.Time) error {
	return errSkeleton
}

// RecordDecision notes on a request what the person decided.
func (s *Store) RecordDecision(ctx context.Context, id string, d grant.Decision, subject string, remember *grant.Consent, now time.Time) error {
	return errSkeleton
}

// InsertGrant writes a new grant.
func (s *Store) InsertGrant(ctx context.Context, g *grant.Grant) error { return errSkeleton }

// SpendCode uses up a code.
func (s *Store) SpendCode(ctx context.Context, sp grant.Spending) (*grant.Held, error) {
	return nil, errSkeleton
}

// RotateRefresh moves to the next generation.
func (s *Store) RotateRefresh(ctx context.Context, r grant.Rotation) (*grant.Held, error) {
	return nil, errSkeleton
}

// LiveGrant reads a grant that stands.
func (s *Store) LiveGrant(ctx context.Context, ref grant.Ref, jti string, now time.Time) (*grant.Held, error) {
	return nil, errSkeleton
}

// LiveClient checks a token that has no grant.
func (s *Store) LiveClient(ctx context.Context, clientID, jti string, issuedAt, now time.Time) error {
	return errSkeleton
}

// RevokeGrant ends a grant.
func (s *Store) RevokeGrant(ctx context.Context, ref grant.Ref, clientID string, why grant.Why, now time.Time) error {
	return errSkeleton
}

// DenyToken ends one token.
func (s *Store) DenyToken(ctx context.Context, jti string, until time.Time) error { return errSkeleton }

// GrantFilter narrows a list of grants; an empty member matches all.
type GrantFilter struct{ ClientID, Subject string }

// ListGrants lists live grants after a Ref (the zero Ref: from the start).
func (s *Store) ListGrants(ctx context.Context, f GrantFilter, after grant.Ref, limit int, now time.Time) ([]*grant.Grant, error) {
	return nil, errSkeleton
}

// ClaimOnce claims a one-time value.
func (s *Store) ClaimOnce(ctx context.Context, kind, owner, key string, until, now time.Time) (bool, error) {
	return false, errSkeleton
}

// CountGuess counts a guess and returns how many there were since when.
func (s *Store) CountGuess(ctx context.Context, key string, window time.Duration, now time.Time) (count int, since time.Time, err error) {
	return 0, time.Time{}, errSkeleton
}

// ForgetGuesses forgets them.
func (s *Store) ForgetGuesses(ctx context.Context, key string) error { return errSkeleton }

// GuessState reads the count without raising it; zero when the window has passed.
func (s *Store) GuessState(ctx context.Context, key string, now time.Time) (count int, since time.Time, err error) {
	return 0, time.Time{}, errSkeleton
}

// LoadKeys reads the signing keys.
func (s *Store) LoadKeys(ctx context.Context) (version int64, records []jwks.Record, err error) {
	return 0, nil, errSkeleton
}

// SaveKeys writes the signing keys.
func (s *Store) SaveKeys(ctx context.Context, version int64, put []jwks.Record, remove []string) error {
	return errSkeleton
}

// Purged tells what a purge removed.
type Purged struct {
	Partitions int   // whole buckets of grants, on PostgreSQL
	Grants     int64 // single grants, on SQLite
	Rows       int64 // ended rows of the other tables
}

// Purge removes what has ended.
func (s *Store) Purge(ctx context.Context, now time.Time) (Purged, error) { return Purged{}, errSkeleton }

// RunPurge purges until ctx ends.
func (s *Store) RunPurge(ctx context.Context) {}
