package outbound_test

import (
	"context"
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/outbound"
)

// rangeService is a service of breached passwords that knows "known". It answers "slow" late,
// and "broken" with an error.
func rangeService(t *testing.T) *httptest.Server {
	t.Helper()
	hash := func(password string) string { return fmt.Sprintf("%X", sha1.Sum([]byte(password))) }
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		prefix := strings.TrimPrefix(r.URL.Path, "/range/")
		if len(prefix) != 5 || r.URL.RawQuery != "" || r.Header.Get("Add-Padding") != "true" {
			t.Errorf("the service got %s with the header %v", r.URL, r.Header)
		}
		switch prefix {
		case hash("slow")[:5]:
			<-r.Context().Done()
		case hash("broken")[:5]:
			w.WriteHeader(http.StatusInternalServerError)
		}
		for _, line := range []string{
			strings.Repeat("0", 35) + ":3", hash("known")[5:] + ":24", hash("padded")[5:] + ":0", strings.Repeat("F", 35) + ":1",
		} {
			fmt.Fprint(w, line+"\r\n")
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func TestBreachedPasswordsByRange(t *testing.T) {
	t.Parallel()
	b, err := outbound.NewBreaches(rangeService(t).URL+"/range", nil, func(_ context.Context, wait func()) { wait() })
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"known": true, "unknown": false, "padded": false} {
		if got, err := b.Contains(t.Context(), sha1.Sum([]byte(password))); err != nil || got != want {
			t.Errorf("Contains(%s) = %v, %v, want %v", password, got, err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for password, ctx := range map[string]context.Context{"broken": t.Context(), "slow": ctx} {
		got, err := b.Contains(ctx, sha1.Sum([]byte(password)))
		if err == nil || got || strings.Contains(err.Error(), "/range") {
			t.Errorf("Contains(%s) = %v, %v, want an error without the URL", password, got, err)
		}
	}
}
