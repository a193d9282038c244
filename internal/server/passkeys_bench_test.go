package server_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// passkeyUsers is the number of users whose passkeys sign in concurrently, and passkeyCallers that of
// concurrent requests.
const (
	passkeyUsers   = 200
	passkeyCallers = 64
)

// BenchmarkPasskeySignIn measures POST /login/passkey with the middleware, on both engines with
// durable writes: each request is of another browser without cookies of an earlier sign-in, so that
// the device is new. It needs a fixed number of sign-ins, such as -benchtime 5000x.
func BenchmarkPasskeySignIn(b *testing.B) {
	for engine, url := range map[string]func(testing.TB) string{
		"sqlite": storetest.SQLiteURL,
		"postgres": func(tb testing.TB) string {
			tb.Helper()
			return storetest.StartPostgres(tb, storetest.Options{Durable: true}).URL()
		},
	} {
		b.Run(engine, func(b *testing.B) {
			db := storetest.Open(b, url(b))
			if _, err := db.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			benchmarkPasskeys(b, db)
		})
	}
}

func benchmarkPasskeys(b *testing.B, db *store.Store) {
	b.Helper()
	settings := map[string]string{"rate_limits": "off"}
	s := servertest.StartOnLocalhost(b, db, settings, slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // the access log is written for each request
	if _, _, err := s.ImportUsers(manyUsers()); err != nil {
		b.Fatal(err)
	}
	keys := make([]*servertest.Authenticator, passkeyUsers)
	inParallel(passkeyUsers, func(i int) { keys[i] = servertest.AddPasskey(s, "user"+strconv.Itoa(i)) })
	requests := make([]*repeatableRequest, b.N)
	inParallel(b.N, func(i int) { requests[i] = passkeyRequest(s, keys[i%passkeyUsers]) })

	handler := &bench{s, s.App.Public()}
	var taken atomic.Int64
	b.SetParallelism(passkeyCallers / runtime.GOMAXPROCS(0))
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		response := &responseBuffer{}
		for p.Next() {
			handler.send(b, requests[taken.Add(1)-1], response, http.StatusOK)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign-ins/s")
}

// passkeyRequest prepares a sign-in in a new browser.
func passkeyRequest(s *servertest.Server, with *servertest.Authenticator) *repeatableRequest {
	s.TB.Helper()
	browser := s.NewBrowser()
	form := browser.PasskeyForm(browser.BeginSignIn(), with)
	q := &repeatableRequest{httptest.NewRequest(http.MethodPost, "/login/passkey", nil), form.Encode()}
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Origin", s.Config.Origin())
	for _, cookie := range browser.Client.Jar.Cookies(servertest.Origin(s)) {
		q.AddCookie(cookie)
	}
	return q
}

func manyUsers() []byte {
	users := make([]string, passkeyUsers)
	for i := range users {
		users[i] = `{"username": "user` + strconv.Itoa(i) + `", "password_hash": "` + servertest.PasswordHash() + `"}`
	}
	return []byte("[" + strings.Join(users, ",") + "]")
}

// inParallel calls act with 0 to n-1, 8 at a time.
func inParallel(n int, act func(i int)) {
	var next atomic.Int64
	var done sync.WaitGroup
	for range 8 {
		done.Go(func() {
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				act(int(i))
			}
		})
	}
	done.Wait()
}
