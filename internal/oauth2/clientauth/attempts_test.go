package clientauth

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/oauth2"
)

// tally is an in-memory throttle.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
	since  map[string]time.Time
	calls  int
}

func (g *tally) CountAttempt(_ context.Context, key string, window time.Duration, now time.Time) (int, time.Time, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
	if g.counts == nil {
		g.counts, g.since = map[string]int{}, map[string]time.Time{}
	}
	if !g.since[key].Add(window).After(now) {
		g.counts[key], g.since[key] = 0, now
	}
	g.counts[key]++
	return g.counts[key], g.since[key], nil
}

func (g *tally) ResetAttempts(_ context.Context, key string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
	delete(g.counts, key)
	delete(g.since, key)
	return nil
}

// guessed is an authenticator that counts guesses, and a clock to move.
func guessed(tb testing.TB) (a *Authenticator, guesses *tally, shift *atomic.Int64) {
	tb.Helper()
	a = newAuthenticator(
		withSecret(tb, "short", client.AuthPost, shortSecret),
		withSecret(tb, "other", client.AuthPost, shortSecret),
		withSecret(tb, "long", client.AuthPost, longSecret),
	)
	a.cfg.Hasher = credential.NewHasher(8, 1, 128, time.Minute) // enough slots for all of them
	guesses, shift = &tally{}, &atomic.Int64{}
	a.cfg.Throttle, a.cfg.Now = guesses, func() time.Time { return clock().Add(time.Duration(shift.Load())) }
	return a, guesses, shift
}

func TestAttemptsAtShortSecretsAreLimited(t *testing.T) {
	t.Parallel()

	for _, id := range []string{"short", "unknown", "long"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()

			a, _, shift := guessed(t)
			var wrong, later atomic.Int64
			var all sync.WaitGroup
			for i := range 120 {
				all.Go(func() {
					_, err := a.Authenticate(t.Context(), form("client_id", id, "client_secret", "guess "+strconv.Itoa(i)))
					refused, ok := errors.AsType[*oauth2.Error](err)
					if !ok {
						t.Errorf("error = %v, want a refusal", err)
						return
					}
					switch refused.Status {
					case http.StatusUnauthorized:
						wrong.Add(1)
					case http.StatusTooManyRequests:
						later.Add(1)
					}
				})
			}
			all.Wait()
			if wrong.Load() != 100 || later.Load() != 20 {
				t.Errorf("of 120 guesses %d were wrong and %d refused, want 100 and 20", wrong.Load(), later.Load())
			}

			shift.Store(int64(20 * time.Second))
			_, err := a.Authenticate(t.Context(), form("client_id", id, "client_secret", shortSecret))
			if got := refusalOf(t, err); got.Code != oauth2.CodeTemporarilyUnavailable || got.RetryAfter != 40*time.Second {
				t.Errorf("the next is %+v, want %s for 40 s", got, oauth2.CodeTemporarilyUnavailable)
			}
			if _, err := a.Authenticate(t.Context(), form("client_id", "other", "client_secret", shortSecret)); err != nil {
				t.Errorf("another client pays for it: %v", err)
			}
			if _, err := a.Authenticate(t.Context(), form("client_id", "long", "client_secret", longSecret)); err != nil {
				t.Errorf("a long secret is throttled: %v", err)
			}
			shift.Store(int64(time.Minute))
			_, err = a.Authenticate(t.Context(), form("client_id", id, "client_secret", shortSecret))
			if id == "short" && err != nil {
				t.Errorf("a minute later the right secret is refused: %v", err)
			}
			if id != "short" && refusalOf(t, err).Code != oauth2.CodeInvalidClient {
				t.Errorf("a minute later: %v, want %s", err, oauth2.CodeInvalidClient)
			}
		})
	}
}

func TestCorrectSecretResetsTheLimit(t *testing.T) {
	t.Parallel()

	a, _, _ := guessed(t)
	for range 250 {
		if _, err := a.Authenticate(t.Context(), form("client_id", "short", "client_secret", shortSecret)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLongSecretCostsNoStatement(t *testing.T) {
	t.Parallel()

	a, guesses, _ := guessed(t)
	for _, secret := range []string{longSecret, longSecret + "x"} {
		_, _ = a.Authenticate(t.Context(), form("client_id", "long", "client_secret", secret))
	}
	if guesses.calls != 0 {
		t.Errorf("guesses were calls of %d times, want 0", guesses.calls)
	}
}
