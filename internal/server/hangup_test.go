package server_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A client that disconnects during a request is logged at debug level: it is not an error of the
// server.
func TestHostileClientDisconnects(t *testing.T) {
	t.Parallel()
	var book servertest.LogBuffer
	s := servertest.StartWithLog(t, storetest.New(t), nil, slog.NewTextHandler(&book, &slog.HandlerOptions{Level: slog.LevelDebug}))
	token := servertest.Text(s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))["access_token"])
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	for _, to := range []struct{ path, message string }{
		{"/oauth2/auth?continue=x", "request refused"},
		{"/userinfo", "userinfo refused"},
		{"/login?request=x", "page refused"},
		{"/connect/register/unheard-of", "registration refused"},
	} {
		before := len(book.String())
		r := httptest.NewRequestWithContext(gone, http.MethodGet, s.URL+to.path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		s.App.Public().ServeHTTP(httptest.NewRecorder(), r)
		logged := book.String()[before:]
		if !strings.Contains(logged, `level=DEBUG msg="`+to.message+`"`) || strings.Contains(logged, "level=ERROR") {
			t.Errorf("%s: the log does not say so quietly:\n%s", to.path, logged)
		}
	}
}
