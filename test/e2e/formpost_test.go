//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// poster is an application that uses response_mode=form_post.
type poster struct {
	url     string
	answers chan url.Values
}

// startPoster returns an application and the path of a file that registers it.
func startPoster(t *testing.T) (*poster, string) {
	t.Helper()
	app := &poster{answers: make(chan url.Values, 1)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.ParseForm() != nil {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		app.answers <- r.PostForm
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<link rel="icon" href="data:,"><p id="arrived">%s</p>`, html.EscapeString(r.Header.Get("Origin")))
	}))
	t.Cleanup(server.Close)
	app.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/callback"

	text, err := json.Marshal([]any{map[string]any{
		"client_id": "poster", "client_name": "Poster", "redirect_uris": []string{app.url},
		"token_endpoint_auth_method": "none", "scope": "openid email",
		"initiate_login_uri": "https://poster.example/start",
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "clients.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return app, file
}

// request returns the URL of an authorization request with form_post.
func (app *poster) request(server *dev) string {
	return server.authorizeURL(url.Values{
		"client_id": {"poster"}, "redirect_uri": {app.url}, "scope": {"openid email"}, "response_mode": {"form_post"},
	})
}

func (app *poster) check(t *testing.T, server *dev) {
	t.Helper()
	answer := <-app.answers
	if answer.Get("code") == "" || answer.Get("state") != "a-state-of-the-test" || answer.Get("iss") != server.issuer {
		t.Errorf("the application received %v, want code, state and iss", answer)
	}
}

func TestFormPostSubmitsItself(t *testing.T) {
	t.Parallel()
	app, file := startPoster(t)
	server := startDev(t, "--clients", file)
	p := newBrowser(t)

	p.open(app.request(server))
	p.signIn(server.username, server.password)
	p.press("#accept")
	p.wantText("#arrived", server.issuer)
	app.check(t, server)
}

func TestFormPostByButtonWithoutScript(t *testing.T) {
	t.Parallel()
	app, file := startPoster(t)
	server := startDev(t, "--clients", file)
	p := newBrowser(t)
	p.disableScript()

	p.open(app.request(server))
	p.signIn(server.username, server.password)
	p.press("#accept")
	p.wantText("main", "Returning to the application", strings.TrimSuffix(strings.TrimPrefix(app.url, "http://"), "/callback"))
	p.press("#continue")
	p.wantText("#arrived", server.issuer)
	app.check(t, server)
}
