package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

// Store keeps sessions.
type Store interface {
	// InsertSession adds s. The session whose cookie has the hash replaces ends in the
	// same transaction, with its grants and with logout notices to its clients; nil
	// replaces none.
	InsertSession(ctx context.Context, s *Session, replaces []byte) error
	// RenewSession replaces the live session of s.Subject whose cookie has the hash
	// oldCookie by s, which keeps the ID and the creation time of that session. It
	// returns [ErrNotFound] if there is no such session.
	RenewSession(ctx context.Context, oldCookie []byte, s *Session) error
	// ExtendSession writes the end of s and its member Remembered.
	ExtendSession(ctx context.Context, s *Session, now time.Time) error
	TouchSession(ctx context.Context, cookie []byte, from Origin, seenAt, idleUntil time.Time) error
	// EndSession ends a session and its grants, queues logout notices, and returns the
	// client IDs that participated in the session.
	EndSession(ctx context.Context, id string, now time.Time) (clients []string, err error)
	EndSessionsOf(ctx context.Context, subject string, now time.Time) (count int, err error)
	// SignInWithPasskey begins a session in the transaction that records the use of a passkey.
	// It returns authrequest.ErrNotFound, passkey.ErrSpent, passkey.ErrCounterChanged or
	// account.ErrDisabled if it cannot begin.
	SignInWithPasskey(ctx context.Context, in PasskeySignIn) error
	// EndSessionOf is EndSession for a session of the subject. It returns [ErrNotFound] if
	// there is none.
	EndSessionOf(ctx context.Context, subject, id string, now time.Time) error
	// EndOtherSessions is EndSessionsOf for all sessions but keep.
	EndOtherSessions(ctx context.Context, subject, keep string, now time.Time) (count int, err error)
	// ReplacePassword sets the password hash of an account, and ends all sessions but keep
	// unless that is empty. It returns [account.ErrChanged] if a is not current.
	ReplacePassword(ctx context.Context, a *account.Account, hash, keep string, now time.Time) error
}

// Sources remembers the devices and networks that accounts sign in from.
type Sources interface {
	NoteSource(ctx context.Context, a *account.Account, source account.SignInSource, from Origin, now time.Time) error
}

// Manager begins, raises, extends and ends sessions. Every authentication method hands
// its result to Begin; nothing else writes a session.
type Manager struct {
	Store   Store
	Sources Sources
	Cookies Cookies
	// Remembered are the lifetimes of remembered sessions, Lifetimes those of all others.
	Lifetimes  Lifetimes
	Remembered Lifetimes
	// Network returns the network of a request for [Origin]; nil for none.
	Network func(ctx context.Context) string
	// Began is called for each session that begins or is raised, Ended after sessions
	// were ended and logout notices may be queued.
	Began func()
	Ended func()
	Now   func() time.Time
}

// Begin begins the session that a leads to and sets its cookies. current is the live
// session of the browser, nil if there is none.
//
//   - If current is of the same account, it is raised: it keeps its ID (the sid claim),
//     and takes authentication time, ACR, AMR and lifetime from a.
//   - If current is of another account, it ends with its grants, and its clients get
//     logout notices.
//
// The cookie value changes each time, which prevents session fixation.
//
// Spec: OpenID Connect Core §2 (auth_time, acr, amr), NIST SP 800-63B-4 §5.1.
func (m *Manager) Begin(w http.ResponseWriter, r *http.Request, current *Session, a Authentication) (*Session, error) {
	ctx, now := r.Context(), m.Now()
	cookie := NewCookie()
	s := a.session(cookie, now)
	s.Origin = m.origin(r)
	m.limit(s, a.RememberFor, now)
	if a.Passkey != nil {
		return s, m.beginWithPasskey(w, r, current, s, a, cookie)
	}
	if err := m.write(ctx, s, current, Hash(m.Cookies.Session(r))); err != nil {
		return nil, fmt.Errorf("begin session: %w", err)
	}
	m.Began()
	m.Cookies.SetSession(w, cookie, s)
	if a.Source == nil {
		return s, nil
	}
	return s, m.noteSource(w, r, a, now)
}

// write stores s in place of current, whose cookie has the hash old.
func (m *Manager) write(ctx context.Context, s, current *Session, old []byte) error {
	switch {
	case current == nil:
		return m.Store.InsertSession(ctx, s, nil)
	case current.Subject != s.Subject:
		defer m.Ended()
		return m.Store.InsertSession(ctx, s, old)
	}
	err := m.Store.RenewSession(ctx, old, s)
	if errors.Is(err, ErrNotFound) { // it ended during the authentication
		return m.Store.InsertSession(ctx, s, nil)
	}
	return err
}

// limit sets when a session that begins or is extended at now ends. A rememberFor of 0
// means the configured lifetimes.
func (m *Manager) limit(s *Session, rememberFor time.Duration, now time.Time) {
	l := m.lifetimesOf(s)
	if s.Remembered && rememberFor > 0 {
		l = Lifetimes{Idle: rememberFor, Absolute: rememberFor}
	}
	s.EndsAt = now.Add(l.Absolute)
	s.IdleUntil = now.Add(min(l.Idle, l.Absolute))
}

func (m *Manager) lifetimesOf(s *Session) Lifetimes {
	if s.Remembered {
		return m.Remembered
	}
	return m.Lifetimes
}

// sourceInterval is how long a known device or network is not written again.
const sourceInterval = 24 * time.Hour

// noteSource makes the browser and the network known to the account, and gives the
// browser its device cookie. A browser has one device cookie for all accounts.
func (m *Manager) noteSource(w http.ResponseWriter, r *http.Request, a Authentication, now time.Time) error {
	device := cmp.Or(m.Cookies.Device(r), NewCookie())
	if !a.Source.Known.RecordedSince(now.Add(-sourceInterval)) {
		source := account.NewSignInSource(a.Account.Username, device, a.Source.Networks...)
		if err := m.Sources.NoteSource(r.Context(), a.Account, source, m.origin(r), now); err != nil {
			return fmt.Errorf("remember device: %w", err)
		}
	}
	m.Cookies.SetDevice(w, device, account.DeviceLifetime)
	return nil
}

// Extend makes s, the session of the browser, a remembered one that ends later.
// A rememberFor of 0 means the configured lifetime.
func (m *Manager) Extend(w http.ResponseWriter, r *http.Request, s *Session, rememberFor time.Duration) error {
	now := m.Now()
	s.Remembered = true
	m.limit(s, rememberFor, now)
	if err := m.Store.ExtendSession(r.Context(), s, now); err != nil {
		return fmt.Errorf("extend session: %w", err)
	}
	m.Cookies.SetSession(w, m.Cookies.Session(r), s)
	return nil
}

// Touch moves the idle timeout of s, which the user of the request uses. It writes only after a
// sixteenth of the timeout, so that an ordinary request does not write.
func (m *Manager) Touch(r *http.Request, s *Session) error {
	now, idle := m.Now(), m.lifetimesOf(s).Idle
	if now.Sub(s.SeenAt) < idle/16 {
		return nil
	}
	idleUntil := now.Add(idle)
	if s.EndsAt.Before(idleUntil) {
		idleUntil = s.EndsAt
	}
	if err := m.Store.TouchSession(r.Context(), s.Cookie, m.origin(r), now, idleUntil); err != nil {
		return fmt.Errorf("touch session: %w", err)
	}
	return nil
}

func (m *Manager) origin(r *http.Request) Origin {
	if m.Network == nil {
		return NewOrigin(r, "")
	}
	return NewOrigin(r, m.Network(r.Context()))
}

// End ends the session with the ID, revokes its grants and queues logout notices. It
// returns the client IDs that participated in the session. An unknown ID is not an error.
func (m *Manager) End(ctx context.Context, id string) (clients []string, err error) {
	defer m.Ended()
	return m.Store.EndSession(ctx, id, m.Now())
}

// EndAll ends all sessions of a subject as [Manager.End] does, and returns how many
// there were.
func (m *Manager) EndAll(ctx context.Context, subject string) (count int, err error) {
	defer m.Ended()
	return m.Store.EndSessionsOf(ctx, subject, m.Now())
}

// EndOf ends a session of a subject as [Manager.End] does. It returns [ErrNotFound] if the
// subject has no such session.
func (m *Manager) EndOf(ctx context.Context, subject, id string) error {
	defer m.Ended()
	return m.Store.EndSessionOf(ctx, subject, id, m.Now())
}

// EndOthers ends all sessions of a subject but keep as [Manager.End] does, and returns how
// many there were.
func (m *Manager) EndOthers(ctx context.Context, subject, keep string) (count int, err error) {
	defer m.Ended()
	return m.Store.EndOtherSessions(ctx, subject, keep, m.Now())
}

// ReplacePassword sets the password hash of an account that is unchanged since it was read, and
// ends all sessions but keep unless that is empty. It returns [account.ErrChanged] otherwise.
func (m *Manager) ReplacePassword(ctx context.Context, a *account.Account, hash, keep string) error {
	defer m.Ended()
	return m.Store.ReplacePassword(ctx, a, hash, keep, m.Now())
}
