package middleware_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/middleware"
)

func registrationRule() middleware.JSONRule {
	return middleware.JSONRule{Methods: []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete}}
}

func TestJSONBodyRejects(t *testing.T) {
	t.Parallel()

	const typ = "application/json"
	for name, tc := range map[string]struct {
		call   call
		status int
		reason string
	}{
		"the wrong method":               {call{method: "PATCH", body: "{}", contentType: typ}, 405, "method"},
		"a form":                         {call{method: "POST", body: "a=b"}, 415, "application/json"},
		"no type":                        {call{method: "POST", body: "{}", contentType: "none"}, 415, "application/json"},
		"another charset":                {call{method: "POST", body: "{}", contentType: typ + "; charset=utf-16"}, 415, "UTF-8"},
		"a body over the limit":          {call{method: "POST", body: `"` + strings.Repeat("a", 64<<10) + `"`, contentType: typ}, 413, "too large"},
		"no body":                        {call{method: "POST", contentType: typ}, 400, "not valid JSON"},
		"half an object":                 {call{method: "PUT", body: `{"a":1`, contentType: typ}, 400, "not valid JSON"},
		"a comma too many":               {call{method: "POST", body: `{"a":[1,]}`, contentType: typ}, 400, "not valid JSON"},
		"two values":                     {call{method: "POST", body: `{} {}`, contentType: typ}, 400, "continues"},
		"a bracket too many":             {call{method: "POST", body: `{}]`, contentType: typ}, 400, "continues"},
		"broken UTF-8":                   {call{method: "POST", body: "{\"a\":\"\xff\"}", contentType: typ}, 400, "UTF-8"},
		"a raw NUL":                      {call{method: "POST", body: "{\"a\":\"\x00\"}", contentType: typ}, 400, "not valid JSON"},
		"an escaped NUL":                 {call{method: "POST", body: `{"a":"\u0000"}`, contentType: typ}, 400, "NUL"},
		"an escaped NUL in a name":       {call{method: "POST", body: `{"a\u0000":1}`, contentType: typ}, 400, "NUL"},
		"an escaped NUL deep down":       {call{method: "POST", body: `{"a":[{"b":["\u0000"]}]}`, contentType: typ}, 400, "NUL"},
		"a member twice":                 {call{method: "POST", body: `{"a":1,"a":1}`, contentType: typ}, 400, "duplicate"},
		"a member twice, once by escape": {call{method: "POST", body: `{"a":1,"\u0061":1}`, contentType: typ}, 400, "duplicate"},
		"a member twice deep down":       {call{method: "POST", body: `{"a":[{"b":1,"b":2}]}`, contentType: typ}, 400, "duplicate"},
		"a member in two cases":          {call{method: "POST", body: `{"jwks":1,"JWKS":1}`, contentType: typ}, 400, "duplicate"},
		"a member with a Kelvin sign":    {call{method: "POST", body: `{"jwks":1,"jw\u212as":1}`, contentType: typ}, 400, "duplicate"},
		"33 levels":                      {call{method: "POST", body: strings.Repeat("[", 33) + strings.Repeat("]", 33), contentType: typ}, 400, "deep"},
		"a secret in the query":          {call{method: "POST", target: "/?client_secret=a", body: `{}`, contentType: typ}, 400, "query"},
		"a NUL in the path":              {call{method: "GET", target: "/connect/register/%00"}, 400, "path"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			reached := false
			h := middleware.JSONBody(registrationRule())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
			resp := send(t, h, tc.call)
			if resp.status != tc.status || !strings.Contains(resp.body, tc.reason) || reached {
				t.Errorf("%+v: %d %s, handler reached: %t; want %d, %q", tc.call, resp.status, resp.body, reached, tc.status, tc.reason)
			}
		})
	}
}

func TestJSONBodyKeepsTheCheckedBody(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]call{
		"an object":           {method: "POST", body: ` {"client_name":"Café","n":1e999,"a":[{"x":1},{"x":1}]} `, contentType: "application/json"},
		"with its charset":    {method: "PUT", body: `{}`, contentType: "application/json; charset=UTF-8"},
		"32 levels":           {method: "POST", body: strings.Repeat("[", 32) + strings.Repeat("]", 32), contentType: "application/json"},
		"a name in languages": {method: "POST", body: `{"client_name":"a","client_name#ja":"b"}`, contentType: "application/json"},
		"a GET":               {method: "GET"},
		"a DELETE":            {method: "DELETE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			h := middleware.JSONBody(registrationRule())(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				io.Copy(w, r.Body)
			}))
			if resp := send(t, h, tc); resp.status != http.StatusOK || resp.body != tc.body {
				t.Errorf("%+v: %d, the handler reads %q", tc, resp.status, resp.body)
			}
		})
	}
}

func TestAnOptionalBodyMayBeAbsent(t *testing.T) {
	t.Parallel()

	rule := middleware.JSONRule{Methods: []string{http.MethodPut}, Optional: true}
	for name, tc := range map[string]struct {
		call   call
		status int
	}{
		"no body":        {call{method: "PUT", contentType: "none"}, 200},
		"no body, typed": {call{method: "PUT", contentType: "application/json"}, 200},
		"a body":         {call{method: "PUT", body: "{}", contentType: "application/json"}, 200},
		"a form":         {call{method: "PUT", body: "a=b"}, 415},
		"half a body":    {call{method: "PUT", body: "{", contentType: "application/json"}, 400},
	} {
		h := middleware.JSONBody(rule)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		if got := send(t, h, tc.call).status; got != tc.status {
			t.Errorf("%s: %d, want %d", name, got, tc.status)
		}
	}
}
