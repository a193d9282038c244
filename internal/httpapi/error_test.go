package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/unavailable"
)

var errGone = errors.New("gone")

type waitError struct{ wait time.Duration }

func (*waitError) Error() string { return "wait" }

// Unavailable is true to show that the table comes before the classifier.
func (*waitError) Unavailable() bool { return true }

func table() *httpapi.Errors {
	return &httpapi.Errors{
		Message: "test refused",
		Table: []httpapi.Mapping{
			httpapi.Is(errGone, httpapi.Error{Status: 410, Code: "gone", Description: "It is gone.", Rule: refusal.NotFound}),
			httpapi.As(func(e *waitError) *httpapi.Error {
				return &httpapi.Error{Status: 429, Code: "slow", RetryAfter: e.wait}
			}),
		},
		RetryAfter: 2 * time.Second,
		Challenge: func(_ *http.Request, e *httpapi.Error) string {
			if e.Status == http.StatusUnauthorized {
				return httpapi.Challenge{Realm: "r"}.String()
			}
			return ""
		},
		Rule: func(e *httpapi.Error) refusal.Rule {
			if e.Code == "bad" {
				return refusal.ParameterInvalid
			}
			return ""
		},
	}
}

// slot is the value that middleware puts into the context of a request.
type slot struct{ refusal.Slot }

func (s *slot) Refusal() *refusal.Slot { return &s.Slot }

func TestErrorResponses(t *testing.T) {
	t.Parallel()

	scope := httpapi.Challenge{Code: "insufficient_scope", Description: "No.", Scope: "openid"}.String()
	for name, tc := range map[string]struct {
		err              error
		status           int
		code             string
		retry, challenge string
		rule             refusal.Rule
		words            string
	}{
		"an error of its own": {
			fmt.Errorf("check: %w", httpapi.BadRequest("bad", "It is bad.")),
			400, "bad", "", "", refusal.ParameterInvalid, "It is bad.",
		},
		"with a reason for the log": {
			&httpapi.Error{Code: "bad", Description: "It is bad.", Reason: "x differs from y", Rule: refusal.HintInvalid},
			400, "bad", "", "", refusal.HintInvalid, "x differs from y",
		},
		"with a challenge of its own": {&httpapi.Error{Status: 403, Code: "insufficient_scope", Challenge: scope}, 403, "insufficient_scope", "", scope, "", ""},
		"with that of the endpoint":   {&httpapi.Error{Status: 401, Code: "no"}, 401, "no", "", `Bearer realm="r"`, "", ""},
		"a domain error":              {fmt.Errorf("read: %w", errGone), 410, "gone", "", "", refusal.NotFound, "It is gone."},
		"a domain type":               {&waitError{1500 * time.Millisecond}, 429, "slow", "2", "", "", ""},
		"a temporary failure": {
			unavailable.New("database lost"),
			503, "temporarily_unavailable", "2", "", "", "The server is temporarily unavailable. Try again shortly.",
		},
		"an unexpected error": {errors.New("nil map"), 500, "server_error", "", "", "", "The server encountered an unexpected error."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			noted := &slot{}
			r := httptest.NewRequestWithContext(context.WithValue(t.Context(), refusal.Key{}, noted), http.MethodGet, "/", nil)
			w := httptest.NewRecorder()
			table().Write(w, r, tc.err)
			if w.Code != tc.status || w.Header().Get("Retry-After") != tc.retry || w.Header().Get("WWW-Authenticate") != tc.challenge {
				t.Errorf("%d, Retry-After %q, WWW-Authenticate %q; want %d, %q, %q",
					w.Code, w.Header().Get("Retry-After"), w.Header().Get("WWW-Authenticate"), tc.status, tc.retry, tc.challenge)
			}
			note, ok := noted.Noted()
			if !ok || note.Message != "test refused" || note.Status != tc.status || note.Code != tc.code || note.Rule != tc.rule ||
				note.Text != tc.words || !errors.Is(note.Err, tc.err) {
				t.Errorf("noted %+v, want status %d, code %q, rule %q, words %q", note, tc.status, tc.code, tc.rule, tc.words)
			}
		})
	}
}

func TestARoutineErrorIsQuiet(t *testing.T) {
	t.Parallel()

	noted := &slot{}
	r := httptest.NewRequestWithContext(context.WithValue(t.Context(), refusal.Key{}, noted), http.MethodPost, "/", nil)
	table().Write(httptest.NewRecorder(), r, &httpapi.Error{Code: "authorization_pending", Routine: true})
	if note, _ := noted.Noted(); !note.Quiet || !note.Unrecorded {
		t.Errorf("noted %+v, want quiet and unrecorded", note)
	}
}

func TestTheCauseStaysInside(t *testing.T) {
	t.Parallel()

	cause := refusal.New(refusal.CodeExpired, "the code has expired")
	err := fmt.Errorf("exchange: %w", httpapi.BadRequest("invalid_grant", "The code is invalid.").Because(cause))
	w := httptest.NewRecorder()
	table().Write(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil), err)
	const want = `{"error":"invalid_grant","error_description":"The code is invalid.","status_code":400}` + "\n"
	if w.Body.String() != want {
		t.Errorf("body = %s, want %s", w.Body, want)
	}
	if refusal.Of(err) != cause || err.Error() != "exchange: invalid_grant: code_expired: the code has expired" {
		t.Errorf("err = %v with cause %v", err, refusal.Of(err))
	}
}
