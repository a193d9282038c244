package oauth2_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// sessionEnd is a server whose clock is behind the machine's, so that commands, which use
// the machine's clock, come after all that happened on it.
type sessionEnd struct {
	*servertest.Server
	shell    *clitest.Shell
	operator string // the admin API
	browser  *servertest.Browser
	hint     string // an ID token of the session
	tokens   map[string]string
}

// longClient is a client whose access tokens live for access, and whose refresh tokens may
// lie unused for an hour.
func longClient(tb testing.TB, id, access string) servertest.Object {
	tb.Helper()
	c := servertest.ParseObject(tb, servertest.LegacyClient(id, ""))
	for _, grantType := range []string{"authorization_code", "refresh_token", "implicit"} {
		c[grantType+"_grant_access_token_lifespan"] = access
	}
	for _, grantType := range []string{"authorization_code", "refresh_token"} {
		c[grantType+"_grant_refresh_token_lifespan"] = "1h"
	}
	return c
}

func startSessionEnd(t *testing.T, databaseURL string) *sessionEnd {
	t.Helper()
	db := storetest.Open(t, databaseURL)
	settings := servertest.LegacySettings()
	settings["admin_auth"], settings["session_idle_lifetime"], settings["session_absolute_lifetime"] = "none", "20h", "20h"
	settings["longest_token_lifetime"] = "7d"
	e := &sessionEnd{Server: servertest.Start(t, db, settings), tokens: map[string]string{}}
	operators := httptest.NewServer(e.App.Admin())
	t.Cleanup(operators.Close)
	e.operator = operators.URL
	e.shell = &clitest.Shell{T: t, Dir: t.TempDir(), Settings: []string{
		"--set=database_url=" + databaseURL, "--set=system_secrets=" + servertest.SystemSecret, "--set=argon2_memory_mib=19", "--set=argon2_iterations=2",
	}}
	servertest.ImportClientObject(e.Server, longClient(t, "day", "24h"))
	servertest.ImportClientObject(e.Server, longClient(t, "days", "100h"))
	storetest.Exec(t, databaseURL, `UPDATE clients SET not_before = 0`) // the default for new clients
	e.Advance(-12 * time.Hour)
	return e
}

// signIn opens a session and gets every kind of access token in it.
func (e *sessionEnd) signIn(t *testing.T) {
	t.Helper()
	e.browser = e.NewBrowser()
	for _, id := range []string{"day", "days"} {
		call := func(form url.Values) map[string]any {
			return e.PostForm("/oauth2/token", servertest.AsPost(id, form)).JSON(t)
		}
		ask := func(responseType, scope string) url.Values {
			return servertest.AuthorizationRequest("client_id", id, "response_type", responseType, "scope", scope)
		}
		given := call(servertest.CodeExchange(e.browser.Code(ask("code", "openid api"))))
		e.hint = servertest.Text(given["id_token"])
		e.tokens[id+", of a code"] = servertest.Text(given["access_token"])
		given = call(servertest.CodeExchange(e.browser.Code(ask("code", "openid offline_access"))))
		e.tokens[id+", beside a refresh token"] = servertest.Text(given["access_token"])
		e.Advance(time.Minute)
		given = call(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {servertest.Text(given["refresh_token"])}})
		e.tokens[id+", refreshed"] = servertest.Text(given["access_token"])
		for _, responseType := range []string{"code token", "token id_token"} {
			front, err := url.ParseQuery(e.browser.Authorize(ask(responseType, "openid offline_access api")).Location().Fragment)
			if err != nil {
				t.Fatal(err)
			}
			e.tokens[id+", of the response type "+responseType] = front.Get("access_token")
		}
	}
}

// wantAll checks that all access tokens are active, or none.
func (e *sessionEnd) wantAll(t *testing.T, when string, want bool) {
	t.Helper()
	for name, token := range e.tokens {
		p := e.send(t, http.MethodPost, "/admin/oauth2/introspect", url.Values{"token": {token}})

		if got := p.JSON(t)["active"]; p.Status != http.StatusOK || got != want {
			t.Errorf("%s: the access token of %s is active: %v, want %v", when, name, got, want)
		}
		if got := e.Userinfo(token).Status == http.StatusOK; got != want {
			t.Errorf("%s: userinfo takes the access token of %s: %v, want %v", when, name, got, want)
		}
	}
}

// send sends a request to the admin API, with a form as its body unless that is nil.
func (e *sessionEnd) send(t *testing.T, method, path string, form url.Values) servertest.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, e.operator+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return servertest.Send(t, http.DefaultClient, r)
}

func (e *sessionEnd) sessionID(t *testing.T) string {
	t.Helper()
	list, err := e.Store.Sessions.ListSessions(t.Context(), servertest.SubjectOf(t, e.Server, "ada"), "", 10, e.Time())
	if err != nil || len(list) != 1 {
		t.Fatalf("sessions: %v, %v; want one", list, err)
	}
	return list[0].ID
}

// The end of a session revokes all of its access tokens, also of clients with long configured
// lifespans.
func TestSessionEndRevokesEveryToken(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, e *sessionEnd){
		"sign-out": func(t *testing.T, e *sessionEnd) {
			t.Helper()
			p := e.browser.Get("/oauth2/sessions/logout?id_token_hint=" + e.hint)
			servertest.Contains(t, p.Body, "signed out")
		},
		"API, of a subject": func(t *testing.T, e *sessionEnd) {
			t.Helper()
			e.send(t, http.MethodDelete, "/admin/oauth2/auth/sessions/login?subject="+servertest.SubjectOf(t, e.Server, "ada"), nil)
		},
		"API, of a session": func(t *testing.T, e *sessionEnd) {
			t.Helper()
			e.send(t, http.MethodDelete, "/admin/oauth2/auth/sessions/login?sid="+e.sessionID(t), nil)
		},
		"command, of a user": func(_ *testing.T, e *sessionEnd) { e.shell.Must("sessions", "revoke", "--user=ada") },
		"command, of a session": func(t *testing.T, e *sessionEnd) {
			t.Helper()
			e.shell.Must("sessions", "revoke", "--", e.sessionID(t))
		},
		"another user signs in": func(t *testing.T, e *sessionEnd) {
			t.Helper()
			p := e.browser.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode())
			form := e.browser.Get(p.Header.Get("Location"))
			p = e.browser.Post(form.FormAction(), url.Values{"request": {form.HiddenField("request")}, "username": {"bob"}, "password": {servertest.Password}})
			servertest.CodeOf(t, e.browser.Follow(p))
		},
		"password change": func(_ *testing.T, e *sessionEnd) { e.shell.Must("users", "set-password", "ada", "--generate") },
		"disabling":       func(_ *testing.T, e *sessionEnd) { e.shell.Must("users", "disable", "ada") },
		"deletion":        func(_ *testing.T, e *sessionEnd) { e.shell.Must("users", "delete", "ada", "--yes") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, databaseURL string) {
				t.Helper()
				e := startSessionEnd(t, databaseURL)
				e.signIn(t)
				e.wantAll(t, "at first", true)
				for range 8 {
					e.Advance(time.Hour)
					if _, err := e.Store.Purge(t.Context(), e.Time()); err != nil {
						t.Fatal(err)
					}
				}
				e.wantAll(t, "after 8 hours", true)
				end(t, e)
				e.wantAll(t, "after the end of the session", false)
			})
		})
	}
}
