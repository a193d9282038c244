package middleware_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/middleware"
)

func FuzzForm(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""},
		{"response_type=code&client_id=a&state=%C3%A9", ""},
		{"", "grant_type=authorization_code&code=a%2Bb&resource=x&resource=y"},
		{"state=a", "state=b"},
		{"resource=a&resource=b", "resource=c"},
		{"a=%00&b=%ff", "c=%ed%a0%80"},
		{"a;b=1", "%zz=%"},
		{"=&&=x&a&a=", "code=&code=1"},
		{strings.Repeat("a&", 201), ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, query, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")

		w := httptest.NewRecorder()
		middleware.Form(authorizeRule())(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			checkAccepted(t, query, body, r)
		})).ServeHTTP(w, r)

		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%q, %q: answered %d", query, body, w.Code)
		}
	})
}

// checkAccepted holds what Form promises of everything it lets through, and that it
// reads it as the standard library would.
func checkAccepted(t *testing.T, query, body string, r *http.Request) {
	t.Helper()

	inQuery, errQuery := url.ParseQuery(query)
	inBody, errBody := url.ParseQuery(body)
	if errQuery != nil || errBody != nil {
		t.Errorf("%q, %q was accepted: %v, %v", query, body, errQuery, errBody)
	}
	if len(r.Form) > 200 {
		t.Errorf("%d parameters were accepted", len(r.Form))
	}
	for name, values := range r.Form {
		if len(values) != 1 && name != "resource" {
			t.Errorf("%q, %q: %q is there %d times", query, body, name, len(values))
		}
		for _, text := range append(values, name) {
			if text == "" || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
				t.Errorf("%q, %q: %q = %q was accepted", query, body, name, text)
			}
		}
		if want := inQuery.Get(name) + inBody.Get(name); name != "resource" && values[0] != want {
			t.Errorf("%q, %q: %q = %q, want %q", query, body, name, values[0], want)
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"a":[1,{"b":null}],"c":"\u00e9"}`, `{"a":1,"a":2}`, `{"a":1,"A":2}`, `{"a":"\u0000"}`,
		`{"a":1}{}`, `[1,]`, `{"a":}`, "\"\xff\"", `{"\ud800":1}`, strings.Repeat("[", 40), `1e999`, `nul`, `"\`,
	} {
		f.Add(seed)
	}
	rule := middleware.JSONRule{Methods: []string{http.MethodPost}}
	f.Fuzz(func(t *testing.T, body string) {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")

		w := httptest.NewRecorder()
		middleware.JSONBody(rule)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got, err := io.ReadAll(r.Body)
			if err != nil || string(got) != body {
				t.Errorf("%q: the handler reads %q, %v", body, got, err)
			}
			if !json.Valid(got) || !utf8.Valid(got) {
				t.Errorf("%q was accepted", body)
			}
		})).ServeHTTP(w, r)

		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%q: answered %d", body, w.Code)
		}
	})
}
