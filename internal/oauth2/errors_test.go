package oauth2_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/unavailable"
)

func TestErrorsOfTheDomainHaveOneResponse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		status int
		code   string
		wait   time.Duration
	}{
		"a refusal":                  {oauth2.InvalidRequest("The parameter x is missing"), http.StatusBadRequest, oauth2.CodeInvalidRequest, 0},
		"a refusal that is wrapped":  {fmt.Errorf("check: %w", oauth2.StandardError(oauth2.CodeInvalidScope)), http.StatusBadRequest, oauth2.CodeInvalidScope, 0},
		"a grant that was not found": {fmt.Errorf("rotate: %w", grant.ErrNotFound), http.StatusBadRequest, oauth2.CodeInvalidGrant, 0},
		"too many pending requests":  {&authrequest.TooManyPendingError{RetryAfter: time.Minute}, http.StatusTooManyRequests, oauth2.CodeTemporarilyUnavailable, time.Minute},
		"a database that is down":    {unavailable.New("connection refused"), http.StatusServiceUnavailable, oauth2.CodeTemporarilyUnavailable, 2 * time.Second},
		"a deadline":                 {context.DeadlineExceeded, http.StatusServiceUnavailable, oauth2.CodeTemporarilyUnavailable, 2 * time.Second},
		"an unexpected error":        {errors.New("index out of range"), http.StatusInternalServerError, oauth2.CodeServerError, 0},
	} {
		got := oauth2.ErrorOf(tc.err)
		if got.Status != tc.status || got.Code != tc.code || got.RetryAfter != tc.wait {
			t.Errorf("%s: %d %s after %v, want %d %s after %v", name, got.Status, got.Code, got.RetryAfter, tc.status, tc.code, tc.wait)
		}
		for _, r := range got.Description {
			if r < ' ' || r > '~' || r == '"' || r == '\\' {
				t.Errorf("%s: description %q has the character %q", name, got.Description, r)
			}
		}
	}
}

// A challenge is sent where the client authenticated in the header.
func TestChallengeFollowsTheAuthorizationHeader(t *testing.T) {
	t.Parallel()
	refused := &oauth2.Error{Status: http.StatusUnauthorized, Code: oauth2.CodeInvalidClient}
	for header, want := range map[string]bool{"": false, "Basic YTpi": true} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/oauth2/token", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		oauth2.WriteError(w, r, refused)
		if got := w.Header().Get("WWW-Authenticate") != ""; got != want {
			t.Errorf("Authorization %q: challenge %v, want %v", header, got, want)
		}
	}
}
