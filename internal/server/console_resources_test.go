package server_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A resource is declared, changed and deleted on its pages.
func TestConsoleResources(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Administrator)
		form := url.Values{
			"identifier": {"https://pay.example/v1"}, "name": {"Payments"}, "scopes": {"pay:read\r\npay:write"}, "access_token_format": {"jwt"}, "access_token_signing_alg": {"RS256"},
			"access_token_lifetime": {"300"}, "require_sender_constraint": {"true"}, "all_clients": {"true"}, "clients": {"web\r\napp"}, "introspection_clients": {"post"},
		}
		for name, change := range map[string][2]string{
			"a lifetime in words":     {"access_token_lifetime", "five minutes"},
			"a relative identifier":   {"identifier", "pay"},
			"no name":                 {"name", " "},
			"an algorithm of no keys": {"access_token_signing_alg", "HS256"},
		} {
			wrong := maps.Clone(form)
			wrong.Set(change[0], change[1])
			if p := b.Post("/console/resources/new", wrong); p.Status != http.StatusBadRequest || !hasElement(p, "faults") || !strings.Contains(p.Body, "pay:write") {
				t.Errorf("%s: %d\n%s", name, p.Status, p.Body)
			}
		}
		if p := b.Post("/console/resources/new", form); p.Status != http.StatusSeeOther {
			t.Fatalf("declaration: %d\n%s", p.Status, p.Body)
		}
		list, err := s.Store.Resources.ListResources(t.Context())
		servertest.Must(t, err)
		r := list[0]
		if len(list) != 1 || r.Identifier != "https://pay.example/v1" || len(r.Scopes) != 2 || r.Lifetime != 300 || !r.RequireSenderConstraint || r.SharedTokens || !r.AllClients || len(r.Clients) != 2 || r.IntrospectionClients[0] != "post" {
			t.Errorf("the stored resource is %+v", r)
		}
		page := "/console/resources/" + url.PathEscape(r.Identifier)
		if p := b.Get("/console/resources"); !strings.Contains(p.Body, page) || !strings.Contains(p.Body, "Payments") {
			t.Errorf("list: %d\n%s", p.Status, p.Body)
		}
		if p := b.Get(page); p.Status != http.StatusOK || !strings.Contains(p.Body, "pay:read\npay:write") {
			t.Errorf("page: %d\n%s", p.Status, p.Body)
		}
		form.Set("name", "Pay")
		form.Set("all_clients", "")
		form.Set("change", "definition")
		if p := b.Post(page, form); p.Status != http.StatusSeeOther {
			t.Errorf("change: %d\n%s", p.Status, p.Body)
		}
		if list, err = s.Store.Resources.ListResources(t.Context()); err != nil || list[0].Name != "Pay" || list[0].AllClients {
			t.Errorf("after the change: %+v, %v", list[0], err)
		}
		if p := b.Post(page, url.Values{"change": {"delete"}}); p.Status != http.StatusOK || !strings.Contains(p.Body, "Delete the resource") {
			t.Errorf("question: %d\n%s", p.Status, p.Body)
		}
		if p := b.Post(page, url.Values{"change": {"delete"}, "confirm": {"yes"}}); p.Status != http.StatusSeeOther || b.Get(page).Status != http.StatusNotFound {
			t.Errorf("deletion: %d\n%s", p.Status, p.Body)
		}
	})
}

// The consent page names the resources of the request.
func TestConsentPageNamesResources(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	servertest.DeclareResource(s, `{"identifier":"https://pay.example","name":"Payments & more","all_clients":true}`)
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest()) // signs in
	consent := func(resources ...string) string {
		t.Helper()
		form := servertest.AuthorizationRequest("client_id", "careful", "scope", "openid email")
		form["resource"] = resources
		return b.Get(b.Get("/oauth2/auth?" + form.Encode()).Location().String()).Body
	}
	if page := consent("https://pay.example/"); !strings.Contains(page, "<bdi>Payments &amp; more</bdi>") {
		t.Errorf("the page does not name the resource:\n%s", page)
	}
	if page := consent(); strings.Contains(page, `id="resources"`) || !strings.Contains(page, `id="accept"`) {
		t.Errorf("the page of a request without a resource:\n%s", page)
	}
}
