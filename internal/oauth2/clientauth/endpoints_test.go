package clientauth_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A repeated parameter is refused before anything is claimed.
func TestRepeatedParametersRedeemNothing(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	code := s.NewBrowser().Code(servertest.AuthorizationRequest())
	twice := servertest.CodeExchange(code)
	twice["redirect_uri"] = append(twice["redirect_uri"], servertest.RedirectURI)
	servertest.WantError(t, s.PostForm("/oauth2/token", twice), 400, "invalid_request")
	s.ExchangeCode(code)
}

func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	ask := func(change func(*http.Request, url.Values)) servertest.Response {
		form := url.Values{"grant_type": {"client_credentials"}}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/oauth2/token", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		change(r, form)
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form.Encode())), int64(len(form.Encode()))
		return servertest.Send(t, http.DefaultClient, r)
	}
	p := ask(func(r *http.Request, _ url.Values) { r.SetBasicAuth("web", "wrong") })
	servertest.WantError(t, p, 401, "invalid_client")
	if challenge := p.Header.Get("WWW-Authenticate"); !strings.HasPrefix(challenge, "Basic ") {
		t.Errorf("WWW-Authenticate = %q, want a Basic challenge", challenge)
	}
	// The challenge answers an Authorization header; libraries that find one read no further.
	for name, tc := range map[string]struct {
		change    func(*http.Request, url.Values)
		challenge bool
	}{
		"nothing":          {func(*http.Request, url.Values) {}, false},
		"a public client":  {func(_ *http.Request, f url.Values) { f.Set("client_id", "nobody") }, false},
		"a secret by post": {func(_ *http.Request, f url.Values) { f.Set("client_id", "post"); f.Set("client_secret", "wrong") }, false},
		"an assertion": {func(_ *http.Request, f url.Values) {
			f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
			f.Set("client_assertion", "a.b.c")
		}, false},
		"an unknown client by Basic": {func(r *http.Request, _ url.Values) { r.SetBasicAuth("nobody", "x") }, true},
		"another scheme":             {func(r *http.Request, _ url.Values) { r.Header.Set("Authorization", "Bearer x") }, true},
	} {
		p := ask(tc.change)
		servertest.WantError(t, p, 401, "invalid_client")
		if got := p.Header.Get("WWW-Authenticate"); (got != "") != tc.challenge {
			t.Errorf("%s: WWW-Authenticate = %q, want one: %v", name, got, tc.challenge)
		}
	}
	servertest.WantError(t, ask(func(r *http.Request, f url.Values) {
		r.SetBasicAuth("web", "web-secret-web-secret-web-secret-")
		f.Set("client_secret", "web-secret-web-secret-web-secret-")
	}), 400, "invalid_request")
	servertest.WantError(t, ask(func(r *http.Request, f url.Values) {
		r.SetBasicAuth("web", "web-secret-web-secret-web-secret-")
		f.Set("client_id", "post")
	}), 400, "invalid_request")
	servertest.WantError(t, ask(func(_ *http.Request, f url.Values) {
		f.Set("client_id", "web")
		f.Set("client_secret", "web-secret-web-secret-web-secret-")
	}), 401, "invalid_client")

	// After a hundred wrong secrets further ones are rejected; the right secret is accepted.
	for range 100 {
		if _, _, err := s.Store.Throttle.CountAttempt(t.Context(), "client web", time.Minute, s.Time()); err != nil {
			t.Fatal(err)
		}
	}
	p = ask(func(r *http.Request, _ url.Values) { r.SetBasicAuth("web", "wrong") })
	servertest.WantError(t, p, 429, "temporarily_unavailable")
	if wait := p.Header.Get("Retry-After"); wait != "60" {
		t.Errorf("Retry-After = %q, want 60", wait)
	}
	if p := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}); p.Status != http.StatusOK {
		t.Errorf("with the right secret: %d %s", p.Status, p.Body)
	}
}
