package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Whoever hangs up while we work wakes nobody: that is no fault of ours.
func TestHostileClientsThatHangUp(t *testing.T) {
	t.Parallel()
	var book logbook
	s := startLogging(t, storetest.New(t), nil, slog.NewTextHandler(&book, &slog.HandlerOptions{Level: slog.LevelDebug}))
	token := text(s.tokens(s.browser().code(asking()))["access_token"])
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	for _, to := range []struct{ method, path, body, said string }{
		{http.MethodPost, "/oauth2/token", exchanging("ost_ac_x").Encode(), "request refused"},
		{http.MethodGet, "/oauth2/auth?" + asking("client_id", "unheard-of").Encode(), "", "request refused"},
		{http.MethodGet, "/userinfo", "", "userinfo refused"},
		{http.MethodGet, "/login?request=x", "", "page refused"},
		{http.MethodGet, "/oauth2/sessions/logout?client_id=nobody", "", "sign-out refused"},
		{http.MethodGet, "/connect/register/unheard-of", "", "registration refused"},
	} {
		before := len(book.String())
		r := httptest.NewRequestWithContext(gone, to.method, s.url+to.path, strings.NewReader(to.body))
		r.Header.Set("Authorization", "Bearer "+token)
		if to.method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.SetBasicAuth("unheard-of", "a secret")
		}
		s.public().ServeHTTP(httptest.NewRecorder(), r)
		logged := book.String()[before:]
		if !strings.Contains(logged, `level=DEBUG msg="`+to.said+`"`) || strings.Contains(logged, "level=ERROR") {
			t.Errorf("%s %s: the log does not say so quietly:\n%s", to.method, to.path, logged)
		}
	}
}
