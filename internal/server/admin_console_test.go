package server_test

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/totp"
)

// startConsole starts a server with the administrators' console on its public listener.
func startConsole(tb testing.TB, db *store.Store, settings ...string) *servertest.Server {
	tb.Helper()
	all := map[string]string{"rate_limits": "off", "console": "public"}
	for i := 0; i < len(settings); i += 2 {
		all[settings[i]] = settings[i+1]
	}
	return servertest.StartOnLocalhost(tb, db, all, slog.DiscardHandler)
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
	return b.Follow(answerSignIn(b, b.Get(page), secret))
}

// answerSignIn signs in as ada where a response of the console leads, if the issuer asks for it, and
// returns the response of the issuer.
func answerSignIn(b *servertest.Browser, p servertest.Response, secret []byte) servertest.Response {
	b.Server.TB.Helper()
	to := signInPage(p)
	if to.Path != b.Server.Config.Path()+"/oauth2/auth" || to.Query().Get("client_id") != client.ConsoleID {
		b.Server.TB.Fatalf("%d to %s, want the authorization endpoint", p.Status, to)
	}
	p = b.Get(to.String())
	if !strings.HasSuffix(p.Location().Path, "/login") {
		return p
	}
	id := p.Location().Query().Get("request")
	b.SubmitPassword(id, "ada", "")
	return b.Post("/login/second-factor", url.Values{"request": {id}, "code": {totp.Code(secret, totp.Step(b.Server.Time()))}})
}

// openConsole starts a server, and signs ada in to its console with the role.
func openConsole(tb testing.TB, db *store.Store, role account.AdminRole) (*servertest.Server, *servertest.Browser) {
	tb.Helper()
	s := startConsole(tb, db)
	setAdminRole(s, role)
	b := s.NewBrowser()
	signInToConsole(b, "/console", addApp(s))
	return s, b
}

// signInPage returns where a response of the console leads to sign in: by a redirect, or after a form
// by a page, since browsers apply form-action to redirects after a form.
func signInPage(p servertest.Response) *url.URL {
	if to, err := url.Parse(p.Attribute("href", func(a map[string]string) bool { return a["id"] == "continue" })); err == nil && p.Status == http.StatusOK {
		return to
	}
	return p.Location()
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
		"password": func(s *servertest.Server) string {
			if err := s.Store.Accounts.SetPassword(s.TB.Context(), accountOf(s, "ada").Subject, "hash", s.Time()); err != nil {
				s.TB.Error(err)
			}
			return "/oauth2/auth"
		},
		"lockdown": func(s *servertest.Server) string {
			if err := s.Store.Accounts.LockAccount(s.TB.Context(), accountOf(s, "ada").Subject, s.Time()); err != nil {
				s.TB.Error(err)
			}
			return "/oauth2/auth"
		},
		"deleted": func(s *servertest.Server) string {
			if err := s.Store.Accounts.DeleteAccount(s.TB.Context(), accountOf(s, "ada").Subject, s.Time()); err != nil {
				s.TB.Error(err)
			}
			return "/oauth2/auth"
		},
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
				s, b := openConsole(t, db, account.Owner)
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

// A sign-in to the console ends after eight hours, even if its user sends requests all the time.
func TestConsoleSignInEndsAfterEightHours(t *testing.T) {
	t.Parallel()
	s, b := openConsole(t, storetest.New(t), account.Owner) // with a session that ends after an hour without use
	began := s.Time()
	for s.Time().Sub(began) < 8*time.Hour-10*time.Minute {
		s.Advance(10 * time.Minute)
		if p := b.Get("/console"); p.Status != http.StatusOK {
			t.Fatalf("after %s: %d to %s", s.Time().Sub(began), p.Status, p.Location())
		}
	}
	s.Advance(10 * time.Minute)
	if p := b.Get("/console"); p.Location().Path != "/oauth2/auth" {
		t.Errorf("after 8 hours: %d to %s", p.Status, p.Location())
	}
}

// The roles of administrators have in the console the rights that the scopes of the API give them.
func TestConsoleRoles(t *testing.T) {
	t.Parallel()
	pages := map[string]struct {
		read, write string
		form        url.Values
	}{
		"/console": {}, "/console/audit": {read: apikey.AuditRead}, "/console/explain": {read: apikey.AuditRead},
		"/console/sessions":                   {apikey.SessionsRead, apikey.SessionsWrite, url.Values{"end": {"unknown"}, "user": {"unknown"}}},
		"/console/mail":                       {apikey.UsersRead, apikey.UsersWrite, url.Values{"list": {"mails-failed"}, "retry": {"all"}}},
		"/console/keys":                       {apikey.KeysRead, apikey.KeysWrite, url.Values{"rotate": {"on"}}},
		"/console/applications":               {read: apikey.ClientsRead},
		"/console/applications/new":           {apikey.ClientsWrite, apikey.ClientsWrite, url.Values{"kind": {"service"}, "name": {"Job"}}},
		"/console/applications/web":           {apikey.ClientsRead, apikey.ClientsWrite, url.Values{"change": {"secret"}}},
		"/console/applications/web/json":      {apikey.ClientsRead, apikey.ClientsWrite, url.Values{"before": {"{}"}, "members": {"{}"}}},
		"/console/applications/web/try":       {apikey.ClientsWrite, apikey.ClientsWrite, url.Values{}},
		"/console/people":                     {read: apikey.UsersRead},
		"/console/people/new":                 {apikey.UsersWrite, apikey.UsersWrite, url.Values{"username": {"grace"}}},
		"/console/people/invite":              {apikey.UsersWrite, apikey.UsersWrite, url.Values{"email": {"grace@example.com"}}},
		"/console/people/{ada}":               {apikey.UsersRead, apikey.UsersWrite, url.Values{"change": {"group"}, "group": {"none"}}},
		"/console/groups":                     {read: apikey.UsersRead},
		"/console/groups/crew":                {apikey.UsersRead, apikey.UsersWrite, url.Values{"change": {"member"}, "member": {"nobody"}}},
		"/console/attributes":                 {read: apikey.UsersRead},
		"/console/attributes/new":             {apikey.UsersWrite, apikey.UsersWrite, url.Values{"name": {"floor"}, "type": {"number"}}},
		"/console/attributes/team":            {apikey.UsersRead, apikey.UsersWrite, url.Values{"change": {"definition"}}},
		"/console/people/invitations":         {apikey.UsersRead, apikey.UsersWrite, url.Values{"again": {"nobody@example.com"}}},
		"/console/people/invitations/bulk":    {apikey.UsersWrite, apikey.UsersWrite, url.Values{"list": {"nobody@example.com"}}},
		"/console/people/invitations/report":  {apikey.UsersRead, apikey.UsersWrite, url.Values{"report": {"line"}}},
		"/console/scopes":                     {apikey.ScopesRead, apikey.ScopesWrite, url.Values{"delete": {"none"}, "confirm": {"yes"}}},
		"/console/scopes/new":                 {apikey.ScopesWrite, apikey.ScopesWrite, url.Values{"name": {"print"}, "claims": {"printer"}}},
		"/console/scopes/profile":             {apikey.ScopesWrite, apikey.ScopesWrite, url.Values{"title": {"Profile"}}},
		"/console/resources":                  {read: apikey.ScopesRead},
		"/console/resources/new":              {apikey.ScopesWrite, apikey.ScopesWrite, url.Values{"identifier": {"https://print.example"}, "name": {"Print"}}},
		"/console/resources/urn:example:team": {apikey.ScopesRead, apikey.ScopesWrite, url.Values{"change": {"definition"}, "name": {"Team"}}},
		"/console/settings":                   {read: apikey.KeysRead},
		"/console/groups/new":                 {apikey.UsersWrite, apikey.UsersWrite, url.Values{"name": {"staff"}}},
		"/console/applications/web/look":      {apikey.ClientsRead, apikey.ClientsWrite, url.Values{"before": {"{}"}}},
		"/console/applications/web/lifespans": {apikey.ClientsRead, apikey.ClientsWrite, url.Values{"before": {"{}"}}},
		"/console/applications/web/advanced":  {apikey.ClientsRead, apikey.ClientsWrite, url.Values{"before": {"{}"}}},
	}
	s := startConsole(t, storetest.New(t))
	parameter := regexp.MustCompile(`\{\w+\}`)
	err := chi.Walk(s.App.Public().(chi.Routes), func(_, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		known := slices.Contains([]string{"/console/", "/console/callback", "/console/try/callback", "/console/language", "/console/static/*"}, route) || !strings.HasPrefix(route, "/console")
		if pattern := regexp.MustCompile("^" + parameter.ReplaceAllString(route, "[^/]+") + "$"); !known && !slices.ContainsFunc(slices.Collect(maps.Keys(pages)), pattern.MatchString) {
			t.Errorf("no role is tested at %s", route)
		}
		return nil
	})
	servertest.Must(t, err)
	for _, role := range append(account.AdminRoles(), account.NoAdminRole) {
		t.Run("role "+string(role), func(t *testing.T) {
			t.Parallel()
			storetest.EachURL(t, func(t *testing.T, address string) {
				t.Helper()
				s, b := openConsole(t, storetest.Open(t, address), account.Owner)
				addGroupAndAttribute(t, s)
				setAdminRole(s, role)
				at := func(path string) string {
					return strings.Replace(path, "{ada}", accountOf(s, "ada").Subject, 1)
				}
				may := func(scope string) bool {
					return role != account.NoAdminRole && (scope == "" || slices.Contains(apikey.RoleScopes(role), scope))
				}
				for path, needs := range pages {
					want := http.StatusOK
					if !may(needs.read) {
						want = http.StatusForbidden
					}
					if p := b.Get(at(path)); p.Status != want {
						t.Errorf("GET %s: %d, want %d", path, p.Status, want)
					}
				}
				before := storetest.Rows(t, address)
				for path, needs := range pages {
					if needs.write != "" && !may(needs.write) {
						wantDenied(t, s, path, b.Post(at(path), needs.form), role, needs.write)
					} else if needs.write == "" && path != "/console/people/{ada}" {
						if p := b.Post(at(path), url.Values{}); p.Status != http.StatusMethodNotAllowed {
							t.Errorf("POST %s, which has no form: %d", path, p.Status)
						}
					}
				}
				for table, rows := range storetest.Rows(t, address) {
					if rows != before[table] && !slices.Contains([]string{"replicas", "audit_events", "refusals"}, table) {
						t.Errorf("denied forms change %s from\n%s\nto\n%s", table, before[table], rows)
					}
				}
				for path, needs := range pages {
					if needs.write != "" && may(needs.write) {
						if p := b.Post(at(path), needs.form); p.Status == http.StatusForbidden || p.Status == http.StatusMethodNotAllowed || p.Status >= http.StatusInternalServerError {
							t.Errorf("POST %s: %d", path, p.Status)
						}
					}
				}
			})
		})
	}
}

// addGroupAndAttribute adds the group crew, the attribute team and the resource urn:example:team.
func addGroupAndAttribute(t *testing.T, s *servertest.Server) {
	t.Helper()
	ctx, now := t.Context(), s.Time()
	servertest.DeclareResource(s, `{"identifier":"urn:example:team","name":"Team"}`)
	servertest.Must(t, s.Store.Groups.InsertGroup(ctx, &account.Group{Name: "crew", CreatedAt: now, UpdatedAt: now}))
	servertest.Must(t, s.Store.Attributes.InsertAttribute(ctx, &account.Attribute{
		Name: "team", AttributeDefinition: account.AttributeDefinition{Type: account.StringAttribute}, CreatedAt: now, UpdatedAt: now,
	}))
}

// wantDenied checks the response to a form that a role may not send: it names the roles that may, and
// is an event of the audit log.
func wantDenied(t *testing.T, s *servertest.Server, path string, p servertest.Response, role account.AdminRole, scope string) {
	t.Helper()
	if p.Status != http.StatusForbidden {
		t.Errorf("POST %s: %d, want it denied", path, p.Status)
		return
	}
	if role == account.NoAdminRole {
		return
	}
	names := map[account.AdminRole]string{account.Owner: "Owner", account.Administrator: "Administrator", account.Support: "Support", account.Auditor: "Auditor"}
	needed := apikey.RolesWith([]string{scope})
	texts := make([]string, len(needed))
	for i, one := range needed {
		texts[i] = names[one]
	}
	if text := "one of these roles: " + strings.Join(texts, ", ") + "."; !strings.Contains(p.Body, text) {
		t.Errorf("POST %s: the page lacks %q\n%s", path, text, p.Body)
	}
	events, err := s.Store.Audit.ListEvents(t.Context(), audit.Filter{Actor: accountOf(s, "ada").Subject}, "", 100)
	i := slices.IndexFunc(events, func(e *audit.Event) bool { return e.RequestID == p.Header.Get("X-Request-Id") })
	if err != nil || i < 0 || events[i].Outcome != audit.Refused || events[i].Status != http.StatusForbidden || events[i].Actor.Kind != audit.Administrator {
		t.Errorf("POST %s: the events are %+v, %v", path, events, err)
	}
}

// An administrator who has only a password gets the offer to add a factor, and the reason after a
// cancellation.
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
		to := signInPage(p)
		if to.Path != "/oauth2/auth" || to.Query().Get("max_age") != "300" || p.Status != http.StatusOK {
			t.Fatalf("6 minutes after the sign-in: %d to %s, want a page that leads to a new one", p.Status, to)
		}
		p = b.Get(to.String())
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

// The client of the console is built in: no client can be registered, read or deleted under its ID.
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

// An administrator connects an application, changes it, and rotates its secret; a concurrent change
// of the same members is a conflict.
func TestConsoleApplications(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		setAdminRole(s, account.Administrator)
		b, other := s.NewBrowser(), s.NewBrowser()
		secret := addApp(s)
		signInToConsole(b, "/console", secret)
		s.Advance(time.Minute)
		signInToConsole(other, "/console", secret)

		form := url.Values{"kind": {"web"}, "name": {"Wiki"}}
		if p := b.Post("/console/applications/new", form); p.Status != http.StatusBadRequest || !hasElement(p, "faults") {
			t.Errorf("without a redirect URI: %d", p.Status)
		}
		form.Set("redirect_uri", "http://wiki.example/callback")
		if p := b.Post("/console/applications/new", form); p.Status != http.StatusBadRequest || !strings.Contains(p.Body, "http://wiki.example/callback") {
			t.Errorf("with a redirect URI that is not allowed: %d\n%s", p.Status, p.Body)
		}
		form.Set("redirect_uri", "https://wiki.example/callback")
		p := b.Post("/console/applications/new", form)
		valueOf := func(id string) string {
			return p.Attribute("value", func(a map[string]string) bool { return a["id"] == id })
		}
		id, clientSecret := valueOf("client-id"), valueOf("client-secret")
		if p.Status != http.StatusOK || id == "" || clientSecret == "" || p.Header.Get("Cache-Control") != "no-store" {
			t.Fatalf("connected: %d, client %q\n%s", p.Status, id, p.Body)
		}
		if p = b.Get("/console/applications/" + id); hasElement(p, "client-secret") || !hasElement(p, "client-id") {
			t.Errorf("the page shows the secret again\n%s", p.Body)
		}
		if p = b.Post("/console/applications/"+id, url.Values{"change": {"secret"}}); valueOf("client-secret") == "" || valueOf("client-secret") == clientSecret {
			t.Errorf("rotated: %d, the secret is %q", p.Status, valueOf("client-secret"))
		}

		change := url.Values{"change": {"redirect_uris"}, "before.redirect_uris": {"https://wiki.example/callback"}, "redirect_uris": {"https://wiki.example/a\r\nhttps://wiki.example/b"}}
		if p = other.Post("/console/applications/"+id, change); p.Status != http.StatusSeeOther {
			t.Errorf("change of redirect URIs: %d\n%s", p.Status, p.Body)
		}
		if p = b.Post("/console/applications/"+id, change); p.Status != http.StatusConflict {
			t.Errorf("change of what was changed meanwhile: %d", p.Status)
		}
		stored, err := s.Store.Clients.Client(t.Context(), id)
		if err != nil || !slices.Equal(stored.RedirectURIs, []string{"https://wiki.example/a", "https://wiki.example/b"}) {
			t.Errorf("the redirect URIs are %q, %v", stored.RedirectURIs, err)
		}

		p = b.Get("/console/applications/" + id + "/json")
		before := p.HiddenField("before")
		edited := strings.Replace(before, `"client_name": "Wiki"`, `"client_name": "Team wiki"`, 1)
		if p = b.Post("/console/applications/"+id+"/json", url.Values{"before": {before}, "members": {edited}}); p.Status != http.StatusSeeOther {
			t.Errorf("change of the JSON: %d\n%s", p.Status, p.Body)
		}
		if p = b.Post("/console/applications/"+id+"/json", url.Values{"before": {before}, "members": {edited + "x"}}); p.Status != http.StatusBadRequest {
			t.Errorf("a body that is not JSON: %d", p.Status)
		}
		if stored, err = s.Store.Clients.Client(t.Context(), id); err != nil || stored.ClientName != "Team wiki" || len(stored.RedirectURIs) != 2 {
			t.Errorf("the client is %+v, %v", stored, err)
		}

		if p = b.Post("/console/applications/"+id, url.Values{"change": {"delete"}}); !hasElement(p, "confirm") {
			t.Errorf("deletion without a question: %d", p.Status)
		}
		if p = b.Post("/console/applications/"+id, url.Values{"change": {"delete"}, "confirm": {"yes"}}); p.Status != http.StatusSeeOther {
			t.Errorf("deletion: %d", p.Status)
		}
		if p = b.Get("/console/applications/" + id); p.Status != http.StatusNotFound {
			t.Errorf("the deleted application: %d", p.Status)
		}
		for action, want := range map[string]int{"client.create": 2, "client.update": 3, "client.secret.add": 1, "client.delete": 1} {
			events, err := s.Store.Audit.ListEvents(t.Context(), audit.Filter{Action: action}, "", 10)
			if err != nil || len(events) != want || events[0].Actor.Kind != audit.Administrator {
				t.Errorf("%s: %d events, want %d: %+v, %v", action, len(events), want, events, err)
			}
		}
	})
}

// An administrator finds a user, changes groups and role, gives a one-time link, locks and deletes;
// support does not change an owner.
func TestConsoleUsers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		bob := "/console/people/" + accountOf(s, "bob").Subject
		if p := b.Get("/console/people?q=bo"); !strings.Contains(p.Body, s.URL+bob) || strings.Contains(p.Body, accountOf(s, "ada").Subject) {
			t.Errorf("search: %d\n%s", p.Status, p.Body)
		}
		if p := b.Post("/console/groups/new", url.Values{"name": {"staff"}, "description": {"All of us"}}); p.Status != http.StatusSeeOther {
			t.Errorf("new group: %d", p.Status)
		}
		if p := b.Post("/console/groups/new", url.Values{"name": {"staff"}}); p.Status != http.StatusBadRequest {
			t.Errorf("a group that exists: %d", p.Status)
		}
		for _, form := range []url.Values{
			{"change": {"group"}, "group": {"staff"}},
			{"change": {"role"}, "role": {"auditor"}},
			{"change": {"end-sessions"}},
			{"change": {"lock"}, "confirm": {"yes"}},
			{"change": {"unlock"}},
			{"change": {"disable"}, "confirm": {"yes"}},
			{"change": {"enable"}},
		} {
			if p := b.Post(bob, form); p.Status != http.StatusSeeOther || p.Location().String() != s.URL+bob {
				t.Errorf("%v: %d to %s\n%s", form, p.Status, p.Location(), p.Body)
			}
		}
		if a := accountOf(s, "bob"); a.AdminRole != account.Auditor || !slices.Equal(a.Groups, []string{"staff"}) || !a.DisabledAt.IsZero() || !a.LockedAt.IsZero() {
			t.Errorf("bob is %+v", a)
		}
		if p := b.Get("/console/people?group=staff"); !strings.Contains(p.Body, s.URL+bob) {
			t.Errorf("members of the group: %d", p.Status)
		}
		p := b.Post(bob, url.Values{"change": {"recover"}})
		if link := p.Attribute("value", func(a map[string]string) bool { return a["id"] == "link" }); !strings.HasPrefix(link, s.URL+"/recover?token=") {
			t.Errorf("the one-time link is %q", link)
		}
		p = b.Post("/console/people/new", url.Values{"username": {"grace"}, "name": {"Grace Hopper"}, "email": {"grace@example.com"}, "groups": {"staff"}})
		if link := p.Attribute("value", func(a map[string]string) bool { return a["id"] == "link" }); !strings.HasPrefix(link, s.URL+"/recover?token=") {
			t.Errorf("a new account: %d, the link is %q\n%s", p.Status, link, p.Body)
		}
		if a := accountOf(s, "grace"); a.Claims["name"] != "Grace Hopper" || !slices.Equal(a.Groups, []string{"staff"}) || len(a.Addresses) != 1 {
			t.Errorf("grace is %+v", a)
		}
		if p = b.Post("/console/people/new", url.Values{"username": {"grace"}}); p.Status != http.StatusBadRequest || !hasElement(p, "faults") {
			t.Errorf("a name that is taken: %d", p.Status)
		}
		// The role that would take the last owner is refused, on the page.
		ada := "/console/people/" + accountOf(s, "ada").Subject
		if p := b.Post(ada, url.Values{"change": {"role"}, "role": {""}}); p.Status != http.StatusConflict || !hasElement(p, "faults") {
			t.Errorf("the last owner: %d", p.Status)
		}
		for _, form := range []url.Values{{"remove_group": {"staff"}}, {"change": {"delete"}, "confirm": {"yes"}}} {
			if p := b.Post(bob, form); p.Status != http.StatusSeeOther {
				t.Errorf("%v: %d", form, p.Status)
			}
		}
		if p := b.Get(bob); p.Status != http.StatusNotFound {
			t.Errorf("the deleted account: %d", p.Status)
		}
	})
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Support)
		owner := "/console/people/" + accountOf(s, "bob").Subject
		for _, form := range []url.Values{
			{"change": {"role"}, "role": {""}}, {"change": {"recover"}}, {"change": {"lock"}, "confirm": {"yes"}}, {"change": {"delete"}, "confirm": {"yes"}}, {"change": {"disable"}, "confirm": {"yes"}},
		} {
			if p := b.Post(owner, form); p.Status != http.StatusForbidden {
				t.Errorf("support changes an owner, %v: %d", form, p.Status)
			}
		}
	})
}

// A scope is created, changed and deleted; a rejected redirect URI is allowed after a question; and the
// settings show no secret.
func TestConsoleScopesAndSettings(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		if p := b.Post("/console/scopes/new", url.Values{"name": {"two words"}}); p.Status != http.StatusBadRequest || !hasElement(p, "faults") {
			t.Errorf("a name that no scope can have: %d", p.Status)
		}
		for path, form := range map[string]url.Values{
			"/console/scopes/new": {"name": {"print"}, "title": {"Print"}, "claims": {"printer\r\nfloor access_token"}},
		} {
			if p := b.Post(path, form); p.Status != http.StatusSeeOther {
				t.Errorf("%s: %d\n%s", path, p.Status, p.Body)
			}
		}
		if p := b.Get("/console/scopes/print"); !strings.Contains(p.Body, "floor access_token\nprinter id_token userinfo") {
			t.Errorf("the scope: %d\n%s", p.Status, p.Body)
		}
		if p := b.Post("/console/scopes/print", url.Values{"title": {"Print pages"}, "claims": {"printer"}}); p.Status != http.StatusSeeOther {
			t.Errorf("change of the scope: %d", p.Status)
		}
		list, err := s.Store.Scopes.ListScopes(t.Context())
		i := slices.IndexFunc(list, func(one *scope.Scope) bool { return one.Name == "print" })
		if err != nil || i < 0 || list[i].Title != "Print pages" || len(list[i].Claims) != 1 {
			t.Errorf("the scopes are %+v, %v", list, err)
		}
		if p := b.Post("/console/scopes", url.Values{"delete": {"print"}, "confirm": {"yes"}}); p.Status != http.StatusSeeOther {
			t.Errorf("deletion of the scope: %d", p.Status)
		}

		p := s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest("redirect_uri", "https://client.example/third").Encode())
		id := p.Header.Get("X-Request-Id")
		if p = b.Get("/console/explain?request_id=" + id); !hasElement(p, "explanation") || p.HiddenField("uri") != "https://client.example/third" {
			t.Fatalf("explained: %d\n%s", p.Status, p.Body)
		}
		action, allow := strings.TrimPrefix(p.Attribute("action", func(a map[string]string) bool { return a["method"] == "post" }), s.URL), url.Values{"change": {"allow"}, "uri": {p.HiddenField("uri")}}
		if p = b.Post(action, allow); !hasElement(p, "confirm") {
			t.Errorf("allowed without a question: %d", p.Status)
		}
		allow.Set("confirm", "yes")
		if p = b.Post(action, allow); p.Status != http.StatusSeeOther {
			t.Errorf("allowed: %d\n%s", p.Status, p.Body)
		}
		stored, err := s.Store.Clients.Client(t.Context(), "web")
		if err != nil || !slices.Contains(stored.RedirectURIs, "https://client.example/third") || len(stored.RedirectURIs) < 3 {
			t.Errorf("the redirect URIs are %q, %v", stored.RedirectURIs, err)
		}

		if p = b.Get("/console/settings"); !strings.Contains(p.Body, "system_secrets") || strings.Contains(p.Body, servertest.SystemSecret) ||
			!strings.Contains(p.Body, fmt.Sprintf("set, %d characters", len(servertest.SystemSecret))) {
			t.Errorf("the settings: %d\n%s", p.Status, p.Body)
		}
		if p = b.Get("/console/settings?q=Mail+Server"); strings.Contains(p.Body, "system_secrets") || strings.Count(p.Body, `class="setting"`) == 0 {
			t.Errorf("the settings whose description names a mail server: %d\n%s", p.Status, p.Body)
		}
	})
}

// A preset makes the client of a well-known application from its address or its redirect URI, and
// fills in its settings.
func TestConsolePresets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		for _, address := range []string{"https://grafana.example.org/", "https://grafana.example.org/login/generic_oauth"} {
			p := b.Post("/console/applications/new", url.Values{"preset": {"grafana"}, "redirect_uri": {address}})
			valueOf := func(id string) string {
				return p.Attribute("value", func(a map[string]string) bool { return a["id"] == id })
			}
			id, secret := valueOf("client-id"), valueOf("client-secret")
			for _, want := range []string{"GF_AUTH_GENERIC_OAUTH_CLIENT_ID=" + id, "GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET=" + secret, s.URL + "/oauth2/token"} {
				if id == "" || secret == "" || !strings.Contains(p.Body, want) {
					t.Fatalf("%s: %d, the page lacks %q\n%s", address, p.Status, want, p.Body)
				}
			}
			stored, err := s.Store.Clients.Client(t.Context(), id)
			if err != nil || !slices.Equal(stored.RedirectURIs, []string{"https://grafana.example.org/login/generic_oauth"}) || !stored.RequirePKCE {
				t.Errorf("the client is %+v, %v", stored, err)
			}
		}
		for _, address := range []string{"", "grafana.example.org", "http://grafana.example.org", "https://grafana.example.org/?x=1"} {
			if p := b.Post("/console/applications/new", url.Values{"preset": {"grafana"}, "redirect_uri": {address}}); p.Status != http.StatusBadRequest || !hasElement(p, "faults") {
				t.Errorf("%q: %d", address, p.Status)
			}
		}
		before, err := s.Store.Clients.CountClients(t.Context(), client.Filter{})
		servertest.Must(t, err)
		if p := b.Post("/console/applications/new", url.Values{"preset": {"argocd"}, "redirect_uri": {"https://argocd.example.org"}}); p.Status != http.StatusOK {
			t.Errorf("Argo CD: %d\n%s", p.Status, p.Body)
		}
		if after, err := s.Store.Clients.CountClients(t.Context(), client.Filter{}); err != nil || after != before+2 {
			t.Errorf("Argo CD made %d clients, %v, want 2", after-before, err)
		}
	})
}
