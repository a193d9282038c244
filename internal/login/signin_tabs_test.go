package login_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Two tabs show the sign-in page. After a sign-in in one of them, the other continues without
// a password, unless its client requires a separate sign-in.
func TestSignInPageContinuesAfterSignInInAnotherTab(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		for name, tc := range map[string]struct {
			changes []string
			goesOn  bool
		}{
			"plain":                       {nil, true},
			"a max_age that is met":       {[]string{"max_age", "3600"}, true},
			"a max_age that is not met":   {[]string{"max_age", "200"}, false},
			"max_age of nothing":          {[]string{"max_age", "0"}, false},
			"prompt=login":                {[]string{"prompt", "login"}, false},
			"prompt=select_account":       {[]string{"prompt", "select_account"}, false},
			"claims that demand somebody": {[]string{"claims", `{"id_token":{"sub":{"value":"somebody"}}}`}, false},
		} {
			b := s.NewBrowser()
			first := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest(tc.changes...).Encode()).Location().String()
			second := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest(tc.changes...).Encode()).Location().String()
			page := b.Get(first)
			b.Code(servertest.AuthorizationRequest())
			s.Advance(3 * time.Minute)

			empty := url.Values{"request": {page.HiddenField("request")}}
			for how, p := range map[string]servertest.Response{
				"the page again":              b.Get(second),
				"the form without a password": b.Post(page.FormAction(), empty),
			} {
				if p.Status == http.StatusSeeOther {
					p = b.Get(p.Location().String())
				}
				code := p.Location().Query().Get("code") != ""
				if code != tc.goesOn || !code && !strings.Contains(p.Body, `name="`) && p.Status == http.StatusOK {
					t.Errorf("%s, %s: goes on = %v, want %v: %d %s", name, how, code, tc.goesOn, p.Status, p.Location())
				}
			}
		}
	})
}

// The sign-in page and the authorization endpoint read the claims parameter alike. Else they
// would send the browser to and fro.
func TestClaimsParameterCausesNoRedirectLoop(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	for _, demand := range []string{
		`{"id_token":{"sub":{"value":"somebody"}}}`,
		`{"id\u005ftoken":{"sub":{"value":"somebody"}}}`,
		`{"ID_TOKEN":{"sub":{"value":"somebody"}}}`,
		`{"id_token":{"SUB":{"value":"somebody"}}}`,
		`{"userinfo":{"\"id_token\"":null}}`,
	} {
		b := s.NewBrowser()
		b.Code(servertest.AuthorizationRequest())
		p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("claims", demand).Encode())
		hops := 0
		for ; hops < 10 && p.Status == http.StatusSeeOther && p.Location().Query().Get("code") == ""; hops++ {
			p = b.Get(p.Location().String())
		}
		if hops == 10 {
			t.Errorf("claims=%s: after %d redirects to %s", demand, hops, p.Location())
		}
	}
}

// A user who enters another name, or asks to stay signed in, is not passed on unseen.
func TestSignInFormOfAnotherUserIsNotSkipped(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	page := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Location().String())
	b.Code(servertest.AuthorizationRequest())
	for name, form := range map[string]url.Values{
		"another user":     {"username": {"bob"}},
		"to be kept":       {"username": {"ada"}, "remember": {"on"}},
		"no such name":     {"username": {"a b"}},
		"a wrong password": {"username": {"ada"}, "password": {"wrong"}},
	} {
		form.Set("request", page.HiddenField("request"))
		if p := b.Post(page.FormAction(), form); p.Status == http.StatusSeeOther {
			t.Errorf("%s: passed on to %s", name, p.Location())
		}
	}
}

// The page offers to remember a consent only if a later request could reuse it.
func TestConsentPageOffersRememberOnlyWhereKept(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithDeviceClients(t, storetest.New(t), nil)
	s.ImportClient(`{"client_id": "asks", "client_secret": "asks-secret-asks-secret-asks-sec", "redirect_uris": ["`+servertest.RedirectURI+`"], "scope": "openid"}`,
		`{"client_id": "spa", "token_endpoint_auth_method": "none", "redirect_uris": ["`+servertest.RedirectURI+`"], "scope": "openid"}`)
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest())
	const box = `id="remember"`
	shown := func(changes ...string) string {
		t.Helper()
		p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest(append([]string{"scope", "openid"}, changes...)...).Encode())
		p = b.Get(p.Location().String())
		if !strings.Contains(p.Body, `id="accept"`) {
			t.Fatalf("%v: no consent page: %d %s", changes, p.Status, p.Body)
		}
		return p.Body
	}
	for _, id := range []string{"asks", "spa"} {
		if !strings.Contains(shown("client_id", id), box) {
			t.Errorf("%s: nothing is offered", id)
		}
	}
	for _, uri := range []string{"http://127.0.0.1:5555/cb", "com.example.app:/cb"} {
		if strings.Contains(shown("client_id", "app", "redirect_uri", uri), box) {
			t.Errorf("a public client at %s: it is offered to remember what cannot hold", uri)
		}
	}
	p := b.EnterUserCode(servertest.AuthorizeDevice(s, servertest.Form("client_id", "stick", "scope", "openid")), "continue")
	for p.Status == http.StatusSeeOther {
		p = b.Get(p.Location().String())
	}
	if strings.Contains(p.Body, box) {
		t.Errorf("a public device: it is offered to remember what cannot hold: %s", p.Body)
	}
}
