package metrics

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestConcurrentRequestsToNewEndpoint(t *testing.T) {
	t.Parallel()

	m := New("dev", []string{"refresh_token"})
	var wait sync.WaitGroup
	for i := range 50 {
		wait.Go(func() {
			for range 20 {
				m.ObserveRequest("public", "/a", []string{"GET", "POST"}[i%2], 200+100*(i%4), time.Millisecond)
			}
		})
	}
	wait.Wait()
	m.ObserveRequest("public", "/a", "GET", 0, 0) // no response was written
	m.CountTokenResponse("unknown")
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, line := range []string{
		`ostiary_http_request_duration_seconds_count{listener="public",method="GET",route="/a"} 501`,
		`ostiary_http_request_duration_seconds_count{listener="public",method="POST",route="/a"} 500`,
		`ostiary_http_requests_total{listener="public",method="GET",route="/a",status="2xx"} 260`,
		`ostiary_token_answers_total{grant_type="refresh_token"} 0`,
	} {
		if !strings.Contains(w.Body.String(), line) {
			t.Errorf("the metrics lack %s", line)
		}
	}
}

func BenchmarkObserveRequest(b *testing.B) {
	m := New("dev", nil)
	for b.Loop() {
		m.ObserveRequest("public", "/oauth2/token", "POST", 200, time.Millisecond)
	}
}
