package session_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// managed is a browser with a session manager over a real store and a clock that the
// test moves.
type managed struct {
	*session.Manager

	t            *testing.T
	store        *store.Store
	now          time.Time
	jar          map[string]string
	began, ended int
}

func newManaged(t *testing.T, s *store.Store) *managed {
	t.Helper()
	fixture.Seed(t, s)
	m := &managed{t: t, store: s, now: fixture.Noon, jar: map[string]string{}}
	m.Manager = &session.Manager{
		Store: s.Sessions, Sources: s.SignInSources,
		Lifetimes:  session.Lifetimes{Idle: time.Hour, Absolute: 8 * time.Hour},
		Remembered: session.Lifetimes{Idle: 48 * time.Hour, Absolute: 24 * time.Hour},
		Began:      func() { m.began++ }, Ended: func() { m.ended++ },
		Now: func() time.Time { return m.now },
	}
	return m
}

func (m *managed) request() *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	for name, value := range m.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	return r
}

func (m *managed) save(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		m.jar[c.Name] = c.Value
	}
}

// current returns the live session of the browser, nil if there is none.
func (m *managed) current() *session.Session {
	m.t.Helper()
	s, _, err := m.store.Sessions.SessionAndConsent(m.t.Context(), session.Hash(m.Cookies.Session(m.request())), "rp", m.now)
	if err != nil {
		return nil
	}
	return s
}

func (m *managed) begin(a session.Authentication) *session.Session {
	m.t.Helper()
	w := httptest.NewRecorder()
	s, err := m.Begin(w, m.request(), m.current(), a)
	if err != nil {
		m.t.Fatal(err)
	}
	m.save(w)
	return s
}

func of(subject string) session.Authentication {
	return session.Authentication{
		Account: &account.Account{Subject: subject, Username: "name-of-" + subject},
		Time:    fixture.Noon, ACR: "1", AMR: []string{"pwd"},
	}
}

func TestBeginRaisesTheSessionOfTheSameAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		m := newManaged(t, s)
		first := m.begin(of("alice"))
		cookie := m.Cookies.Session(m.request())

		m.now = m.now.Add(time.Minute)
		a := of("alice")
		a.Time, a.ACR, a.AMR = m.now, "2", []string{"pwd", "otp", "mfa"}
		raised := m.begin(a)
		if raised.ID != first.ID {
			t.Errorf("session ID = %s, want %s as before", raised.ID, first.ID)
		}
		if m.Cookies.Session(m.request()) == cookie {
			t.Error("the cookie value is the same as before")
		}
		got := m.current()
		if got == nil || got.ACR != "2" || !slices.Equal(got.AMR, a.AMR) || !got.AuthTime.Equal(m.now) || !got.EndsAt.Equal(m.now.Add(8*time.Hour)) {
			t.Errorf("stored session = %+v, want that of the second authentication", got)
		}
		if m.began != 2 || m.ended != 0 {
			t.Errorf("Began was called %d times and Ended %d times, want 2 and 0", m.began, m.ended)
		}
	})
}

func TestBeginEndsTheSessionOfAnotherAccount(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		m := newManaged(t, s)
		alice := m.begin(of("alice"))
		bob := m.begin(of("bob"))
		if got := m.current(); bob.ID == alice.ID || got == nil || got.Subject != "bob" {
			t.Errorf("session after the second account = %+v", got)
		}
		list, err := s.Sessions.ListSessions(t.Context(), "alice", "", 9, m.now)
		if err != nil || slices.ContainsFunc(list, func(s *session.Session) bool { return s.ID == alice.ID }) {
			t.Errorf("sessions of the first account = %v, %v; want that of the browser ended", list, err)
		}
		if m.ended != 1 {
			t.Errorf("Ended was called %d times, want once", m.ended)
		}
	})
}

func TestSessionLifetimes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		remember       bool
		rememberFor    time.Duration
		idle, absolute time.Duration
	}{
		"until the browser process ends":           {false, 0, time.Hour, 8 * time.Hour},
		"remembered, never idle beyond its end":    {true, 0, 24 * time.Hour, 24 * time.Hour},
		"remembered for as long as an app demands": {true, 2 * time.Hour, 2 * time.Hour, 2 * time.Hour},
		"not remembered, so that the time is void": {false, 2 * time.Hour, time.Hour, 8 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newManaged(t, storetest.New(t))
			a := of("alice")
			a.Remember, a.RememberFor = tc.remember, tc.rememberFor
			got := m.begin(a)
			if !got.IdleUntil.Equal(m.now.Add(tc.idle)) || !got.EndsAt.Equal(m.now.Add(tc.absolute)) || got.Remembered != tc.remember {
				t.Errorf("session is idle until %v and ends %v, want %v and %v", got.IdleUntil, got.EndsAt, m.now.Add(tc.idle), m.now.Add(tc.absolute))
			}
		})
	}
}

func TestTouchWritesOnceInASixteenthOfTheIdleTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		m := newManaged(t, s)
		m.begin(of("alice"))
		for _, step := range []struct {
			after time.Duration
			want  int64
		}{{3 * time.Minute, 0}, {time.Minute, 1}, {time.Minute, 0}} {
			m.now = m.now.Add(step.after)
			current := m.current()
			before := s.Statements()
			if err := m.Touch(m.request(), current); err != nil {
				t.Fatal(err)
			}
			if got := s.Statements() - before; got != step.want {
				t.Errorf("%v after the last request Touch ran %d statements, want %d", step.after, got, step.want)
			}
		}
		if got := m.current(); !got.IdleUntil.Equal(fixture.Noon.Add(64 * time.Minute)) {
			t.Errorf("session is idle until %v, want an hour after the write", got.IdleUntil)
		}
	})
}

func TestExtendAndEnd(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		m := newManaged(t, s)
		m.begin(of("alice"))
		w := httptest.NewRecorder()
		if err := m.Extend(w, m.request(), m.current(), 12*time.Hour); err != nil {
			t.Fatal(err)
		}
		m.save(w)
		got := m.current()
		if got == nil || !got.Remembered || !got.EndsAt.Equal(m.now.Add(12*time.Hour)) {
			t.Fatalf("extended session = %+v", got)
		}
		if _, err := m.End(t.Context(), got.ID); err != nil || m.current() != nil || m.ended != 1 {
			t.Errorf("End = %v; session %v, Ended called %d times", err, m.current(), m.ended)
		}
		m.begin(of("alice"))
		if n, err := m.EndAll(t.Context(), "alice"); err != nil || n == 0 || m.current() != nil || m.ended != 2 {
			t.Errorf("EndAll = %d, %v; session %v, Ended called %d times", n, err, m.current(), m.ended)
		}
	})
}

// A sign-in records its device and network, and again only after a day.
func TestBeginRecordsTheSource(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		m := newManaged(t, s)
		networks := []string{"192.0.2.0/32", "192.0.2.0/24"}
		known := func() account.KnownSource {
			t.Helper()
			source := account.NewSignInSource("name-of-alice", m.Cookies.Device(m.request()), networks...)
			known, err := s.SignInSources.KnownSource(t.Context(), source, m.now)
			if err != nil {
				t.Fatal(err)
			}
			return known
		}
		a := of("alice")
		for _, step := range []struct {
			after    time.Duration
			recorded time.Time
		}{{0, fixture.Noon}, {time.Hour, fixture.Noon}, {24 * time.Hour, fixture.Noon.Add(25 * time.Hour)}} {
			m.now = m.now.Add(step.after)
			a.Source = &session.Source{Known: known(), Networks: networks}
			m.begin(a)
			if got := known(); !got.Device.Equal(step.recorded) || got.Network() != 0 || !got.Networks[0].Equal(step.recorded) {
				t.Errorf("at %v the source is %+v, want it recorded at %v", m.now, got, step.recorded)
			}
		}
		before := m.Cookies.Device(m.request())
		m.begin(of("bob"))
		if before == "" || m.Cookies.Device(m.request()) != before {
			t.Error("the browser has another device cookie for another account")
		}
	})
}
