package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/store/storetest/fixture"
)

// BenchmarkAccountPages measures pages of the account console for a user with 1,000 sessions and
// 1,000 grants, on both engines.
func BenchmarkAccountPages(b *testing.B) {
	const many, day = 1000, 24 * time.Hour
	for engine, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLiteURL, "postgres": storetest.MigratedURL} {
		db := storetest.Open(b, url(b))
		s := servertest.StartWithLog(b, db, map[string]string{"rate_limits": "off"}, slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // the access log is written for each request
		browser := s.NewBrowser()
		browser.Code(servertest.AuthorizationRequest())
		browser.Follow(browser.Get("/account"))
		found, err := db.Accounts.AccountByUsername(b.Context(), "ada")
		if err != nil {
			b.Fatal(err)
		}
		for i := range many {
			own := fixture.Session("session"+strconv.Itoa(i), found.Subject)
			own.SeenAt = s.Now()
			own.IdleUntil, own.EndsAt = s.Now().Add(day), s.Now().Add(day)
			g := fixture.Grant("web", found.Subject)
			g.CreatedAt, g.ExpiresAt, g.EndsAt = s.Now(), s.Now().Add(day), s.Now().Add(day)
			if err := db.Sessions.InsertSession(b.Context(), own, nil); err != nil {
				b.Fatal(err)
			}
			if err := db.Grants.InsertGrant(b.Context(), g); err != nil {
				b.Fatal(err)
			}
		}

		handler := &bench{s, s.App.Public()}
		for _, path := range []string{"/account", "/account/sessions", "/account/applications", "/account/activity", "/account/profile"} {
			q := get(path)
			for _, cookie := range browser.Client.Jar.Cookies(servertest.Origin(s)) {
				q.AddCookie(cookie)
			}
			b.Run(engine+path, func(b *testing.B) {
				b.ReportAllocs()
				response := &responseBuffer{}
				for b.Loop() {
					handler.send(b, q, response, http.StatusOK)
				}
			})
		}
	}
}
