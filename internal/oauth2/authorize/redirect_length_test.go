package authorize_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A request whose redirect would be too long for proxies is rejected on an error page before
// the user signs in, by GET, by POST and as a request object. A shorter state is returned
// completely.
func TestLongStateIsRejectedIfRedirectIsTooLong(t *testing.T) {
	t.Parallel()

	const limit = 4096
	s := servertest.Start(t, storetest.New(t), map[string]string{"max_redirect_url_length": "4096", "legacy_response_types": "on"})
	s.ImportClient(servertest.LegacyClient("legacy", ""))
	fits := limit - len(servertest.RedirectURI) - len("state=&iss=") - len(url.QueryEscape(s.URL)) - 512
	signedIn := s.NewBrowser()
	signedIn.Code(servertest.AuthorizationRequest())

	for name, b := range map[string]*servertest.Browser{"signed in": signedIn, "not signed in": s.NewBrowser()} {
		p := b.Authorize(servertest.AuthorizationRequest("state", strings.Repeat("s", fits)))
		if got := p.Location(); len(got.Query().Get("state")) != fits || !got.Query().Has("code") || len(got.String()) > limit {
			t.Errorf("%s: a state that fits: %d with %d bytes of state in %d", name, p.Status, len(got.Query().Get("state")), len(got.String()))
		}
		for kind, changes := range map[string][]string{
			"a byte more":        {"state", strings.Repeat("s", fits+1)},
			"three after escape": {"state", strings.Repeat("ü", fits/6+1)},
			"an error":           {"state", strings.Repeat("s", limit), "scope", "\x7f"},
			"prompt=none":        {"state", strings.Repeat("s", limit), "prompt", "none"},
			"a fragment":         {"state", strings.Repeat("s", limit), "response_mode", "fragment"},
		} {
			for method, p := range map[string]servertest.Response{
				"GET": b.Get("/oauth2/auth?" + servertest.AuthorizationRequest(changes...).Encode()), "POST": b.Post("/oauth2/auth", servertest.AuthorizationRequest(changes...)),
			} {
				if p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" || !strings.Contains(p.Body, "response_mode=form_post") {
					t.Errorf("%s, %s by %s: %d to %d bytes, want a page that says why\n%s", name, kind, method, p.Status, len(p.Header.Get("Location")), p.Body)
				}
			}
		}
	}
	if p := signedIn.Authorize(servertest.AuthorizationRequest("state", strings.Repeat("s", 2*limit), "response_mode", "form_post")); len(p.HiddenField("state")) != 2*limit {
		t.Errorf("form_post: %d\n%s", p.Status, p.Body)
	}
	// Only with its tokens the response is too long.
	p := signedIn.Authorize(servertest.AuthorizationRequest("client_id", "legacy", "response_type", "code id_token", "state", strings.Repeat("s", fits), "nonce", strings.Repeat("n", 900)))
	if p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" || !strings.Contains(p.Body, "response_mode=form_post") {
		t.Errorf("with tokens: %d to %d bytes", p.Status, len(p.Header.Get("Location")))
	}
}
