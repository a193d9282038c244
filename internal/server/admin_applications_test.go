package server_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// valueOf returns the value of the element with the ID.
func valueOf(p servertest.Response, id string) string {
	return p.Attribute("value", func(a map[string]string) bool { return a["id"] == id })
}

func linkOf(p servertest.Response, id string) string {
	return p.Attribute("href", func(a map[string]string) bool { return a["id"] == id })
}

// formFields returns the fields of the form with the button save, as a browser sends them unchanged.
func formFields(t *testing.T, p servertest.Response) url.Values {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(p.Body))
	servertest.Must(t, err)
	fields := url.Values{}
	attr := func(n *html.Node, name string) string {
		for _, a := range n.Attr {
			if a.Key == name {
				return a.Val
			}
		}
		return ""
	}
	selected := ""
	for n := range doc.Descendants() {
		switch n.Data {
		case "input":
			fields.Set(attr(n, "name"), attr(n, "value"))
		case "textarea":
			text := ""
			if n.FirstChild != nil {
				text = n.FirstChild.Data
			}
			fields.Set(attr(n, "name"), strings.ReplaceAll(text, "\n", "\r\n"))
		case "select":
			selected = attr(n, "name")
			fields.Set(selected, "")
		case "option":
			for _, a := range n.Attr {
				if a.Key == "selected" {
					fields.Set(selected, attr(n, "value"))
				}
			}
		}
	}
	return fields
}

// An application waits for its first sign-in; a rejected redirect URI is shown with a button that allows it.
func TestConsoleWaitsForTheFirstSignIn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		p := b.Post("/console/applications/new", url.Values{"kind": {"web"}, "name": {"Wiki"}, "redirect_uri": {"https://wiki.example/cb"}})
		if p.Status != http.StatusOK || !hasElement(p, "client-secret") || !hasElement(p, "look-again") || hasElement(p, "refused") {
			t.Fatalf("connect: %d, want the secret and that it waits\n%s", p.Status, p.Body)
		}
		id, page := valueOf(p, "client-id"), linkOf(p, "look-again")
		b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", id, "redirect_uri", "https://wiki.example/callback").Encode())
		s.App.Refusals.Flush(t.Context(), time.Minute)
		if p = b.Get(page); !hasElement(p, "look-again") || !hasElement(p, "allow") || !strings.Contains(p.Body, "https://wiki.example/callback") || hasElement(p, "client-secret") {
			t.Fatalf("after a wrong redirect URI: %d, want the URI and a button\n%s", p.Status, p.Body)
		}
		p = b.Post("/console/applications/"+id, url.Values{"change": {"allow"}, "uri": {"https://wiki.example/callback"}, "confirm": {"yes"}})
		if p = b.Follow(p); hasElement(p, "allow") {
			t.Errorf("after it is allowed, the page still asks\n%s", p.Body)
		}
		s.App.Usage.Client(id)
		s.App.Usage.Flush(t.Context())
		if p = b.Get(page); hasElement(p, "look-again") || !hasElement(p, "used") {
			t.Errorf("after the first sign-in: want no waiting\n%s", p.Body)
		}
	})
}

// An API is connected by its address, for which it may introspect tokens.
func TestConsoleConnectsAnAPI(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		if p := b.Post("/console/applications/new", url.Values{"kind": {"api"}, "name": {"Prices"}}); p.Status != http.StatusBadRequest {
			t.Errorf("without an address: %d, want 400", p.Status)
		}
		p := b.Post("/console/applications/new", url.Values{"kind": {"api"}, "name": {"Prices"}, "redirect_uri": {"https://prices.example"}})
		c, err := s.Store.Clients.Client(t.Context(), valueOf(p, "client-id"))
		if err != nil || len(c.ServedResources) != 1 || c.ServedResources[0] != "https://prices.example" || !strings.Contains(p.Body, "OAUTH_INTROSPECTION_URL") {
			t.Errorf("the API is %+v, %v", c, err)
		}
	})
}

// Secrets are added and removed on the page of an application, one of at least two after a question.
func TestConsoleSecrets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		const page = "/console/applications/web"
		if p := b.Get(page); !hasElement(p, "secrets") || strings.Contains(p.Body, `name="remove-secret"`) {
			t.Errorf("with one secret, the page removes it\n%s", p.Body)
		}
		if p := b.Post(page, url.Values{"change": {"secret"}}); !hasElement(p, "client-secret") || strings.Count(p.Body, `name="remove-secret"`) != 2 {
			t.Errorf("after another one is added: %d, want it and two to remove\n%s", p.Status, p.Body)
		}
		c, err := s.Store.Clients.Client(t.Context(), "web")
		servertest.Must(t, err)
		old := c.SecretInfos(s.Time())[1].ID
		if p := b.Post(page, url.Values{"remove-secret": {old}}); !hasElement(p, "confirm") || !strings.Contains(p.Body, old) {
			t.Errorf("remove: %d, want a question that names the secret\n%s", p.Status, p.Body)
		}
		b.Post(page, url.Values{"remove-secret": {old}, "confirm": {"yes"}})
		c, err = s.Store.Clients.Client(t.Context(), "web")
		if err != nil || len(c.SecretInfos(s.Time())) != 1 || c.SecretInfos(s.Time())[0].ID == old {
			t.Errorf("after the removal: %+v, %v", c.SecretInfos(s.Time()), err)
		}
		if p := b.Post(page, url.Values{"remove-secret": {c.Secret.ID()}, "confirm": {"yes"}}); p.Status != http.StatusConflict {
			t.Errorf("the only secret: %d, want 409", p.Status)
		}
	})
}

// The pages of members change what was changed in the form and nothing else; an error stays in the form, and
// the second of two administrators sees a conflict.
func TestConsoleMembers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		form := func(path string) url.Values {
			t.Helper()
			p := b.Get("/console/applications/web/" + path)
			if p.Status != http.StatusOK {
				t.Fatalf("%s: %d", path, p.Status)
			}
			return formFields(t, p)
		}
		post := func(path string, fields url.Values) servertest.Response {
			return b.Post("/console/applications/web/"+path, fields)
		}
		before, err := s.Store.Clients.Client(t.Context(), "web")
		servertest.Must(t, err)
		look, stale := form("look"), form("look")
		if p := post("look", form("look")); p.Status != http.StatusSeeOther {
			t.Errorf("nothing changed: %d", p.Status)
		}
		look.Set("theme.accent_color", "#0b57d0")
		look.Set("theme.footer_links", "Terms = https://shop.example/terms")
		if p := post("look", look); p.Status != http.StatusSeeOther {
			t.Errorf("the look: %d\n%s", p.Status, p.Body)
		}
		stale.Set("theme.accent_color", "#7a0b57")
		if p := post("look", stale); p.Status != http.StatusConflict || !strings.Contains(p.Body, "#0b57d0") || !strings.Contains(p.Body, "#7a0b57") || !hasElement(p, "keep") {
			t.Errorf("after another administrator: %d, want a conflict with both values", p.Status)
		}
		lifespans := form("lifespans")
		lifespans.Set("authorization_code_grant_access_token_lifespan", "30m")
		if p := post("lifespans", lifespans); p.Status != http.StatusSeeOther {
			t.Errorf("the lifetimes: %d\n%s", p.Status, p.Body)
		}
		lifespans = form("lifespans")
		lifespans.Set("authorization_code_grant_access_token_lifespan", "soon")
		p := post("lifespans", lifespans)
		if p.Status != http.StatusBadRequest || valueOf(p, "authorization-code-grant-access-token-lifespan") != "soon" || !strings.Contains(p.Body, `href="#authorization-code-grant-access-token-lifespan"`) {
			t.Errorf("an invalid lifetime: %d, want it in the form with its error\n%s", p.Status, p.Body)
		}
		advanced := form("advanced")
		advanced.Set("contacts", "ops@shop.example")
		advanced.Set("require_pkce", "true")
		if p := post("advanced", advanced); p.Status != http.StatusSeeOther {
			t.Errorf("all members: %d\n%s", p.Status, p.Body)
		}
		advanced = form("advanced")
		advanced.Set("jwks", "{")
		if p := post("advanced", advanced); p.Status != http.StatusBadRequest {
			t.Errorf("keys that are no JSON: %d, want 400", p.Status)
		}

		c, err := s.Store.Clients.Client(t.Context(), "web")
		servertest.Must(t, err)
		if c.Theme == nil || c.Theme.AccentColor != "#0b57d0" || len(c.Theme.FooterLinks) != 1 || !c.RequirePKCE || len(c.Contacts) != 1 || time.Duration(c.AuthorizationCodeAccessToken) != 30*time.Minute {
			t.Errorf("the client is %+v", c.Metadata)
		}
		c.Theme, c.RequirePKCE, c.Contacts, c.Lifespans = before.Theme, before.RequirePKCE, before.Contacts, before.Lifespans
		if diff := cmp.Diff(before.Metadata, c.Metadata); diff != "" {
			t.Errorf("other members (-before +after):\n%s", diff)
		}
	})
}

// The list finds applications by name and selection, and has links to both sides.
func TestConsoleListsApplications(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		var all []string
		for name := range strings.SplitSeq("abcdefghijklmnopqrstuvwxyzABCD", "") {
			all = append(all, `{"client_id": "z`+name+`", "client_name": "Zone `+name+`", "redirect_uris": ["https://z.example/cb"], "token_endpoint_auth_method": "none"}`)
		}
		s.ImportClient(strings.Join(all, ", "))
		p := b.Get("/console/applications?search=zone")
		next := linkOf(p, "older")
		if strings.Count(p.Body, `class="application"`) != 25 || next == "" || hasElement(p, "newer") {
			t.Fatalf("the first page has %d rows and leads to %q\n%s", strings.Count(p.Body, `class="application"`), next, p.Body)
		}
		p = b.Get(next)
		if strings.Count(p.Body, `class="application"`) != 5 || hasElement(p, "older") {
			t.Errorf("the second page has %d rows, want 5", strings.Count(p.Body, `class="application"`))
		}
		if p = b.Get(linkOf(p, "newer")); strings.Count(p.Body, `class="application"`) != 25 || linkOf(p, "older") != next {
			t.Errorf("back: %d rows, and then %q, want the first page", strings.Count(p.Body, `class="application"`), linkOf(p, "older"))
		}
		s.App.Usage.Client("za")
		s.App.Usage.Flush(t.Context())
		p = b.Get("/console/applications?search=Zone+a&only=never_used")
		if strings.Count(p.Body, `class="application"`) != 1 || !strings.Contains(p.Body, "/applications/zA") {
			t.Errorf("never used: want the other one\n%s", p.Body)
		}
		if p = b.Get("/console/applications?search=none"); strings.Contains(p.Body, `class="application"`) || !strings.Contains(p.Body, "No application matches") {
			t.Errorf("no match: %s", p.Body)
		}
	})
}
