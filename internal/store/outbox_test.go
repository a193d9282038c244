package store_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/session"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// seedParticipants adds to fixture.Seed the session sid of alice and its two participants: the
// client "told" with both logout URIs, and the client "front" with a front-channel URI only.
func seedParticipants(t *testing.T, s *store.Store) {
	t.Helper()
	fixture.Seed(t, s)
	front := fixture.LogoutClient("front")
	front.BackchannelLogoutURI = ""
	must(t, s.Clients.InsertClient(t.Context(), front))
	must(t, s.Clients.InsertClient(t.Context(), fixture.LogoutClient("notified")))
	must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("sid", "alice"), nil))
	for _, id := range []string{"notified", "front", "notified"} {
		must(t, s.Sessions.JoinSession(t.Context(), "sid", id, "known as "+id, noon))
	}
}

func notices(t *testing.T, s *store.Store, f store.NoticeFilter) []*outbox.Notice {
	t.Helper()
	list, err := s.Outbox.ListNotices(t.Context(), f, "", 100)
	must(t, err)
	return list
}

func claim(t *testing.T, s *store.Store, now, lease time.Time) *outbox.Notice {
	t.Helper()
	n, err := s.Outbox.ClaimNotice(t.Context(), "notified", now, lease)
	must(t, err)
	return n
}

// Every deliberate end of a session creates a notice for each participant with a
// back-channel logout URI.
func TestEndOfASessionCreatesNotices(t *testing.T) {
	t.Parallel()
	later := noon.Add(time.Second)
	for name, finish := range map[string]func(context.Context, *store.Store) error{
		"signed out": func(ctx context.Context, s *store.Store) error {
			participants, err := s.Sessions.EndSession(ctx, "sid", later)
			if len(participants) != 2 || participants[0] != "front" || participants[1] != "notified" {
				err = errors.Join(err, errors.New("the participants were not named"))
			}
			return err
		},
		"all sessions ended": func(ctx context.Context, s *store.Store) error {
			_, err := s.Sessions.EndSessionsOf(ctx, "alice", later)
			return err
		},
		"replaced by another subject": func(ctx context.Context, s *store.Store) error {
			n := fixture.Session("next", "bob")
			n.CreatedAt = later
			return s.Sessions.InsertSession(ctx, n, fixture.CookieHash("sid"))
		},
		"given a new password": func(ctx context.Context, s *store.Store) error {
			return s.Accounts.SetPassword(ctx, "alice", "$new", later)
		},
		"imported with a new password": func(ctx context.Context, s *store.Store) error {
			a := fixture.Account("alice")
			a.UpdatedAt = later
			a.SetPassword("$new", later)
			_, _, err := s.Accounts.ImportAccounts(ctx, imports(a))
			return err
		},
		"account disabled": func(ctx context.Context, s *store.Store) error {
			return s.Accounts.SetDisabled(ctx, "alice", true, later)
		},
		"account deleted": func(ctx context.Context, s *store.Store) error { return s.Accounts.DeleteAccount(ctx, "alice", later) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				seedParticipants(t, s)
				must(t, finish(t.Context(), s))
				list := notices(t, s, store.NoticeFilter{})
				if len(list) != 1 {
					t.Fatalf("there are %d notices, want one", len(list))
				}
				want := outbox.New(outbox.BackchannelLogout, "notified", "alice", "sid", later)
				want.ID, want.ForcedSubject = list[0].ID, "known as notified"
				wantSame(t, "the notice", list[0], want)
				fixture.EndSession(t, s, "sid", later)
				if again := notices(t, s, store.NoticeFilter{}); len(again) != 1 {
					t.Errorf("ending it again left %d notices, want the one", len(again))
				}
			})
		})
	}
}

func TestDeletedAndDisabledClientsGetNoNotice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		seedParticipants(t, s)
		must(t, s.Clients.DeleteClient(t.Context(), "front"))
		told, err := s.Clients.Client(t.Context(), "notified")
		must(t, err)
		told.Disabled = true
		must(t, s.Clients.UpdateClient(t.Context(), told))
		if left := fixture.EndSession(t, s, "sid", noon); len(left) != 0 {
			t.Errorf("participants = %v, want none", left)
		}
		if list := notices(t, s, store.NoticeFilter{}); len(list) != 0 {
			t.Errorf("%d notices wait for a client that is disabled", len(list))
		}
	})
}

func TestEndedSessionCannotBeJoined(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		seedParticipants(t, s)
		fixture.EndSession(t, s, "sid", noon)
		wantErr(t, "JoinSession", s.Sessions.JoinSession(t.Context(), "sid", "notified", "", noon), session.ErrNotFound)
		wantErr(t, "JoinSession of no session", s.Sessions.JoinSession(t.Context(), "never", "notified", "", noon), session.ErrNotFound)
	})
}

// A client that joins during the commit of the end of a session waits for it. Otherwise
// it would never get a notice.
func TestJoinWaitsForTheEndOfASession(t *testing.T) {
	t.Parallel()

	url := storetest.MigratedURL(t)
	s := storetest.Open(t, url)
	seedParticipants(t, s)
	outside, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer outside.Close(t.Context())
	_, err = outside.Exec(t.Context(), `BEGIN; DELETE FROM participants; DELETE FROM sessions`)
	must(t, err)

	joined := make(chan error, 1)
	go func() { joined <- s.Sessions.JoinSession(t.Context(), "sid", "rp", "", noon) }()
	select {
	case err := <-joined:
		t.Fatalf("JoinSession did not wait: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	_, err = outside.Exec(t.Context(), `COMMIT`)
	must(t, err)
	wantErr(t, "JoinSession", <-joined, session.ErrNotFound)
}

// Clients join while the session ends: each gets a notice or an error.
func TestJoinRacesWithTheEndOfASession(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		fixture.Seed(t, one)
		must(t, one.Clients.InsertClient(t.Context(), fixture.LogoutClient("notified")))
		for _, id := range []string{"a", "b", "c"} {
			must(t, one.Sessions.InsertSession(t.Context(), fixture.Session(id, "alice"), nil))
			results := fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
				if s == two {
					_, err := s.Sessions.EndSession(ctx, id, noon)
					return err
				}
				return s.Sessions.JoinSession(ctx, id, "notified", "", noon)
			})
			let := 0
			for i, err := range results {
				switch {
				case i%2 == 0 && err == nil:
					let = 1
				case err != nil && !errors.Is(err, session.ErrNotFound):
					t.Errorf("caller %d got %v", i, err)
				}
			}
			notified := 0
			for _, n := range notices(t, one, store.NoticeFilter{ClientID: "notified"}) {
				if n.SessionID == id {
					notified++
				}
			}
			if notified != let {
				t.Errorf("session %s: %d joined, %d notified", id, let, notified)
			}
		}
	})
}

func TestNoticeIsClaimedByOne(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, two := storetest.Open(t, url), storetest.Open(t, url)
		seedParticipants(t, one)
		fixture.EndSession(t, one, "sid", noon)
		results := fixture.Race(t, one, two, func(ctx context.Context, s *store.Store) error {
			_, err := s.Outbox.ClaimNotice(ctx, "notified", noon, noon.Add(time.Minute))
			return err
		})
		fixture.WantOneWinner(t, results, outbox.ErrNotFound)
	})
}

// A process that claimed a notice may have died: the notice is due again after its
// lease. A late result of the first process counts only if it is a success.
func TestClaimExpires(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		seedParticipants(t, s)
		fixture.EndSession(t, s, "sid", noon)
		due, err := s.Outbox.DueNotices(t.Context())
		must(t, err)
		wantSame(t, "DueNotices", due, []outbox.Due{{ClientID: "notified", At: noon}})

		first := claim(t, s, noon, noon.Add(30*time.Second))
		_, err = s.Outbox.ClaimNotice(t.Context(), "notified", noon.Add(29*time.Second), noon.Add(time.Minute))
		wantErr(t, "a claim before the lease ends", err, outbox.ErrNotFound)
		second := claim(t, s, noon.Add(30*time.Second), noon.Add(time.Minute))
		if first.Attempts != 1 || second.Attempts != 2 || second.ID != first.ID {
			t.Errorf("claims = %+v and %+v, want the same notice at its first and second try", first, second)
		}

		first.LastError = "late"
		must(t, s.Outbox.PostponeNotice(t.Context(), first, noon.Add(time.Hour)))
		must(t, s.Outbox.EndNotice(t.Context(), first, outbox.Failed, noon))
		if got := notices(t, s, store.NoticeFilter{})[0]; got.State != outbox.Pending || !got.DueAt.Equal(noon.Add(time.Minute)) || got.LastError != "" {
			t.Errorf("the first claimer changed what the second holds: %+v", got)
		}
		must(t, s.Outbox.EndNotice(t.Context(), first, outbox.Delivered, noon))
		if got := notices(t, s, store.NoticeFilter{State: outbox.Delivered}); len(got) != 1 {
			t.Error("a delivery is not noted, since it was slow")
		}
		second.LastError = "refused"
		must(t, s.Outbox.EndNotice(t.Context(), second, outbox.Failed, noon))
		must(t, s.Outbox.PostponeNotice(t.Context(), second, noon))
		if got := notices(t, s, store.NoticeFilter{State: outbox.Delivered}); len(got) != 1 {
			t.Error("what was delivered failed afterwards")
		}
	})
}

func TestNoticesAreListedRetriedAndDeleted(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		seedParticipants(t, s)
		fixture.EndSession(t, s, "sid", noon)
		n := claim(t, s, noon, noon.Add(30*time.Second))
		n.Status, n.LastError = 500, "answered 500"
		must(t, s.Outbox.PostponeNotice(t.Context(), n, noon.Add(time.Minute)))
		got := notices(t, s, store.NoticeFilter{ClientID: "notified", State: outbox.Pending})
		if len(got) != 1 || got[0].Status != 500 || got[0].LastError != "answered 500" || !got[0].DueAt.Equal(noon.Add(time.Minute)) {
			t.Errorf("notices = %+v, want what went wrong", got)
		}
		n = claim(t, s, noon.Add(time.Minute), noon.Add(2*time.Minute))
		must(t, s.Outbox.EndNotice(t.Context(), n, outbox.Failed, noon.Add(time.Minute)))
		if got := notices(t, s, store.NoticeFilter{State: outbox.Pending}); len(got) != 0 {
			t.Error("what was given up is still pending")
		}

		later := noon.Add(48 * time.Hour)
		must(t, s.Outbox.RetryNotice(t.Context(), n.ID, later))
		again := claim(t, s, later, later.Add(time.Minute))
		if again.Attempts != 1 || !again.ExpiresAt.Equal(later.Add(outbox.RetryPeriod)) || !again.EndedAt.IsZero() {
			t.Errorf("a retried notice is %+v, want it as if new", again)
		}
		must(t, s.Outbox.EndNotice(t.Context(), again, outbox.Delivered, later))
		wantErr(t, "RetryNotice of one that was delivered", s.Outbox.RetryNotice(t.Context(), n.ID, later), outbox.ErrNotFound)
		must(t, s.Outbox.DeleteNotice(t.Context(), n.ID))
		wantErr(t, "DeleteNotice again", s.Outbox.DeleteNotice(t.Context(), n.ID), outbox.ErrNotFound)
		wantErr(t, "RetryNotice of none", s.Outbox.RetryNotice(t.Context(), n.ID, later), outbox.ErrNotFound)
	})
}

// A timeout creates no notice.
func TestTimeoutCreatesNoNotice(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		seedParticipants(t, s)
		_, err := s.Purge(t.Context(), noon.Add(48*time.Hour))
		must(t, err)
		if list := notices(t, s, store.NoticeFilter{}); len(list) != 0 {
			t.Errorf("there are %d notices of a timeout", len(list))
		}
		wantErr(t, "JoinSession", s.Sessions.JoinSession(t.Context(), "sid", "notified", "", noon), session.ErrNotFound)
	})
}

// A replica of the previous version does not know participants, and can still end a
// session, without notices.
func TestOlderReplicaEndsASession(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := storetest.Open(t, url)
		seedParticipants(t, s)
		must(t, s.Sessions.InsertSession(t.Context(), fixture.Session("other", "alice"), nil))
		must(t, s.Sessions.JoinSession(t.Context(), "other", "notified", "", noon))
		before := `DELETE FROM sessions WHERE id = 'sid'`
		if s.Engine() == "sqlite" {
			before = `PRAGMA foreign_keys = ON; ` + before
		}
		alter(t, url, before)
		wantErr(t, "JoinSession", s.Sessions.JoinSession(t.Context(), "sid", "rp", "", noon), session.ErrNotFound)

		fixture.EndSession(t, s, "other", noon)
		if list := notices(t, s, store.NoticeFilter{}); len(list) != 1 || list[0].SessionID != "other" {
			t.Errorf("notices = %v, want the one of the other session", list)
		}
		_, err := s.Purge(t.Context(), noon.Add(60*day))
		must(t, err)
		sizes, err := s.Sizes(t.Context())
		must(t, err)
		wantSame(t, "rows left", sizes.Rows, int64(1)) // the pending notice
	})
}

// A user with many sessions and clients must not be able to delay the disabling of the
// account.
func TestSessionsEndInAConstantNumberOfStatements(t *testing.T) {
	t.Parallel()
	later := noon.Add(time.Second)
	for name, finish := range map[string]func(context.Context, *store.Store) error{
		"account disabled": func(ctx context.Context, s *store.Store) error {
			return s.Accounts.SetDisabled(ctx, "alice", true, later)
		},
		"all sessions ended": func(ctx context.Context, s *store.Store) error {
			ended, err := s.Sessions.EndSessionsOf(ctx, "alice", later)
			if ended != 300 {
				err = errors.Join(err, errors.New("not all were counted"))
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				fixture.Seed(t, s)
				must(t, s.Clients.InsertClient(t.Context(), fixture.LogoutClient("notified")))
				for i := range 300 {
					id := strconv.Itoa(i)
					must(t, s.Sessions.InsertSession(t.Context(), fixture.Session(id, "alice"), nil))
					must(t, s.Sessions.JoinSession(t.Context(), id, "notified", "", noon))
				}
				before := s.Statements()
				must(t, finish(t.Context(), s))
				if took := s.Statements() - before; took > 30 {
					t.Errorf("it took %d statements", took)
				}
				told := 0
				for after := ""; ; {
					list, err := s.Outbox.ListNotices(t.Context(), store.NoticeFilter{}, after, 100)
					must(t, err)
					if told += len(list); len(list) == 0 {
						break
					}
					after = list[len(list)-1].ID
				}
				wantSame(t, "notices", told, 300)
			})
		})
	}
}
