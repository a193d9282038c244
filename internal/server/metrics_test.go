package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		s.ExchangeCode(servertest.CodeOf(t, s.NewBrowser().AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")))
		for range 3 {
			s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}})
		}
		s.PostForm("/oauth2/token", url.Values{"grant_type": {"no such type\n"}})
		s.NewBrowser().Get("/nothing/at/all?secret=1")
		var text string
		for _, path := range []string{"/metrics", "/metrics/prometheus", "/admin/metrics", "/admin/metrics/prometheus"} {
			p := servertest.GetAdminText(s, path)
			if text = p.Body; p.Status != http.StatusOK || !strings.HasPrefix(p.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("%s: %d %s", path, p.Status, p.Header.Get("Content-Type"))
			}
		}
		for _, line := range []string{
			`ostiary_token_answers_total{grant_type="client_credentials"} 3`,
			`ostiary_token_answers_total{grant_type="authorization_code"} 1`,
			`ostiary_token_answers_total{grant_type="refresh_token"} 0`,
			`ostiary_sign_ins_total 1`,
			`ostiary_http_requests_total{listener="public",method="POST",route="/oauth2/token",status="2xx"} 4`,
			`ostiary_http_requests_total{listener="public",method="POST",route="/oauth2/token",status="4xx"} 1`,
			`ostiary_http_requests_total{listener="public",method="GET",route="unmatched",status="4xx"} 1`,
			`ostiary_http_request_duration_seconds_count{listener="public",method="POST",route="/oauth2/token"} 5`,
			`ostiary_admission_refusals_total{work="tokens"} 0`,
			`ostiary_client_keys_stale_total 0`,
			`ostiary_waiting_requests_bytes `,
			`ostiary_waiting_requests_refused_total{reason="network"} 0`,
			`ostiary_connections{listener="admin"} 0`,
			`ostiary_connections_refused_total{listener="public"} 0`,
			`ostiary_slow_bodies_cut_off_total{listener="public",reason="rate"} 0`,
			`ostiary_rate_limit_refusals_total{limit="authorization"} 0`,
			`ostiary_notices_pending 0`,
			`ostiary_sign_in_attempts_total{result="success"} 1`,
			`ostiary_sign_in_attempts_total{result="wrong_password"} 0`,
			`ostiary_refusals_total{rule="not_found"} 1`,
			`ostiary_refusals_dropped_total 0`,
			`ostiary_signing_key_age_seconds{alg="ES256"} `,
			`ostiary_build_info{version="dev"} 1`,
			`go_goroutines `,
		} {
			if !strings.Contains(text, "\n"+line) {
				t.Errorf("there is no %s", line)
			}
		}
		if db.Engine() == "postgres" && !strings.Contains(text, "\nostiary_database_connections_max 6") {
			t.Error("the pool is not there")
		}
		if strings.Contains(text, "secret") || strings.Contains(text, "no such type") {
			t.Error("a label holds what a caller wrote")
		}
	})
}
