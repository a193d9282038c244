package store_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// Requests without a decision are deleted by the first purge after they expire, the
// others an hour later, since their response may be requested again.
func TestUnansweredRequestsArePurgedWhenTheyExpire(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		later := fixture.Request("later")
		later.ExpiresAt = later.ExpiresAt.Add(time.Minute)
		must(t, s.Requests.InsertRequest(ctx, later))
		for i := range 450 { // more than one statement deletes
			must(t, s.Requests.InsertRequest(ctx, fixture.Request(string(rune('a'+i)))))
		}
		for _, id := range []string{"signed in", "refused"} {
			must(t, s.Requests.InsertRequest(ctx, fixture.Request(id)))
		}
		must(t, s.Requests.RecordSignIn(ctx, "signed in", "sid", noon, noon))
		must(t, s.Requests.RecordDecision(ctx, "refused", authrequest.Denied, "alice", nil, noon))
		ends := fixture.Request("").ExpiresAt

		purged, err := s.Purge(ctx, ends.Add(-time.Microsecond))
		must(t, err)
		wantSame(t, "rows purged before they expire", purged.Rows, int64(0))
		purged, err = s.Purge(ctx, ends)
		must(t, err)
		wantSame(t, "rows purged when they expire", purged.Rows, int64(450))
		purged, err = s.Purge(ctx, ends.Add(time.Minute))
		must(t, err)
		wantSame(t, "rows purged a minute later", purged.Rows, int64(1))
		for _, id := range []string{"signed in", "refused"} {
			_, err := s.Requests.RequestClient(ctx, id, fixture.Request(id).BrowserHash, nil)
			must(t, err)
		}
		purged, err = s.Purge(ctx, ends.Add(time.Hour))
		must(t, err)
		wantSame(t, "rows purged an hour later", purged.Rows, int64(2))
	})
}

func TestUnansweredLogoutRequestsArePurgedWhenTheyExpire(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		for _, id := range []string{"unanswered", "answered"} {
			o := &authrequest.LogoutRequest{ID: id, SessionID: "sid", Subject: "alice", CreatedAt: noon, ExpiresAt: noon.Add(time.Minute)}
			must(t, s.LogoutRequests.InsertLogoutRequest(ctx, o))
		}
		must(t, s.LogoutRequests.AnswerLogout(ctx, "answered", authrequest.Accepted, []byte("verifier"), noon))
		purged, err := s.Purge(ctx, noon.Add(time.Minute))
		must(t, err)
		wantSame(t, "rows purged", purged.Rows, int64(1))
		_, err = s.LogoutRequests.RedeemLogout(ctx, "answered", []byte("verifier"), noon)
		must(t, err)
	})
}
