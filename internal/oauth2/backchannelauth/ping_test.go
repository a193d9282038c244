package backchannelauth_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
)

// notification is a request to the notification endpoint of a client.
type notification struct{ authorization, contentType, body string }

// notified returns a client with ping and its notifications. Each is answered with the next of statuses, the
// last one again; 0 closes the connection.
func notified(t *testing.T, s *servertest.AppServer, statuses ...int) (clientID string, got chan notification) {
	t.Helper()
	got = make(chan notification, 16)
	var calls atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- notification{r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)}
		switch status := statuses[min(int(calls.Add(1)), len(statuses))-1]; status {
		case 0:
			panic(http.ErrAbortHandler)
		case http.StatusSeeOther:
			http.Redirect(w, r, "/elsewhere", status)
		default:
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "a body") // of a status that has one
		}
	}))
	t.Cleanup(endpoint.Close)
	s.ImportClient(`{"client_id": "pinged", "client_secret": "` + servertest.OtherSecret + `", "token_endpoint_auth_method": "client_secret_post", "scope": "openid",
		"grant_types": ["` + servertest.CIBAGrant + `"], "backchannel_token_delivery_mode": "ping", "backchannel_client_notification_endpoint": "` + endpoint.URL + `"}`)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var done sync.WaitGroup
	done.Go(func() { s.App.Outbox.Run(ctx) })
	t.Cleanup(func() { stop(); done.Wait() })
	return "pinged", got
}

const notificationToken = "azAZ09-._~+/token-with-all-letters=="

// The client is notified of each decision once, and then gets its tokens.
//
// Spec: CIBA Core §7.1 (client_notification_token), §10.2.
func TestPingMode(t *testing.T) {
	eachServer(t, map[string]string{"outbound_allow_private": "on"}, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		id, got := notified(t, s, http.StatusNoContent)
		for decision, status := range map[string]int{"accept": http.StatusOK, "reject": http.StatusBadRequest} {
			request := servertest.BeginBackchannel(s.Server, servertest.BackchannelForm("client_id", id, "client_notification_token", notificationToken))
			servertest.WantError(t, servertest.PollBackchannel(s.Server, request, "client_id", id), 400, "authorization_pending")
			if p := decide(s, request, decision, ""); p.Status != http.StatusNoContent {
				t.Fatalf("%s: %d %s", decision, p.Status, p.Body)
			}
			want := notification{"Bearer " + notificationToken, "application/json", `{"auth_req_id":"` + request + `"}`}
			if n := <-got; n != want {
				t.Errorf("%s: the client got %+v, want %+v", decision, n, want)
			}
			s.Advance(-5 * time.Second) // it asks at once
			if p := servertest.PollBackchannel(s.Server, request, "client_id", id); p.Status != status {
				t.Errorf("%s: %d %s", decision, p.Status, p.Body)
			}
		}
		if len(got) > 0 {
			t.Errorf("the client also got %+v", <-got)
		}
	})
}

// Only a notification without a response is repeated, three times.
//
// Spec: CIBA Core §10.2.
func TestNotificationsAreRepeatedWithoutAResponse(t *testing.T) {
	for name, tc := range map[string]struct {
		statuses []int
		want     int
	}{
		"200 with a body":       {[]int{http.StatusOK}, 1},
		"401":                   {[]int{http.StatusUnauthorized}, 1},
		"403":                   {[]int{http.StatusForbidden}, 1},
		"500":                   {[]int{http.StatusInternalServerError}, 1},
		"a redirect":            {[]int{http.StatusSeeOther}, 1},
		"no response, then 204": {[]int{0, 0, http.StatusNoContent}, 3},
		"no response at all":    {[]int{0}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			eachServer(t, map[string]string{"outbound_allow_private": "on"}, func(t *testing.T, s *servertest.AppServer) {
				t.Helper()
				id, got := notified(t, s, tc.statuses...)
				request := servertest.BeginBackchannel(s.Server, servertest.BackchannelForm("client_id", id, "client_notification_token", notificationToken, "requested_expiry", "600"))
				decide(s, request, "accept", "")
				for attempt := range tc.want {
					<-got
					awaitResult(t, s, attempt+1)
					s.Advance(time.Minute)
					s.App.Outbox.Wake()
				}
				if pending, err := s.Store.Outbox.PendingNotices(t.Context()); pending != 0 || err != nil {
					t.Errorf("%d notices are pending, %v", pending, err)
				}
				if len(got) > 0 {
					t.Errorf("the client got another notification: %+v", <-got)
				}
				if p := servertest.PollBackchannel(s.Server, request, "client_id", id); p.Status != http.StatusOK {
					t.Errorf("tokens: %d %s", p.Status, p.Body)
				}
			})
		})
	}
}

// awaitResult returns when the result of an attempt is stored: the notice is not claimed any more.
func awaitResult(t *testing.T, s *servertest.AppServer, attempt int) {
	t.Helper()
	claimedUntil := s.Time().Add(30 * time.Second)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		list, err := s.Store.Outbox.ListNotices(t.Context(), store.NoticeFilter{}, "", 10)
		servertest.Must(t, err)
		if len(list) != 1 || list[0].Kind != outbox.BackchannelPing {
			t.Fatalf("the notices are %+v", list)
		}
		if n := list[0]; n.Attempts == attempt && (n.State != outbox.Pending || !n.DueAt.Equal(claimedUntil)) {
			return
		}
	}
	t.Fatal("the result of an attempt was not stored")
}
