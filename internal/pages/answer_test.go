package pages_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/pages"
)

type lost struct{ error }

func (lost) Unavailable() bool { return true }

// What says nothing about the request must not be told as a fault of it, nor as
// one that trying again would not cure.
func TestWhatIsTemporary(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"the database is lost":          {lost{errors.New("refused")}, true},
		"the keys are too old":          {jwks.ErrStale, true},
		"the hasher is full":            {account.ErrBusy, true},
		"no core came free for signing": {context.DeadlineExceeded, true},
		"the caller went away":          {context.Canceled, true},
		"the token is bad":              {jwks.ErrBadToken, false},
		"the hash is not understood":    {account.ErrBadHash, false},
		"a fault of our own":            {errors.New("nil map"), false},
	} {
		if got := pages.Temporary(fmt.Errorf("do it: %w", tc.err)); got != tc.want {
			t.Errorf("%s: temporary is %v, want %v", name, got, tc.want)
		}
	}
}

func TestOurFaultsAreLoggedAsSuch(t *testing.T) {
	t.Parallel()

	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	late, end := context.WithTimeout(t.Context(), 0)
	defer end()
	broken := errors.New("nil map")
	for name, tc := range map[string]struct {
		ctx    context.Context //nolint:containedctx // a case
		status int
		err    error
		want   slog.Level
	}{
		"a refusal":                           {t.Context(), 400, broken, slog.LevelInfo},
		"a lost database":                     {t.Context(), 503, lost{broken}, slog.LevelError},
		"no time left":                        {late, 503, late.Err(), slog.LevelError},
		"a cancellation of our own":           {t.Context(), 503, context.Canceled, slog.LevelError},
		"a client that hung up":               {gone, 503, fmt.Errorf("read: %w", gone.Err()), slog.LevelDebug},
		"a query cut off for it":              {gone, 503, lost{broken}, slog.LevelDebug},
		"a fault whose client hung up":        {gone, 500, broken, slog.LevelError},
		"a refusal that nobody waits for now": {gone, 401, broken, slog.LevelInfo},
	} {
		if got := pages.Level(tc.ctx, tc.status, tc.err); got != tc.want {
			t.Errorf("%s is logged at %v, want %v", name, got, tc.want)
		}
	}
}

func TestARedirectIsSentByteForByte(t *testing.T) {
	t.Parallel()

	const odd = "com.example:/a/../b?x=%zz#?"
	w := httptest.NewRecorder()
	pages.SeeOther(w, odd)
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != odd || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d to %q, caching %q", w.Code, got, w.Header().Get("Cache-Control"))
	}
}

func TestErrorsForMachines(t *testing.T) {
	t.Parallel()

	w := httptest.NewRecorder()
	pages.JSONError(w, http.StatusBadRequest, "invalid_request", "Why")
	const want = `{"error":"invalid_request","error_description":"Why","status_code":400}` + "\n"
	if w.Code != http.StatusBadRequest || w.Body.String() != want ||
		w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}
