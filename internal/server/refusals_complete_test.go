package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// badRequest is a defect that a request to any endpoint can have.
type badRequest struct {
	name, query, body string
	header            http.Header
}

func badRequests(s *servertest.Server) []badRequest {
	form := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {s.Config.Origin()}}
	with := func(pairs ...string) http.Header {
		h := form.Clone()
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	return []badRequest{
		{"nothing", "", "", http.Header{}},
		{"unknown parameters", "?client_id=nobody&request=nobody&continue=nobody&user_code=BCDF-GHJK", "client_id=nobody&token=x&grant_type=x", form},
		{"a known client", "?client_id=web&response_type=x&redirect_uri=https://evil.example/", "client_id=web&request=nobody&username=ada&password=x", form},
		{"a verifier of nobody", "?login_verifier=x", "login_verifier=x&consent_verifier=x&token=x&user_code=x", form},
		{"a logout verifier of nobody", "?logout_verifier=x&id_token_hint=x", "id_token_hint=x&logout_challenge=x", form},
		{"repeated parameters", "?client_id=a&client_id=b", "client_id=a&client_id=b", form},
		{"NUL and bad UTF-8", "?client_id=a%00b", "client_id=%ff%00", form},
		{"a malformed query", "?%zz", "%zz", form},
		{"another content type", "", "<x/>", with("Content-Type", "text/xml")},
		{"no JSON", "", `{"x":`, http.Header{"Content-Type": {"application/json"}}},
		{"JSON of another shape", "", `[1,2,{"redirect_uris":"x"}]`, http.Header{"Content-Type": {"application/json"}}},
		{"JSON members of another type", "", `{"redirect_uris":7,"client_id":[],"jwks":"x"}`, http.Header{"Content-Type": {"application/json"}}},
		{"another charset", "", "x=y", with("Content-Type", "application/x-www-form-urlencoded; charset=utf-7")},
		{"a compressed body", "", "x=y", with("Content-Encoding", "gzip")},
		{"a body that is too large", "", "x=" + strings.Repeat("y", 80<<10), form},
		{"a form of another origin", "", "x=y", with("Origin", "https://evil.example")},
		{"a form of another site", "", "x=y", with("Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site")},
		{"another address than the issuer", "", "x=y", with("Origin", "http://example.com")}, // which httptest has as Host
		{"a frame of another page", "", "x=y", with("Sec-Fetch-Dest", "iframe", "Sec-Fetch-Site", "cross-site")},
		{"wrong credentials", "", "grant_type=client_credentials", with("Authorization", "Basic d2ViOnh4")},
		{"malformed credentials", "", "grant_type=client_credentials", with("Authorization", "Basic !")},
		{"a token of nobody", "", "x=y", with("Authorization", "Bearer nobody")},
		{"two tokens", "?access_token=x", "access_token=x", with("Authorization", "Bearer nobody")},
	}
}

// Every error response of every route has a record, with the rule that names the failed check.
func TestEveryRejectionHasARecord(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]map[string]string{
		"pages of the server": {"login_url": "", "consent_url": "", "sign_up": "on", "admin_auth": "token"},
		"apps":                {"logout_url": "https://apps.example/logout", "device_url": "https://apps.example/device", "admin_auth": "none"},
		"no registration":     {"registration": "closed", "admin_auth": "token", "error_url": "https://apps.example/error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings["rate_limits"] = "off"
			s := servertest.StartWithApps(t, storetest.New(t), settings).Server
			sendBadRequests(t, s, "public", s.App.Public())
			sendBadRequests(t, s, "admin", s.App.Admin())
		})
	}
}

// sendBadRequests sends each bad request to each route of handler with each method.
func sendBadRequests(t *testing.T, s *servertest.Server, listener string, handler http.Handler) {
	t.Helper()
	rejected, sent := 0, 0
	for _, path := range pathsOf(t, handler) {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, "BREW"} {
			for _, bad := range badRequests(s) {
				r := httptest.NewRequestWithContext(t.Context(), method, path+bad.query, strings.NewReader(bad.body))
				r.Header = bad.header.Clone()
				sent++ // each request from another network, because the number of records per network is limited
				r.RemoteAddr = fmt.Sprintf("10.%d.%d.1:1", sent/256, sent%256)
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				found, err := s.App.Refusals.Find(w.Header().Get("X-Request-Id"))
				if w.Code < http.StatusBadRequest && err != nil {
					continue
				}
				rejected++
				switch {
				case err != nil:
					t.Errorf("%s: %s %s with %s: %d without a record", listener, method, path, bad.name, w.Code)
				case found.Rule == refusal.Unexplained || found.Rule == "" || found.Cause == "":
					t.Errorf("%s: %s %s with %s: %d %s has the rule %q and the cause %q", listener, method, path, bad.name, w.Code, w.Body, found.Rule, found.Cause)
				case !slices.Contains(refusal.ByAnyCheck(), found.Rule) && refusal.EndpointOf(found.Route).Place(found.Rule, "") < 0:
					t.Errorf("%s: the rule %s of %s %s is in no check of the %s", listener, found.Rule, method, found.Route, refusal.EndpointOf(found.Route).Name)
				case w.Code >= http.StatusInternalServerError:
					t.Errorf("%s: %s %s with %s: %d %s", listener, method, path, bad.name, w.Code, w.Body)
				}
			}
		}
		s.App.Refusals.Flush(t.Context(), time.Minute)
	}
	if rejected < 100 {
		t.Errorf("%s: only %d requests were rejected: nothing was tested", listener, rejected)
	}
}

// pathsOf returns a path for each route of handler, and one without a route.
func pathsOf(t *testing.T, handler http.Handler) []string {
	t.Helper()
	routes, ok := handler.(chi.Routes)
	if !ok {
		t.Fatalf("%T has no routes", handler)
	}
	paths := []string{"/nothing/here"}
	variable := regexp.MustCompile(`\{[^}]*\}|\*`)
	err := chi.Walk(routes, func(_, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if strings.HasPrefix(route, "/admin/") || strings.HasSuffix(route, "/") && route != "/" {
			return nil // aliases of the same endpoints
		}
		if path := variable.ReplaceAllString(route, "nobody"); !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
