package server_test

import (
	"encoding/base32"
	"net/http"
	"net/url"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/totp"
)

// leadsOn follows redirects and pages that lead on by themselves, and returns the last page.
func leadsOn(b *servertest.Browser, p servertest.Response) servertest.Response {
	b.Server.TB.Helper()
	for range 10 {
		next := p.Header.Get("Location")
		if next == "" && hasElement(p, "continue") {
			next = p.Attribute("href", func(a map[string]string) bool { return a["id"] == "continue" })
		}
		if next == "" {
			return p
		}
		p = b.Get(next)
	}
	b.Server.TB.Fatalf("too many redirects, the last to %s", p.Location())
	return p
}

// The first owner who makes a passkey arrives in the console, whose first card connects an application.
func TestSetupEndsInTheConsole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		b := s.NewBrowser()
		page := b.Follow(b.Get(setUpLink(t, s)))
		p := b.Post("/setup", newAccountForm(t, page, servertest.NewAuthenticator(s)))
		if to := p.Location(); p.Status != http.StatusSeeOther || to.String() != s.URL+"/console" {
			t.Fatalf("after the set-up: %d to %s, want the console", p.Status, to)
		}
		if p = leadsOn(b, p); p.Status != http.StatusOK || !hasElement(p, "sign-out") || hasElement(p, "connect") {
			t.Errorf("the overview: %d, want it without a card, since there are applications\n%s", p.Status, p.Body)
		}
		clients, err := s.Store.Clients.ListClients(t.Context(), "", 100)
		servertest.Must(t, err)
		for _, c := range clients {
			servertest.Must(t, s.Store.Clients.DeleteClient(t.Context(), c.ID))
		}
		s.ImportClient(`{"client_id": "` + client.DemoID + `", "redirect_uris": ["http://localhost:5555/cb"], "token_endpoint_auth_method": "none"}`)
		if p = b.Get("/console"); !hasElement(p, "connect") {
			t.Errorf("the overview has no card for the first application\n%s", p.Body)
		}
	})
}

// A first owner with a password adds a second factor on the way to the console.
func TestSetupWithAPasswordAddsAFactor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := startConsole(t, db)
		b := s.NewBrowser()
		page := b.Follow(b.Get(setUpLink(t, s)))
		p := leadsOn(b, b.Post("/setup", url.Values{
			"token": {page.HiddenField("token")}, "username": {"root"}, "password": {servertest.Password}, "repeat": {servertest.Password},
		}))
		if !hasElement(p, "enrol") {
			t.Fatalf("after the set-up: %d, want an offer to add a second factor\n%s", p.Status, p.Body)
		}
		p = b.Get(p.Attribute("href", func(a map[string]string) bool { return a["id"] == "enrol" }))
		otpauth, err := url.Parse(p.Attribute("href", func(a map[string]string) bool { return a["id"] == "otpauth" }))
		servertest.Must(t, err)
		secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(otpauth.Query().Get("secret"))
		servertest.Must(t, err)
		p = leadsOn(b, b.Post("/login/enrol", url.Values{
			"request": {p.HiddenField("request")}, "enrolment": {p.HiddenField("enrolment")}, "code": {totp.Code(secret, totp.Step(s.Time()))},
		}))
		if p.Status != http.StatusOK || !hasElement(p, "sign-out") || accountOf(s, "root").AdminRole != account.Owner {
			t.Errorf("after the second factor: %d, want the overview of the console\n%s", p.Status, p.Body)
		}
	})
}
