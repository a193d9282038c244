package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/activity"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// kinds returns the kinds and details of the events of a subject, the oldest first.
func kinds(t *testing.T, s *store.Store, subject string) (list []string) {
	t.Helper()
	events, err := s.Activity.ListActivity(t.Context(), subject, "", 100)
	must(t, err)
	for i := range events {
		e := events[len(events)-1-i]
		list = append(list, string(e.Kind)+" "+e.Detail)
	}
	return list
}

// Events are recorded in the order of their times.
func TestActivityIsRecordedWithTheChange(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		at := func(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

		n := fixture.Session("sid", "alice")
		n.AMR = []string{"pwd", "otp", "mfa"}
		must(t, s.Sessions.InsertSession(ctx, n, nil))
		raised := fixture.Session("new", "alice")
		raised.AuthTime, raised.AMR = at(1), []string{"pwd"}
		must(t, s.Sessions.RenewSession(ctx, fixture.CookieHash("sid"), raised))
		wantErr(t, "a session that is unknown",
			s.Sessions.RenewSession(ctx, fixture.CookieHash("sid"), fixture.Session("other", "alice")), session.ErrNotFound)

		set := secondfactor.RecoveryCodes{HashKey: []byte("key"), CreatedAt: at(2)}
		must(t, s.SecondFactors.ReplaceRecoveryCodes(ctx, "alice", set, [][]byte{[]byte("one"), []byte("two")}))
		_, err := s.SecondFactors.RedeemRecoveryCode(ctx, "alice", []byte("one"), at(3))
		must(t, err)
		_, err = s.SecondFactors.RedeemRecoveryCode(ctx, "alice", []byte("one"), at(4))
		wantErr(t, "a used code", err, secondfactor.ErrReplayed)

		must(t, s.Requests.InsertRequest(ctx, fixture.Request("req")))
		given := &consent.Consent{Subject: "alice", ClientID: "rp", Scopes: []string{"openid"}, GivenAt: at(5)}
		must(t, s.Requests.RecordDecision(ctx, "req", authrequest.Accepted, "alice", given, at(5)))
		wantErr(t, "a second decision", s.Requests.RecordDecision(ctx, "req", authrequest.Accepted, "alice", given, at(6)), authrequest.ErrAlreadyDecided)
		must(t, s.Consents.RevokeConsents(ctx, "alice", "rp", at(7)))
		must(t, s.Consents.RevokeConsents(ctx, "alice", "rp", at(8))) // nothing is left
		must(t, s.Accounts.SetPassword(ctx, "alice", "hash", at(9)))

		wantSame(t, "activity", kinds(t, s, "alice"), []string{
			"signed_in pwd otp mfa", "signed_in pwd", "credential_added recovery_codes", "recovery_code_used ",
			"consent_given rp", "consent_withdrawn rp", "password_changed ",
		})
		must(t, s.Accounts.DeleteAccount(ctx, "alice", at(10)))
		wantSame(t, "activity of a deleted account", len(kinds(t, s, "alice")), 0)
	})
}

func TestFailuresOfOneNetworkAreOneEvent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		recorder := &activity.Recorder{Store: s.Activity}
		start := noon.Truncate(activity.FailureWindow)
		for i := range 6 {
			recorder.Add("alice", "192.0.2.7/32", start.Add(time.Duration(i)*time.Minute))
			if i%2 == 1 {
				recorder.Flush(t.Context())
			}
		}
		recorder.Add("alice", "198.51.100.1/32", start)
		recorder.Add("alice", "192.0.2.7/32", start.Add(activity.FailureWindow))
		before := s.Statements()
		recorder.Flush(t.Context())
		wantSame(t, "statements of requests", s.Statements()-before, int64(0))

		list, err := s.Activity.ListActivity(t.Context(), "alice", "", 10)
		must(t, err)
		if len(list) != 3 {
			t.Fatalf("%d events, want 3: %+v", len(list), list)
		}
		counted := map[string]int{}
		for _, e := range list {
			counted[e.Network] = max(counted[e.Network], e.Count)
		}
		wantSame(t, "failures", counted, map[string]int{"192.0.2.7/32": 6, "198.51.100.1/32": 1})
		wantSame(t, "the newest", list[0].At.Equal(start.Add(activity.FailureWindow)), true)
		older, err := s.Activity.ListActivity(t.Context(), "alice", list[0].ID, 10)
		must(t, err)
		wantSame(t, "events on the next page", len(older), 2)
	})
}

func TestActivityExpiresAndIsBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		fixture.Seed(t, s)
		must(t, s.Sessions.InsertSession(ctx, fixture.Session("sid", "alice"), nil))
		must(t, s.Accounts.SetPassword(ctx, "alice", "hash", noon))
		var list []*activity.Event
		for i := range 60 {
			list = append(list, activity.NewFailure("alice", fmt.Sprint("network ", i), noon.Add(time.Duration(i)*time.Second)))
		}
		must(t, s.Activity.AddFailures(ctx, list))

		s.BoundFailures(50)
		_, err := s.Purge(ctx, noon.Add(time.Hour))
		must(t, err)
		wantSame(t, "events after a purge", len(kinds(t, s, "alice")), 52)
		left, err := s.Activity.ListActivity(ctx, "alice", "", 100)
		must(t, err)
		for i := range 60 {
			stored := slices.ContainsFunc(left, func(e *activity.Event) bool { return e.Network == fmt.Sprint("network ", i) })
			wantSame(t, fmt.Sprint("failure ", i, " is stored"), stored, i >= 10)
		}

		_, err = s.Purge(ctx, noon.Add(90*day+2*time.Hour))
		must(t, err)
		wantSame(t, "events after 90 days", kinds(t, s, "alice"), []string{"password_changed "})
		_, err = s.Purge(ctx, noon.Add(365*day+2*time.Hour))
		must(t, err)
		wantSame(t, "events after a year", len(kinds(t, s, "alice")), 0)
	})
}
