package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// All replicas show what happened at each of them, also after a restart.
func TestStatisticsOfReplicas(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, url string) {
		one, b := openConsole(t, storetest.Open(t, url), account.Auditor)
		other := servertest.StartWithApps(t, storetest.Open(t, url), nil)
		for range 12 {
			other.PostForm("/oauth2/token", map[string][]string{"grant_type": {"client_credentials"}, "client_id": {"nobody"}, "client_secret": {"x"}})
		}
		for _, s := range []*servertest.Server{one, other.Server} {
			s.App.Refusals.Flush(t.Context(), time.Minute)
			s.App.Statistics.Flush(t.Context(), time.Minute)
			s.App.Statistics.Flush(t.Context(), time.Minute) // nothing new
		}
		restarted := servertest.StartWithApps(t, storetest.Open(t, url), nil)
		for name, s := range map[string]*servertest.AppServer{"other": other, "restarted": restarted} {
			for _, days := range []string{"1", "7", "30"} {
				p := s.CallAdmin(http.MethodGet, "/statistics?days="+days, "")
				var got struct {
					SignIns uint64  `json:"sign_ins"`
					Refused uint64  `json:"refused"`
					Median  float64 `json:"median_seconds"`
					Rules   []struct {
						Rule  string
						Count uint64
					}
					Replicas []struct{ Count int }
				}
				servertest.Must(t, json.Unmarshal([]byte(p.Body), &got))
				if p.Status != http.StatusOK || got.SignIns != 1 || got.Refused < 12 || got.Median <= 0 || got.Rules[0].Rule != "client_unknown" || got.Rules[0].Count != 12 || len(got.Replicas) != 1 {
					t.Errorf("%s, %s days: %d %s", name, days, p.Status, p.Body)
				}
			}
			if p := s.CallAdmin(http.MethodGet, "/statistics?days=8", ""); p.Status != http.StatusBadRequest {
				t.Errorf("%s: 8 days: %d", name, p.Status)
			}
		}
		p := b.Get("/console?days=30")
		for _, part := range []string{`id="sign-ins">1<`, `role="img"`, "client_unknown", "12 rejected requests of the last day have one cause"} {
			if p.Status != http.StatusOK || !strings.Contains(p.Body, part) {
				t.Errorf("the overview: %d without %q\n%s", p.Status, part, p.Body)
			}
		}
	})
}
