package server_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/totp"
)

// startConsole starts a server with the administrators' console on its public listener.
func startConsole(t *testing.T, db *store.Store, settings ...string) *servertest.Server {
	t.Helper()
	all := map[string]string{"rate_limits": "off", "console": "public"}
	for i := 0; i < len(settings); i += 2 {
		all[settings[i]] = settings[i+1]
	}
	return servertest.StartOnLocalhost(t, db, all, slog.DiscardHandler)
}

// setAdminRole gives ada a role of administrators. Bob is an owner, since there must be one.
func setAdminRole(s *servertest.Server, role account.AdminRole) {
	s.TB.Helper()
	for username, role := range map[string]account.AdminRole{"bob": account.Owner, "ada": role} {
		_, err := s.Store.Accounts.ChangeAccount(s.TB.Context(), accountOf(s, username).Subject, s.Time(), func(a *account.Account) error {
			a.AdminRole = role
			return nil
		})
		if err != nil {
			s.TB.Fatal(err)
		}
	}
}

// signInToConsole opens a page of the console, signs in as ada with the password and a code of the
// app with the secret, and returns the page after the sign-in.
func signInToConsole(b *servertest.Browser, page string, secret []byte) servertest.Response {
	b.Server.TB.Helper()
	p := b.Get(page)
	if to := p.Location(); to.Path != "/oauth2/auth" || to.Query().Get("client_id") != client.ConsoleID {
		b.Server.TB.Fatalf("%s: %d to %s, want the authorization endpoint", page, p.Status, to)
	}
	if p = b.Get(p.Location().String()); strings.HasPrefix(p.Location().Path, "/login") {
		id := p.Location().Query().Get("request")
		b.SubmitPassword(id, "ada", "")
		p = b.Post("/login/second-factor", url.Values{"request": {id}, "code": {totp.Code(secret, totp.Step(b.Server.Time()))}})
	}
	return b.Follow(p)
}

func TestConsoleSignIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		setAdminRole(s, account.Owner)
		secret, b := addApp(s), s.NewBrowser()
		p := signInToConsole(b, "/console/audit?action=console.sign-in", secret)
		next := p.Attribute("href", func(a map[string]string) bool { return a["id"] == "continue" })
		if p.Status != http.StatusOK || next != s.URL+"/console/audit?action=console.sign-in" {
			t.Fatalf("after the sign-in: %d, the page leads to %q\n%s", p.Status, next, p.Body)
		}
		i := slices.IndexFunc(p.Header.Values("Set-Cookie"), func(c string) bool { return strings.HasPrefix(c, "ostiary_console=") })
		if i < 0 || !strings.Contains(p.Header.Values("Set-Cookie")[i], "HttpOnly; SameSite=Strict") {
			t.Errorf("the cookies are %q, want a strict one", p.Header.Values("Set-Cookie"))
		}
		if p = b.Get(next); p.Status != http.StatusOK || !strings.Contains(p.Body, accountOf(s, "ada").Subject) {
			t.Errorf("the audit log: %d, want the sign-in\n%s", p.Status, p.Body)
		}
		events, err := s.Store.Audit.ListEvents(t.Context(), audit.Filter{Action: "console.sign-in"}, "", 10)
		if err != nil || len(events) != 1 || events[0].Actor.Kind != audit.Administrator || events[0].Outcome != audit.Done {
			t.Errorf("the sign-ins in the audit log are %+v, %v", events, err)
		}

		// The callback works once, in the browser that began, and the cookie is no credential of the API.
		if p = b.Get("/console/callback?code=x&state=y"); p.Status != http.StatusBadRequest || !hasElement(p, "again") {
			t.Errorf("a second callback: %d", p.Status)
		}
		key, text := apikey.New("console", apikey.Scopes(), s.Time(), time.Time{})
		servertest.Must(t, s.Store.APIKeys.InsertAPIKey(t.Context(), key))
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/console", http.NoBody)
		servertest.Must(t, err)
		r.Header.Set("Authorization", "Bearer "+text)
		if p = servertest.Send(t, s.NewBrowser().Client, r); p.Location().Path != "/oauth2/auth" {
			t.Errorf("the console with an API key: %d", p.Status)
		}
	})
}

// A sign-in to the console ends without a request for 15 minutes, with the session at the issuer,
// with the role, and with the account.
func TestConsoleSignInEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(s *servertest.Server) (path string){
		"idle": func(s *servertest.Server) string { s.Advance(15 * time.Minute); return "/oauth2/auth" },
		"session": func(s *servertest.Server) string {
			_, err := s.Store.Sessions.EndSessionsOf(s.TB.Context(), accountOf(s, "ada").Subject, s.Time())
			if err != nil {
				s.TB.Error(err)
			}
			return "/oauth2/auth"
		},
		"role": func(s *servertest.Server) string { setAdminRole(s, account.NoAdminRole); return "" },
		"account": func(s *servertest.Server) string {
			if err := s.Store.Accounts.SetDisabled(s.TB.Context(), accountOf(s, "ada").Subject, true, s.Time()); err != nil {
				s.TB.Error(err)
			}
			return "/oauth2/auth"
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				s := startConsole(t, db)
				setAdminRole(s, account.Owner)
				b := s.NewBrowser()
				signInToConsole(b, "/console", addApp(s))
				s.Advance(14 * time.Minute)
				if p := b.Get("/console"); p.Status != http.StatusOK {
					t.Fatalf("after 14 minutes: %d to %s", p.Status, p.Location())
				}
				s.Advance(14 * time.Minute)
				if p := b.Get("/console"); p.Status != http.StatusOK {
					t.Fatalf("14 minutes after the last request: %d to %s", p.Status, p.Location())
				}
				path := end(s)
				p := b.Get("/console")
				if path == "" && p.Status != http.StatusForbidden || p.Location().Path != path {
					t.Errorf("afterwards: %d to %s", p.Status, p.Location())
				}
			})
		})
	}
}

// The roles of administrators have in the console the rights that the scopes of the API give them.
func TestConsoleRoles(t *testing.T) {
	t.Parallel()
	pages := map[string]struct{ read, write string }{
		"/console": {}, "/console/audit": {read: apikey.AuditRead}, "/console/explain": {read: apikey.AuditRead},
		"/console/sessions": {apikey.SessionsRead, apikey.SessionsWrite}, "/console/keys": {apikey.KeysRead, apikey.KeysWrite},
	}
	for _, role := range append(account.AdminRoles(), account.NoAdminRole) {
		t.Run("role "+string(role), func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				s := startConsole(t, db)
				setAdminRole(s, account.Owner)
				b := s.NewBrowser()
				signInToConsole(b, "/console", addApp(s))
				setAdminRole(s, role)
				held := apikey.RoleScopes(role)
				for path, needs := range pages {
					want := http.StatusOK
					if role == account.NoAdminRole || needs.read != "" && !slices.Contains(held, needs.read) {
						want = http.StatusForbidden
					}
					if p := b.Get(path); p.Status != want {
						t.Errorf("GET %s: %d, want %d", path, p.Status, want)
					}
					if needs.write == "" {
						continue
					}
					want = http.StatusSeeOther
					if !slices.Contains(held, needs.write) {
						want = http.StatusForbidden
					}
					if p := b.Post(path, url.Values{"end": {"unknown"}, "user": {"unknown"}}); p.Status != want {
						t.Errorf("POST %s: %d, want %d", path, p.Status, want)
					}
				}
			})
		})
	}
}

// An administrator who has only a password is asked to add a factor, and one who cancels reads why.
func TestConsoleNeedsTwoFactors(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		setAdminRole(s, account.Owner)
		b := s.NewBrowser()
		p := b.Get(b.Get("/console").Location().String())
		id := p.Location().Query().Get("request")
		p = b.Get(b.SubmitPassword(id, "ada", "").Location().String())
		if p.Status == http.StatusSeeOther {
			p = b.Get(p.Location().String())
		}
		if !hasElement(p, "enrol") || !hasElement(p, "cancel") {
			t.Fatalf("after the password: %d, want the offer of a factor\n%s", p.Status, p.Body)
		}
		p = b.Follow(b.Post(p.FormAction(), url.Values{"request": {id}, "decision": {"cancel"}}))
		if p.Status != http.StatusForbidden || !hasElement(p, "account") || b.Cookie("ostiary_console") != "" {
			t.Errorf("cancelled: %d\n%s", p.Status, p.Body)
		}
	})
}

// A change needs a recent sign-in, a form of the console, and is in the audit log.
func TestConsoleChanges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		setAdminRole(s, account.Owner)
		secret, b, other := addApp(s), s.NewBrowser(), s.NewBrowser()
		signInToConsole(b, "/console", secret)
		s.Advance(6 * time.Minute)
		p := b.Post("/console/keys", url.Values{"rotate": {"on"}})
		if to := p.Location(); to.Path != "/oauth2/auth" || to.Query().Get("max_age") != "300" {
			t.Fatalf("6 minutes after the sign-in: %d to %s, want a new one", p.Status, to)
		}
		p = b.Get(p.Location().String())
		id := p.Location().Query().Get("request")
		b.SubmitPassword(id, "ada", "")
		b.Follow(b.Post("/login/second-factor", url.Values{"request": {id}, "code": {totp.Code(secret, totp.Step(s.Time()))}}))
		before, err := s.App.Keys.Records(t.Context())
		servertest.Must(t, err)
		if p = b.Post("/console/keys", url.Values{"rotate": {"on"}}); p.Location().Path != "/console/keys" {
			t.Fatalf("rotation: %d to %s", p.Status, p.Location())
		}
		if p = b.Get("/console/keys"); !hasElement(p, "status") {
			t.Errorf("the page does not tell the result\n%s", p.Body)
		}
		after, err := s.App.Keys.Records(t.Context())
		if err != nil || len(after) <= len(before) {
			t.Errorf("%d keys, before %d, %v", len(after), len(before), err)
		}

		other.Follow(other.SubmitPassword(other.BeginSignIn(), "bob", ""))
		sessions, err := s.Store.Sessions.ListSessions(t.Context(), "", "", 10, s.Time())
		servertest.Must(t, err)
		own := b.Get("/console/sessions").Attribute("value", func(a map[string]string) bool { return a["name"] == "end" })
		if len(sessions) < 2 || own == "" {
			t.Fatalf("%d sessions, the page offers %q", len(sessions), own)
		}
		if p = b.Post("/console/sessions", url.Values{"end": {own}, "user": {accountOf(s, "bob").Subject}}); p.Location().Path != "/console/sessions" {
			t.Errorf("ending a session: %d to %s", p.Status, p.Location())
		}
		if _, err := s.Store.Sessions.Session(t.Context(), own, s.Time()); err == nil {
			t.Error("the session goes on")
		}
		for _, action := range []string{"key.rotate", "session.revoke"} {
			events, err := s.Store.Audit.ListEvents(t.Context(), audit.Filter{Action: action}, "", 10)
			if err != nil || len(events) != 1 || events[0].Outcome != audit.Done || events[0].Actor.ID != accountOf(s, "ada").Subject || events[0].RequestID == "" {
				t.Errorf("%s in the audit log: %+v, %v", action, events, err)
			}
		}

		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/console/keys", strings.NewReader("rotate=on"))
		servertest.Must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://evil.example")
		if p = servertest.Send(t, b.Client, r); p.Status != http.StatusForbidden {
			t.Errorf("a form of another site: %d", p.Status)
		}
	})
}

// The client of the console is built in: nobody registers, reads or deletes it.
func TestConsoleClientIsBuiltIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		if _, err := s.Store.Clients.Client(t.Context(), client.ConsoleID); err == nil {
			t.Error("the client has a row")
		}
		if err := client.CheckID(client.ConsoleID); err == nil {
			t.Error("a client can be registered under the ID")
		}
		p := s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", client.ConsoleID, "redirect_uri", "https://evil.example/").Encode())
		if p.Status != http.StatusBadRequest {
			t.Errorf("another redirect URI: %d to %s", p.Status, p.Location())
		}
		off := startConsole(t, db, "console", "off")
		if p := off.NewBrowser().Get("/console"); p.Status != http.StatusNotFound {
			t.Errorf("console: off: %d", p.Status)
		}
	})
}
