package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

func TestRequestIsPending(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		want := fixture.Request("request")
		must(t, s.Requests.InsertRequest(t.Context(), want))
		read := func(at time.Time) (*authrequest.Request, error) {
			return s.Requests.Request(t.Context(), "request", at)
		}

		got, err := read(noon)
		must(t, err)
		wantSame(t, "request read back", got, want)

		must(t, s.Requests.RecordSignIn(t.Context(), "request", "sid", noon.Add(time.Second), noon))
		want.SessionID, want.SignedInAt = "sid", noon.Add(time.Second)
		got, err = read(noon)
		must(t, err)
		wantSame(t, "request after sign-in", got, want)

		must(t, s.Requests.RecordDecision(t.Context(), "request", authrequest.Accepted, "alice", nil, noon.Add(time.Minute)))
		want.Decision, want.DecidedFor, want.DecidedAt = authrequest.Accepted, "alice", noon.Add(time.Minute)
		got, err = read(noon)
		must(t, err)
		wantSame(t, "request after the decision", got, want)

		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session(want.SessionID, "alice"), nil))
		for name, tc := range map[string]struct {
			id              string
			browser, cookie []byte
			want            error
		}{
			"of this browser": {"request", want.BrowserHash, nil, nil}, // an expired request still has a client
			"of its session":  {"request", nil, fixture.CookieHash(want.SessionID), nil},
			"of no browser":   {"request", nil, nil, authrequest.ErrNotFound},
			"of another one":  {"request", fixture.CookieHash("x"), fixture.CookieHash("x"), authrequest.ErrNotFound},
			"of nothing":      {"other", want.BrowserHash, fixture.CookieHash(want.SessionID), authrequest.ErrNotFound},
		} {
			id, err := s.Requests.RequestClient(t.Context(), tc.id, tc.browser, tc.cookie)
			wantErr(t, "RequestClient "+name, err, tc.want)
			if tc.want == nil {
				wantSame(t, "client of the request "+name, id, want.ClientID)
			}
		}

		_, err = read(want.ExpiresAt)
		wantErr(t, "Request too late", err, authrequest.ErrNotFound)
		late := want.ExpiresAt
		wantErr(t, "RecordSignIn too late", s.Requests.RecordSignIn(t.Context(), "request", "sid", late, late), authrequest.ErrNotFound)
		wantErr(t, "RecordDecision too late",
			s.Requests.RecordDecision(t.Context(), "request", authrequest.Denied, "alice", nil, late), authrequest.ErrNotFound)
		wantErr(t, "RecordSignIn of nothing", s.Requests.RecordSignIn(t.Context(), "other", "sid", noon, noon), authrequest.ErrNotFound)
		wantErr(t, "RecordDecision of nothing",
			s.Requests.RecordDecision(t.Context(), "other", authrequest.Denied, "alice", nil, noon), authrequest.ErrNotFound)
	})
}

// Choosing a session is no sign-in, unless the user has signed in for the request in
// that session.
func TestChoiceIsNoAuthentication(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		want := fixture.Request("request")
		must(t, s.Requests.InsertRequest(t.Context(), want))
		choose := func(sid string, signedIn time.Time) {
			t.Helper()
			must(t, s.Requests.RecordChoice(t.Context(), "request", sid, noon))
			want.SessionID, want.SignedInAt = sid, signedIn
			got, err := s.Requests.Request(t.Context(), "request", noon)
			must(t, err)
			wantSame(t, "request after the choice of "+sid, got, want)
		}
		choose("first", time.Time{})
		must(t, s.Requests.RecordSignIn(t.Context(), "request", "first", noon, noon))
		choose("first", noon)
		choose("second", time.Time{})

		late := want.ExpiresAt
		wantErr(t, "RecordChoice too late", s.Requests.RecordChoice(t.Context(), "request", "sid", late), authrequest.ErrNotFound)
		wantErr(t, "RecordChoice of nothing", s.Requests.RecordChoice(t.Context(), "other", "sid", noon), authrequest.ErrNotFound)
	})
}

func TestFirstDecisionIsFinal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
		must(t, s.Requests.InsertRequest(t.Context(), fixture.Request("request")))
		remember := &consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"email"}, GivenAt: noon}

		must(t, s.Requests.RecordDecision(t.Context(), "request", authrequest.Denied, "alice", nil, noon))
		wantErr(t, "a second decision",
			s.Requests.RecordDecision(t.Context(), "request", authrequest.Accepted, "alice", remember, noon), authrequest.ErrAlreadyDecided)
		_, consent, err := s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("sid"), "rp", noon)
		must(t, err)
		if consent != nil {
			t.Errorf("the decision that came too late left the consent %v", consent)
		}

		must(t, s.Requests.InsertRequest(t.Context(), fixture.Request("next")))
		must(t, s.Requests.RecordDecision(t.Context(), "next", authrequest.Accepted, "alice", remember, noon))
		_, consent, err = s.Sessions.SessionAndConsent(t.Context(), fixture.CookieHash("sid"), "rp", noon)
		must(t, err)
		wantSame(t, "the consent that came with the decision", consent, remember)
	})
}
