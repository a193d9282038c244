package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/unavailable"
)

func TestLogLevels(t *testing.T) {
	t.Parallel()

	gone, disconnect := context.WithCancel(t.Context())
	disconnect()
	late, end := context.WithTimeout(t.Context(), 0)
	defer end()
	broken, lost := errors.New("nil map"), unavailable.New("database lost")
	for name, tc := range map[string]struct {
		ctx    context.Context //nolint:containedctx // a test case
		status int
		err    error
		want   slog.Level
	}{
		"a rejected request":                     {t.Context(), 400, broken, slog.LevelInfo},
		"a lost database":                        {t.Context(), 503, lost, slog.LevelError},
		"no time left":                           {late, 503, late.Err(), slog.LevelError},
		"a cancellation by the server":           {t.Context(), 503, context.Canceled, slog.LevelError},
		"a client that disconnected":             {gone, 503, fmt.Errorf("read: %w", gone.Err()), slog.LevelDebug},
		"a query that ended with the connection": {gone, 503, lost, slog.LevelDebug},
		"an error whose client disconnected":     {gone, 500, broken, slog.LevelError},
		"a rejection whose client disconnected":  {gone, 401, broken, slog.LevelInfo},
	} {
		if got := httpapi.Level(tc.ctx, tc.status, tc.err); got != tc.want {
			t.Errorf("%s is logged at %v, want %v", name, got, tc.want)
		}
	}
}

func TestARedirectIsSentByteForByte(t *testing.T) {
	t.Parallel()

	const odd = "com.example:/a/../b?x=%zz#?"
	w := httptest.NewRecorder()
	httpapi.SeeOther(w, odd)
	if got := w.Header().Get("Location"); w.Code != http.StatusSeeOther || got != odd || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d to %q, caching %q", w.Code, got, w.Header().Get("Cache-Control"))
	}
}

func TestJSONErrors(t *testing.T) {
	t.Parallel()

	w := httptest.NewRecorder()
	httpapi.JSONError(w, http.StatusBadRequest, "invalid_request", "The \"state\" is\ninvalid: \u00e9\\")
	const want = `{"error":"invalid_request","error_description":"The 'state' is invalid: ??","status_code":400}` + "\n"
	if w.Code != http.StatusBadRequest || w.Body.String() != want ||
		w.Header().Get("Content-Type") != "application/json" || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestAccessTokensInRequests(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		method, query, form string
		headers             []string
		want                string
		dpop                bool
		err                 error
	}{
		"with DPoP":                       {headers: []string{"dpop abc"}, want: "abc", dpop: true},
		"DPoP alone":                      {headers: []string{"DPoP"}, err: httpapi.ErrNoToken},
		"DPoP and Bearer":                 {headers: []string{"DPoP abc", "Bearer abc"}, err: httpapi.ErrAmbiguousToken},
		"in the header":                   {headers: []string{"Bearer abc"}, want: "abc"},
		"whatever the case of the scheme": {headers: []string{"bEARER abc"}, want: "abc"},
		"with more spaces":                {headers: []string{"Bearer   abc "}, want: "abc"},
		"in a form":                       {method: "POST", form: "access_token=abc", want: "abc"},
		"none":                            {err: httpapi.ErrNoToken},
		"an empty one":                    {headers: []string{"Bearer "}, err: httpapi.ErrNoToken},
		"the scheme alone":                {headers: []string{"Bearer"}, err: httpapi.ErrNoToken},
		"another scheme":                  {headers: []string{"Basic abc"}, err: httpapi.ErrNoToken},
		"two headers":                     {headers: []string{"Bearer a", "Bearer b"}, err: httpapi.ErrAmbiguousToken},
		"in the query":                    {query: "access_token=abc", err: httpapi.ErrAmbiguousToken},
		"in header and query":             {query: "access_token=abc", headers: []string{"Bearer abc"}, err: httpapi.ErrAmbiguousToken},
		"in header and form":              {method: "POST", form: "access_token=abc", headers: []string{"Bearer abc"}, err: httpapi.ErrAmbiguousToken},
		"twice in a form":                 {method: "POST", form: "access_token=a&access_token=b", err: httpapi.ErrAmbiguousToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			method := tc.method
			if method == "" {
				method = http.MethodGet
			}
			r := httptest.NewRequestWithContext(t.Context(), method, "/?"+tc.query, strings.NewReader(tc.form))
			r.Header["Authorization"] = tc.headers
			if tc.form != "" {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if err := r.ParseForm(); err != nil {
				t.Fatal(err)
			}
			got, err := httpapi.AccessToken(r)
			if got.Token != tc.want || got.DPoP != tc.dpop || !errors.Is(err, tc.err) {
				t.Errorf("AccessToken = %+v, %v; want %q, %v", got, err, tc.want, tc.err)
			}
		})
	}
}

func TestErrorDescriptionsHaveTheCharactersOfRFC6749(t *testing.T) {
	t.Parallel()

	w := httptest.NewRecorder()
	httpapi.JSONError(w, http.StatusBadRequest, "invalid_scope", "The \"sc\\ope\"\r\né\x00 <b>is</b> not known.")
	want := `{"error":"invalid_scope","error_description":"The 'sc?ope'  ?? \u003cb\u003eis\u003c/b\u003e not known.","status_code":400}` + "\n"
	if got := w.Body.String(); got != want {
		t.Errorf("body is %swant %s", got, want)
	}
	for header, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Pragma": "no-cache"} {
		if got := w.Header().Get(header); got != want {
			t.Errorf("%s is %q, want %q", header, got, want)
		}
	}
}
