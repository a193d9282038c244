package server_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// consoleRoutes returns the paths of the pages of the console, with values for their variables.
func consoleRoutes(s *servertest.Server) []string {
	s.TB.Helper()
	var paths []string
	err := chi.Walk(s.App.Public().(chi.Routes), func(_, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		path := strings.NewReplacer("{subject}", accountOf(s, "ada").Subject, "{name}", "profile", "{id}", "web").Replace(route)
		if strings.HasPrefix(route, "/console") && !slices.Contains([]string{"/console/", "/console/callback", "/console/try/callback", "/console/language", "/console/static/*"}, route) && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil || len(paths) < 15 {
		s.TB.Fatalf("routes: %q, %v", paths, err)
	}
	return paths
}

// unsigned are cookies and headers that sign nobody in to the console.
func unsigned(s *servertest.Server) map[string]http.Header {
	key, text := apikey.New("all", apikey.Scopes(), s.Time(), time.Time{})
	if err := s.Store.APIKeys.InsertAPIKey(s.TB.Context(), key); err != nil {
		s.TB.Fatal(err)
	}
	return map[string]http.Header{
		"nothing":               {},
		"an API key":            {"Authorization": {"Bearer " + text}},
		"an API key as cookie":  {"Cookie": {"ostiary_console=" + text}},
		"a cookie of its own":   {"Cookie": {"ostiary_console=eyJzdWIiOiJhIn0"}},
		"a cookie for https":    {"Cookie": {"__Host-ostiary_console=x"}},
		"a user of the issuer":  {"Cookie": {"ostiary_session=" + text}},
		"headers of some proxy": {"X-Forwarded-User": {"ada"}, "Remote-User": {"ada"}},
	}
}

// Without a sign-in no page of the console is shown, no form is accepted, and nothing changes.
func TestConsoleWithoutSignIn(t *testing.T) {
	t.Parallel()
	storetest.EachURL(t, func(t *testing.T, address string) {
		t.Helper()
		s := startConsole(t, storetest.Open(t, address))
		paths, callers := consoleRoutes(s), unsigned(s)
		before := storetest.Rows(t, address)
		for name, header := range callers {
			for _, path := range paths {
				for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions} {
					r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader("confirm=yes"))
					servertest.Must(t, err)
					maps.Copy(r.Header, header)
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					r.Header.Set("Origin", s.Config.Origin())
					p := servertest.Send(t, s.NewBrowser().Client, r)
					leads := signInPage(p).Path == "/oauth2/auth"
					switch method {
					case http.MethodGet:
						if p.Status != http.StatusSeeOther || !leads {
							t.Errorf("%s %s with %s: %d to %s", method, path, name, p.Status, p.Location())
						}
					case http.MethodPost:
						if !leads && p.Status != http.StatusMethodNotAllowed {
							t.Errorf("%s %s with %s: %d to %s", method, path, name, p.Status, p.Location())
						}
					default:
						if p.Status < 300 || p.Status >= 500 {
							t.Errorf("%s %s with %s: %d", method, path, name, p.Status)
						}
					}
				}
			}
		}
		for table, rows := range storetest.Rows(t, address) {
			if rows != before[table] && !slices.Contains([]string{"replicas", "refusals"}, table) {
				t.Errorf("%s changes from\n%s\nto\n%s", table, before[table], rows)
			}
		}
	})
}

func record(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// The API accepts no cookie of the console, and its forms are accepted from its own pages alone.
func TestConsoleCookieIsNoCredentialOfTheAPI(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		api := s.App.Admin()
		for _, o := range s.App.AdminAPI.Operations() {
			if o.Do == nil || o.Scope == "" {
				continue
			}
			r, err := http.NewRequestWithContext(t.Context(), o.Method, strings.NewReplacer("{", "", "}", "").Replace(o.Path), strings.NewReader("{}"))
			servertest.Must(t, err)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Cookie", "ostiary_console="+b.Cookie("ostiary_console"))
			if p := record(api, r); p.Code != http.StatusUnauthorized {
				t.Errorf("%s with the cookie: %d %s", o.ID, p.Code, p.Body)
			}
			r.Header.Set("Authorization", "Bearer "+b.Cookie("ostiary_console"))
			if p := record(api, r); p.Code != http.StatusUnauthorized {
				t.Errorf("%s with the cookie as a token: %d %s", o.ID, p.Code, p.Body)
			}
		}
		for _, path := range consoleRoutes(s) {
			for name, header := range map[string]http.Header{
				"of another site":     {"Origin": {"https://evil.example"}, "Sec-Fetch-Site": {"cross-site"}},
				"of a sibling":        {"Origin": {"http://evil.localhost"}, "Sec-Fetch-Site": {"same-site"}},
				"of another port":     {"Origin": {"http://localhost:1"}},
				"without an origin":   {"Origin": {"null"}, "Sec-Fetch-Site": {"cross-site"}},
				"with a foreign site": {"Sec-Fetch-Site": {"cross-site"}},
			} {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader("confirm=yes"))
				servertest.Must(t, err)
				r.Header = header
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				p := servertest.Send(t, b.Client, r)
				if p.Status != http.StatusForbidden && p.Status != http.StatusMethodNotAllowed {
					t.Errorf("a form %s at %s: %d", name, path, p.Status)
				}
			}
		}
	})
}

// A form that touches keys, roles, secrets, factors, links or accounts needs an authentication within
// five minutes. The others are listed here.
func TestConsoleSensitiveForms(t *testing.T) {
	t.Parallel()
	s, b := openConsole(t, storetest.New(t), account.Owner)
	s.Advance(6 * time.Minute)
	harmless := []string{"/console/applications/web/try", "/console/attributes/new", "/console/attributes/profile", "/console/groups/new", "/console/groups/profile", "/console/mail", "/console/people/invitations/report", "/console/resources/new", "/console/resources/{identifier}", "/console/scopes", "/console/scopes/new", "/console/scopes/profile", "/console/sessions"}
	for _, path := range consoleRoutes(s) {
		p := b.Post(path, url.Values{"confirm": {"yes"}})
		to := signInPage(p)
		if p.Status == http.StatusMethodNotAllowed {
			continue
		}
		if again := to.Path == "/oauth2/auth" && to.Query().Get("max_age") == "300"; again == slices.Contains(harmless, path) {
			t.Errorf("POST %s six minutes after the sign-in: %d to %s", path, p.Status, to)
		}
	}
}

// A page with a secret or a link is the response to its form, which no cache keeps, and no other page
// shows it again.
func TestConsoleShowsSecretsOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db, "sign_up", "invited")
		setAdminRole(s, account.Owner)
		b := s.NewBrowser()
		signInToConsole(b, "/console", addApp(s))
		bob := "/console/people/" + accountOf(s, "bob").Subject
		for path, form := range map[string]url.Values{
			"/console/applications/new": {"kind": {"web"}, "name": {"Wiki"}, "redirect_uri": {"https://wiki.example/callback"}},
			"/console/applications/web": {"change": {"secret"}},
			bob:                         {"change": {"recover"}},
			"/console/people/new":       {"username": {"grace"}},
			"/console/people/invite":    {"email": {"grace@example.com"}},
		} {
			p := b.Post(path, form)
			shown := p.Attribute("value", func(a map[string]string) bool { return a["id"] == "client-secret" || a["id"] == "link" })
			if shown == "" || p.Header.Get("Cache-Control") != "no-store" || p.Header.Get("Referrer-Policy") != "same-origin" {
				t.Errorf("POST %s: %d shows %q, %v\n%s", path, p.Status, shown, p.Header, p.Body)
				continue
			}
			for _, again := range append(consoleRoutes(s), bob, "/console/audit?actor="+accountOf(s, "ada").Subject) {
				if p := b.Get(again); strings.Contains(p.Body, shown) || p.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("GET %s after POST %s shows the secret, or may be cached", again, path)
				}
			}
		}
	})
}

// After another sign-in the page of an application has the input of its user. A link cannot fill it in,
// since an administrator would not see one of many fields change.
func TestConsoleFormIsFilledInByItsUser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		setAdminRole(s, account.Owner)
		secret, b := addApp(s), s.NewBrowser()
		signInToConsole(b, "/console", secret)
		name := func(p servertest.Response) string {
			return p.Attribute("value", func(a map[string]string) bool { return a["name"] == "client_name" })
		}
		kept := name(b.Get("/console/applications/web/look"))
		if p := b.Get("/console/applications/web/look?client_name=Evil&returned=x"); p.Status != http.StatusOK || name(p) != kept {
			t.Errorf("a link fills in %q, before it was %q", name(p), kept)
		}
		s.Advance(6 * time.Minute)
		p := b.Follow(answerSignIn(b, b.Post("/console/applications/web/look", url.Values{"client_name": {"Wiki & more"}}), secret))
		next := p.Attribute("href", func(a map[string]string) bool { return a["id"] == "continue" })
		if p = b.Get(next); name(p) != "Wiki & more" {
			t.Errorf("after the sign-in %q is filled in, at %s", name(p), next)
		}
		if p = b.Get(strings.Replace(next, "Wiki", "Evil", 1)); name(p) != kept {
			t.Errorf("changed: %q is filled in", name(p))
		}
		if p = b.Get(strings.Replace(next, "/look?", "/advanced?", 1)); name(p) != kept {
			t.Errorf("at another page: %q is filled in", name(p))
		}
	})
}

// A report of invitations has their links, which do not get into an address after another sign-in.
func TestConsoleReportStaysOutOfAddresses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		setAdminRole(s, account.Owner)
		secret, b := addApp(s), s.NewBrowser()
		signInToConsole(b, "/console", secret)
		s.Advance(16 * time.Minute)
		p := b.Follow(answerSignIn(b, b.Post("/console/people/invitations/report", url.Values{"report": {"1,grace@example.com,,,one-time"}}), secret))
		next := p.Attribute("href", func(a map[string]string) bool { return a["id"] == "continue" })
		if !strings.HasPrefix(next, s.URL+"/console/people/invitations/report") || strings.Contains(next, "one-time") {
			t.Errorf("after the sign-in: %d, the page leads to %q", p.Status, next)
		}
		if p = b.Get(next); p.Status != http.StatusOK {
			t.Errorf("the page: %d", p.Status)
		}
	})
}

// Of two administrators who fill in a member that an application lacks, the second sees a conflict.
func TestConsoleConflictsOfAbsentMembers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		page := b.Get("/console/applications/web/json")
		before := page.HiddenField("before")
		if before == "" || strings.Contains(before, "allowed_groups") {
			t.Fatalf("the client is %s", before)
		}
		if p := b.Post("/console/applications/web", url.Values{"change": {"allowed_groups"}, "before": {""}, "allowed_groups": {"staff"}}); p.Status != http.StatusSeeOther {
			t.Errorf("the first change: %d\n%s", p.Status, p.Body)
		}
		if p := b.Post("/console/applications/web", url.Values{"change": {"allowed_groups"}, "before": {""}, "allowed_groups": {"guests"}}); p.Status != http.StatusConflict {
			t.Errorf("the second change: %d", p.Status)
		}
		edited := strings.Replace(before, "{", `{"allowed_groups": ["guests"],`, 1)
		if p := b.Post("/console/applications/web/json", url.Values{"before": {before}, "members": {edited}}); p.Status != http.StatusConflict || !hasElement(p, "keep") {
			t.Errorf("the second change as JSON: %d", p.Status)
		}
		stored, err := s.Store.Clients.Client(t.Context(), "web")
		if err != nil || !slices.Equal(stored.AllowedGroups, []string{"staff"}) {
			t.Errorf("the groups are %q, %v", stored.AllowedGroups, err)
		}
	})
}

// Support looks at people, which the audit log records; other roles do so without.
func TestConsoleRecordsReadsBySupport(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Support)
		bob := accountOf(s, "bob").Subject
		b.Get("/console")
		b.Get("/console/groups")
		b.Get("/console/people?q=" + url.QueryEscape("bo b"))
		b.Get("/console/people/" + bob)
		b.Get("/console/people/unknown")
		b.Get("/console/sessions")
		b.Get("/console/mail")
		read := func() (targets []string) {
			t.Helper()
			for _, action := range []string{"user.list", "user.read"} {
				events, err := s.Store.Audit.ListEvents(t.Context(), audit.Filter{Action: action}, "", 10)
				servertest.Must(t, err)
				for _, e := range events {
					targets = append(targets, action+" "+e.Target)
					if e.Actor.ID != accountOf(s, "ada").Subject || e.RequestID == "" || e.Outcome != audit.Done {
						t.Errorf("the event is %+v", e)
					}
				}
			}
			slices.Sort(targets)
			return targets
		}
		want := []string{"user.list ", "user.list q=bo b", "user.list state=failed", "user.list state=pending", "user.read " + bob, "user.read unknown"}
		slices.Sort(want)
		if got := read(); !slices.Equal(got, want) {
			t.Errorf("the events are %q, want %q", got, want)
		}
		s.Advance(time.Minute)
		setAdminRole(s, account.Administrator)
		b.Get("/console/people/" + bob)
		b.Get("/console/people?q=other")
		if got := read(); !slices.Equal(got, want) {
			t.Errorf("after reads by an administrator the events are %q", got)
		}
	})
}

// The table in the documentation says what the scopes of the roles allow.
func TestConsoleRolesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/console.md")
	servertest.Must(t, err)
	rows := regexp.MustCompile("(?m)^\\| (`/console[^|]*) \\| ([^|]*) \\|([^|]*)\\| (\\w+) \\| (\\w+) \\| (\\w+) \\| (\\w+) \\|$").FindAllStringSubmatch(string(page), -1)
	scope := regexp.MustCompile("`([a-z]+:[a-z]+)`")
	documented := map[string]bool{}
	for _, row := range rows {
		for _, found := range regexp.MustCompile("`(/console[^`]*)`").FindAllStringSubmatch(row[1], -1) {
			documented[found[1]] = true
		}
		read, write := scope.FindStringSubmatch(row[2]), scope.FindStringSubmatch(row[3])
		for i, role := range []account.AdminRole{account.Owner, account.Administrator, account.Support, account.Auditor} {
			held := apikey.RoleScopes(role)
			want := "yes"
			switch {
			case read != nil && !slices.Contains(held, read[1]):
				want = "no"
			case write != nil && !slices.Contains(held, write[1]):
				want = "reads"
			}
			if row[4+i] != want {
				t.Errorf("%s: %s has %q, the scopes say %q", row[1], role, row[4+i], want)
			}
		}
	}
	s := startConsole(t, storetest.New(t))
	for _, path := range consoleRoutes(s) {
		if parts := strings.Split(path, "/"); len(parts) < 4 && !documented[path] {
			t.Errorf("no row of the table is about %s", path)
		}
	}
}
