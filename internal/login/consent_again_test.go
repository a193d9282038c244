package login_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A denial is an error response (RFC 6749 §4.1.2.1), and a later request shows the consent
// page again.
func TestUserMayDenyConsent(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest()) // signs in
	form := servertest.AuthorizationRequest("client_id", "careful", "scope", "openid")
	for range 2 {
		got := b.AnswerConsent(b.Get("/oauth2/auth?"+form.Encode()), "deny").Location().Query()
		if got.Get("error") != "access_denied" || got.Get("state") != "a state" || got.Get("iss") != s.URL || got.Has("code") {
			t.Errorf("refused: %v", got)
		}
	}
	if got := b.AnswerConsent(b.Get("/oauth2/auth?"+form.Encode()), "accept").Location().Query(); !got.Has("code") {
		t.Errorf("accepted: %v", got)
	}
}

// An earlier consent is reused, except for clients that any app on the device can
// impersonate (RFC 8252 §8.6), and with prompt=consent.
func TestConsentIsNotReusedForNativeClients(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	b := s.NewBrowser()
	web := servertest.AuthorizationRequest("client_id", "careful", "scope", "openid")
	native := servertest.AuthorizationRequest("client_id", "app", "redirect_uri", "com.example.app:/cb", "scope", "openid")
	loopback := servertest.AuthorizationRequest("client_id", "app", "redirect_uri", "http://127.0.0.1:7/cb", "scope", "openid")
	for _, form := range []url.Values{web, native, loopback} {
		b.Code(form)
	}
	with := func(form url.Values, prompt string) url.Values {
		changed := maps.Clone(form)
		changed.Set("prompt", prompt)
		return changed
	}
	for name, tc := range map[string]struct {
		form url.Values
		page bool
		err  string
	}{
		"a web client":                       {web, false, ""},
		"a web client, quietly":              {with(web, "none"), false, ""},
		"a web client that wants to ask":     {with(web, "consent"), true, ""},
		"a scheme of its own":                {native, true, ""},
		"a scheme of its own, quietly":       {with(native, "none"), false, "consent_required"},
		"a loopback address":                 {loopback, true, ""},
		"a loopback address, quietly":        {with(loopback, "none"), false, "consent_required"},
		"a web client that was never agreed": {with(servertest.AuthorizationRequest("client_id", "careful", "scope", "openid", "claims", `{"userinfo":{"email":null}}`), "none"), false, "consent_required"},
	} {
		to := b.Get("/oauth2/auth?" + tc.form.Encode()).Location()
		if page := strings.HasPrefix(to.String(), s.URL+"/consent"); page != tc.page {
			t.Errorf("%s: asks %v, want %v (%s)", name, page, tc.page, to)
		}
		if got := to.Query().Get("error"); got != tc.err {
			t.Errorf("%s: error %q, want %q", name, got, tc.err)
		}
	}
}

// A form of another site is rejected, with any cookies (RFC 6749 §10.12).
func TestCrossOriginFormsAreRejected(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"sign_up": "on"})
	b := s.NewBrowser()
	id := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest().Encode()).Location().Query().Get("request")
	form := url.Values{"request": {id}, "username": {"ada"}, "password": {servertest.Password}, "decision": {"accept"}}
	for name, header := range map[string][2]string{
		"another site":               {"Sec-Fetch-Site", "cross-site"},
		"a site beside":              {"Sec-Fetch-Site", "same-site"},
		"another site, by its name":  {"Origin", "https://evil.example"},
		"somebody who hides theirs":  {"Origin", "null"},
		"another port of this host":  {"Origin", "http://127.0.0.1:1"},
		"this host under a sub-name": {"Origin", strings.Replace(s.URL, "//", "//a.", 1)},
	} {
		for _, path := range []string{"/login", "/signup", "/consent", "/setup"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(header[0], header[1])
			if p := servertest.Send(t, b.Client, r); p.Status != http.StatusForbidden || p.Header.Get("Set-Cookie") != "" {
				t.Errorf("%s from %s: %d, want 403", path, name, p.Status)
			}
		}
	}
	if p := b.Post("/login", form); p.Status != http.StatusSeeOther {
		t.Errorf("our own form: %d", p.Status)
	}
}
