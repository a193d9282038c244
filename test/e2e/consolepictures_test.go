//go:build e2e

package e2e

import (
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/console/admin"
	"github.com/ostiary/ostiary/test/rig"
)

// consolePictures returns the names of the pictures of the console by the path of the page. In a path
// {id} is an application, {subject} a person and {request} a rejected request.
func consolePictures() map[string]string {
	return map[string]string{
		"":                             "overview",
		"/applications":                "applications",
		"/applications/new":            "connect",
		"/applications/{id}":           "application",
		"/applications/{id}/json":      "application-json",
		"/applications/{id}/look":      "application-look",
		"/applications/{id}/lifespans": "application-lifespans",
		"/applications/{id}/advanced":  "application-advanced",
		"/applications/{id}/try":       "try",
		"/people":                      "people",
		"/people/new":                  "person-new",
		"/people/invite":               "invite",
		"/people/{subject}":            "person",
		"/groups":                      "groups",
		"/groups/new":                  "group-new",
		"/groups/{name}":               "group",
		"/attributes":                  "attributes",
		"/attributes/new":              "attribute-new",
		"/attributes/{name}":           "attribute",
		"/people/invitations":          "invitations",
		"/people/invitations/bulk":     "invite-many",
		"/scopes":                      "scopes",
		"/scopes/new":                  "scope-new",
		"/scopes/{name}":               "scope",
		"/resources":                   "resources",
		"/resources/new":               "resource-new",
		"/resources/{identifier}":      "resource",
		"/audit":                       "audit",
		"/explain":                     "explain",
		"/sessions":                    "sessions",
		"/mail":                        "mail",
		"/keys":                        "keys",
		"/settings":                    "settings",
	}
}

// withoutPicture are the routes of the console that show no page of their own.
func withoutPicture() []string {
	return []string{"/callback", "/try/callback", "/people/invitations/report"}
}

// TestPicturesOfTheConsole shows each page of the console, with the data of a server in use, and tests
// it as a tour does. Each route has a picture.
func TestPicturesOfTheConsole(t *testing.T) {
	t.Parallel()
	var routes []string
	for _, route := range admin.New(admin.Config{}).Routes() {
		if route.Get != nil && !slices.Contains(withoutPicture(), route.Path) {
			routes = append(routes, route.Path)
		}
	}
	pictures := slices.Sorted(maps.Keys(consolePictures()))
	if slices.Sort(routes); !slices.Equal(routes, pictures) {
		t.Fatalf("the console has the pages\n%q\nand the pictures\n%q, want one of each page", routes, pictures)
	}

	s := startService(t, rig.SQLite, map[string]string{"CONSOLE": "public", "SHUTDOWN_DELAY": "0s"})
	v := s.newTour()
	fill := strings.NewReplacer(s.use(v)...)
	for _, path := range pictures {
		if status := v.open(s.issuer + "/console" + fill.Replace(path)); status != 200 {
			t.Errorf("%s: status %d, want 200: %s", path, status, v.read("body"))
			continue
		}
		name := "console-" + consolePictures()[path]
		v.checkInEachLanguage(name)
		v.keepForDocs(name)
	}
	v.open(s.issuer + "/console" + fill.Replace("/applications/{id}"))
	v.press("#try")
	v.arrive("#accept")
	v.press("#accept")
	v.arrive("#result")
	v.check("console-try-result")
	v.keepForDocs("console-try-result")
}

// keepForDocs saves the pictures of a page that the documentation has, in the folder
// OSTIARY_E2E_IMAGES, if there is one.
func (v *tour) keepForDocs(name string) {
	v.t.Helper()
	folder := os.Getenv("OSTIARY_E2E_IMAGES")
	if folder == "" {
		return
	}
	for _, view := range map[string][]view{
		"console-overview":   views[:2],
		"console-connect":    views[:1],
		"console-explain":    views[:1],
		"console-try-result": views[:1],
		"console-people":     views[2:3],
	}[name] {
		v.emulate(view)
		v.keep(filepath.Join(folder, name+"-"+view.picture+".png"), view)
	}
	v.restore()
}

// use signs an owner in to the console of a server that has been in use, and returns the values of
// placeholders in paths.
func (s *service) use(v *tour) []string {
	s.t.Helper()
	rig.ImportUsers(s.t, s.cluster,
		rig.User{Username: "grace", Password: s.password, Claims: map[string]any{
			"name": "Grace Hopper", "email": gracesAddress, "email_verified": true,
		}},
		rig.User{Username: "alan", Password: s.password, Claims: map[string]any{"name": "Alan Turing", "email": "alan@example.com"}})
	s.command("users", "update", s.username, "--admin-role=owner")
	s.command("groups", "create", "staff")
	s.command("groups", "create", "engineers")
	s.command("attributes", "create", "department", "--type", "string", "--title", "Department")
	s.command("scopes", "create", "print", "--claim", "printer=id_token,userinfo")
	s.command("resources", "create", "https://print.example", "--name", "Printers", "--scope", "print")
	grafana := decode(v.browser, s.command("clients", "create", "--preset", "grafana", "--url", "https://grafana.example.org", "--json"))
	s.command("clients", "create", "--name", "Wiki", "--redirect-uri", "https://wiki.example.org/callback", "--allowed-group", "staff")
	s.command("groups", "add", "staff", "grace")
	grace := decode(v.browser, s.command("users", "get", "grace", "--json"))

	other := newBrowser(s.t)
	demoFlow{s.demo, "grace", s.password}.signIn(other)
	other.open(s.authorizeURL(map[string][]string{"redirect_uri": {"https://wrong.example/callback"}}))
	request := other.read("#request-id")

	for began := time.Now(); s.cluster.Run(s.t.Context(), "explain", request).Code != 0 && time.Since(began) < timeout; {
		time.Sleep(100 * time.Millisecond) // the record is written within a second
	}
	s.cluster.Stop(0) // writes the numbers of the overview
	s.cluster.Restart(0)
	v.open(s.issuer + "/console")
	v.signIn(s.username, s.password)
	v.press("#enrol")
	v.write("#code", v.authenticatorApp().code())
	v.press("#confirm")
	v.arrive("#sign-out") // the page after the sign-in leads on
	return []string{
		"{id}", grafana["client_id"].(string), "{subject}", grace["subject"].(string), "/explain", "/explain?request_id=" + request,
		"/scopes/{name}", "/scopes/print", "/resources/{identifier}", "/resources/" + url.PathEscape("https://print.example"), "/groups/{name}", "/groups/staff", "/attributes/{name}", "/attributes/department",
	}
}
