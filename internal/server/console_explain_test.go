package server_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// explained returns the explanation of a request as text.
func explained(t *testing.T, b *servertest.Browser, of servertest.Response) (servertest.Response, string) {
	t.Helper()
	id := of.Header.Get("X-Request-Id")
	p := b.Get("/console/explain?request_id=" + id)
	found := regexp.MustCompile(`(?s)<textarea id="as-text"[^>]*>(.*?)</textarea>`).FindStringSubmatch(p.Body)
	if found == nil {
		t.Fatalf("the request %s with the response %d %s is not explained: %d", id, of.Status, of.Body, p.Status)
	}
	return p, html.UnescapeString(found[1])
}

// The console explains a rejected request by the checks of its endpoint: those that held, the one that
// failed with its values, and those that were not reached.
func TestConsoleExplainsStepByStep(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Administrator)
		authorize := func(changes ...string) servertest.Response {
			return s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest(changes...).Encode())
		}
		for name, tc := range map[string]struct {
			response servertest.Response
			lines    []string // of the text, in their order
			page     []string // elements
		}{
			"another redirect URI": {
				authorize("redirect_uri", "https://client.example/other/"),
				[]string{
					"5 ok          the client is registered and enabled", "8 REFUSED     redirect_uri is an address of the client (RFC 9700 §2.1",
					"received_redirect_uri: https://client.example/other/", "9 not reached response_mode",
				},
				[]string{"allow", "open-application", "fix"},
			},
			"an unknown client": {
				authorize("client_id", "nobody"),
				[]string{"4 ok ", "5 REFUSED     the client is registered", "6 not reached", "8 not reached redirect_uri"},
				[]string{"fix"},
			},
			"an unknown prompt": {
				authorize("prompt", "dance"),
				[]string{"13 ok          code_challenge", "14 REFUSED     nonce, prompt", "parameter: prompt", "17 not reached the user is signed in"},
				[]string{"open-application"},
			},
			"an unknown response mode": {
				authorize("response_mode", "dance"), []string{"8 ok          redirect_uri", "9 REFUSED     response_mode", "10 not reached"}, []string{"open-application"},
			},
			"prompt=none": {
				authorize("prompt", "none"), []string{"16 ok ", "17 REFUSED     the user is signed in", "20 not reached the user consents"}, nil,
			},
			"a wrong secret": {
				s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"web"}, "client_secret": {"wrong"}}),
				[]string{"6 ok", "7 REFUSED     the client secret", "9 not reached the client may use the grant_type"},
				[]string{"open-application", "fix"},
			},
			"no access token": {
				s.NewBrowser().Get("/userinfo"), []string{"3 ok", "4 REFUSED     the request has one access token", "5 not reached"}, []string{"fix"},
			},
			"an unknown page": {s.NewBrowser().Get("/nothing"), []string{"1 REFUSED     an endpoint"}, []string{"fix"}},
		} {
			p, text := explained(t, b, tc.response)
			rest := text
			for _, line := range tc.lines {
				_, after, ok := strings.Cut(rest, line)
				if !ok {
					t.Errorf("%s: no %q at its place in\n%s", name, line, text)
					break
				}
				rest = after
			}
			for _, element := range tc.page {
				if !hasElement(p, element) {
					t.Errorf("%s: no #%s", name, element)
				}
			}
			if hasElement(p, "allow") != (name == "another redirect URI") {
				t.Errorf("%s: it can be allowed: %t", name, hasElement(p, "allow"))
			}
			if strings.Contains(p.Body, "wrong\"") || strings.Contains(p.Body, "dance") {
				t.Errorf("%s: the page has a value of the request", name)
			}
			if name == "another redirect URI" && !strings.Contains(p.Body, "the last character, “/”") {
				t.Errorf("the page does not say what differs:\n%s", p.Body)
			}
		}
		// An address of which the record has only a part cannot be allowed.
		for _, uri := range []string{"https://client.example/other?secret=hunter2", "https://client.example/" + strings.Repeat("x", 200)} {
			p, text := explained(t, b, authorize("redirect_uri", uri))
			if hasElement(p, "allow") || strings.Contains(text, "hunter2") {
				t.Errorf("%s: can be allowed: %t; the text is\n%s", uri, hasElement(p, "allow"), text)
			}
		}
		setAdminRole(s, account.Auditor)
		p, _ := explained(t, b, authorize("redirect_uri", "https://client.example/others"))
		if hasElement(p, "allow") || !hasElement(p, "open-application") {
			t.Error("an auditor can allow an address, or cannot open the application")
		}
		if p := b.Get("/console/explain?request_id=unknown"); p.Status != http.StatusNotFound || hasElement(p, "explanation") {
			t.Errorf("an unknown request: %d", p.Status)
		}
	})
}
