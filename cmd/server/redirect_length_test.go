package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A response that proxies would not pass on is refused on a page that says why, before
// anybody signs in and in every way to ask. Where it fits, the state comes back whole.
func TestALongStateIsRefusedWhereItsRedirectWouldBeTooLong(t *testing.T) {
	t.Parallel()

	const limit = 4096
	s := start(t, storetest.New(t), map[string]string{"max_redirect_url_length": "4096", "legacy_response_types": "on"})
	s.bring(legacyClient("legacy", ""))
	fits := limit - len(testCallback) - len("state=&iss=") - len(url.QueryEscape(s.url)) - 512
	signedIn := s.browser()
	signedIn.code(asking())

	for name, b := range map[string]*browser{"signed in": signedIn, "not signed in": s.browser()} {
		p := b.authorize(asking("state", strings.Repeat("s", fits)))
		if got := p.location(); len(got.Query().Get("state")) != fits || !got.Query().Has("code") || len(got.String()) > limit {
			t.Errorf("%s: a state that fits: %d with %d bytes of state in %d", name, p.status, len(got.Query().Get("state")), len(got.String()))
		}
		for kind, changes := range map[string][]string{
			"a byte more":        {"state", strings.Repeat("s", fits+1)},
			"three after escape": {"state", strings.Repeat("ü", fits/6+1)},
			"an error":           {"state", strings.Repeat("s", limit), "scope", "\x7f"},
			"prompt=none":        {"state", strings.Repeat("s", limit), "prompt", "none"},
			"a fragment":         {"state", strings.Repeat("s", limit), "response_mode", "fragment"},
		} {
			for method, p := range map[string]reply{
				"GET": b.get("/oauth2/auth?" + asking(changes...).Encode()), "POST": b.post("/oauth2/auth", asking(changes...)),
			} {
				if p.status != http.StatusBadRequest || p.header.Get("Location") != "" || !strings.Contains(p.body, "response_mode=form_post") {
					t.Errorf("%s, %s by %s: %d to %d bytes, want a page that says why\n%s", name, kind, method, p.status, len(p.header.Get("Location")), p.body)
				}
			}
		}
	}
	if p := signedIn.authorize(asking("state", strings.Repeat("s", 2*limit), "response_mode", "form_post")); len(p.field("state")) != 2*limit {
		t.Errorf("form_post: %d\n%s", p.status, p.body)
	}
	// Only with its tokens the response is too long.
	p := signedIn.authorize(asking("client_id", "legacy", "response_type", "code id_token", "state", strings.Repeat("s", fits), "nonce", strings.Repeat("n", 900)))
	if p.status != http.StatusBadRequest || p.header.Get("Location") != "" || !strings.Contains(p.body, "response_mode=form_post") {
		t.Errorf("with tokens: %d to %d bytes", p.status, len(p.header.Get("Location")))
	}
}

// Signing out sends people back under the same limit, and ends nothing before that is clear.
func TestALongStateAtSignOutIsRefused(t *testing.T) {
	t.Parallel()

	const back = "https://client.example/bye"
	s := start(t, storetest.New(t), map[string]string{"max_redirect_url_length": "4096"})
	s.bring(`{"client_id": "leaver", "client_secret": "` + otherSecret + `", "redirect_uris": ["` + testCallback + `"], "post_logout_redirect_uris": ["` + back + `"]}`)
	b := s.browser()
	for n, want := range map[int]int{4096 - len(back+"?state="): http.StatusSeeOther, 4097 - len(back+"?state="): http.StatusBadRequest} {
		query := url.Values{"client_id": {"leaver"}, "post_logout_redirect_uri": {back}, "state": {strings.Repeat("s", n)}}
		if p := b.get("/oauth2/sessions/logout?" + query.Encode()); p.status != want || p.status == http.StatusSeeOther && len(p.location().Query().Get("state")) != n {
			t.Errorf("a state of %d bytes: %d to %d bytes, want %d", n, p.status, len(p.header.Get("Location")), want)
		}
	}
}
