package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Every registered path that handles GET responds to HEAD with the same status and headers, errors
// included.
//
// Spec: RFC 9110 §9.3.2.
func TestHeadAnswersLikeGet(t *testing.T) {
	t.Parallel()

	s := servertest.Start(t, storetest.New(t), map[string]string{"sign_up": "on", "admin_auth": "none"})
	for listener, handler := range map[string]http.Handler{"public": s.App.Public(), "admin": s.App.Admin()} {
		front := httptest.NewServer(handler)
		defer front.Close()
		paths := routesOf(t, handler)
		if len(paths) < 20 {
			t.Errorf("%s: only %d paths: %v", listener, len(paths), paths)
		}
		for _, path := range paths {
			got, head := fetch(s, http.MethodGet, front.URL+path), fetch(s, http.MethodHead, front.URL+path)
			if got.Status == http.StatusMethodNotAllowed {
				if head.Status != http.StatusMethodNotAllowed {
					t.Errorf("%s HEAD %s: %d where GET is not allowed", listener, path, head.Status)
				}
				continue
			}
			if head.Status != got.Status || head.Body != "" {
				t.Errorf("%s HEAD %s: %d %q, GET: %d", listener, path, head.Status, head.Body, got.Status)
			}
			if diff := cmp.Diff(comparableHeader(got.Header), comparableHeader(head.Header)); diff != "" {
				t.Errorf("%s HEAD %s: headers (-GET +HEAD):\n%s", listener, path, diff)
			}
		}
	}
}

// routesOf returns an address for each route of a router.
func routesOf(t *testing.T, handler http.Handler) []string {
	t.Helper()
	seen, paths := map[string]bool{}, []string{}
	err := chi.Walk(handler.(chi.Routes), func(_, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		path := strings.NewReplacer("{id}", "web", "{set}", "s", "{kid}", "k", "*", "x/app.css").Replace(route)
		if !seen[path] {
			seen[path] = true
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// fetch sends a request without cookies to a URL and returns the response; it follows no redirect.
func fetch(s *servertest.Server, method, address string) servertest.Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), method, address, http.NoBody)
	if err != nil {
		s.TB.Fatal(err)
	}
	return servertest.Send(s.TB, s.NewBrowser().Client, r)
}

// comparableHeader returns the header without the fields that differ between two requests, and without
// Content-Length, which a response to HEAD may omit.
func comparableHeader(header http.Header) http.Header {
	kept := header.Clone()
	for _, name := range []string{"Date", "X-Request-Id", "Content-Length", "Set-Cookie"} {
		kept.Del(name)
	}
	location, _, _ := strings.Cut(kept.Get("Location"), "?") // the query names a new request
	kept.Set("Location", location)
	return kept
}
