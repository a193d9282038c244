//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/test/rig"
)

// TestASinglePageApplication uses the page of test/clients/frameworks/browser, which
// signs users in with oidc-client-ts. It has another origin than the server, so that
// discovery, token endpoint and JWKS need CORS.
func TestASinglePageApplication(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			server := rig.Serve(t, rig.Options{Database: rig.Database(t, engine)})
			rig.ImportUsers(t, server, rig.User{
				Username: "ada", Password: "seven unrelated words",
				Claims: map[string]any{"name": "Ada Lovelace", "email": "ada@example.com", "groups": []string{"staff"}},
			})
			origin := serveSinglePage(t, server)
			p := newBrowser(t)

			p.open(origin)
			p.wantText("#state", "signed out")
			p.press("#sign-in")
			p.signIn("ada", "seven unrelated words")
			p.wantExactText("#state", "signed in")
			p.wantUserClaims("after signing in")
			p.click("#refresh")
			p.wantExactText("#state", "refreshed")
			p.wantUserClaims("after a refresh")
			p.click("#renew")
			p.wantExactText("#state", "renewed")
			p.wantUserClaims("after prompt=none in a frame")
			p.press("#sign-out")
			p.wantExactText("#state", "signed out")
			p.press("#sign-in")
			p.wantText("h1", "Sign in")
		})
	}
}

// wantExactText waits until the text of an element is exactly words.
func (p *browser) wantExactText(selector, words string) {
	p.t.Helper()
	if !p.eventually(fmt.Sprintf("document.querySelector(%q)?.textContent === %q", selector, words)) {
		p.t.Fatalf("%s of %s has the text %q, want %q", selector, p.address(), p.read("body"), words)
	}
}

// wantUserClaims fails the test unless the page shows the user's claims.
func (p *browser) wantUserClaims(when string) {
	p.t.Helper()
	got := decode(p, p.read("#user"))
	want := map[string]any{
		"name": "Ada Lovelace", "preferred_username": "ada", "email": "ada@example.com", "groups": []any{"staff"},
	}
	for name := range got {
		if want[name] == nil {
			delete(got, name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		p.t.Errorf("%s the page shows other claims (-want +got):\n%s", when, diff)
	}
}

// serveSinglePage registers the page with the command of docs/clients.md, and
// returns its origin.
func serveSinglePage(t *testing.T, server *rig.Cluster) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "browser")
	if err := os.CopyFS(dir, os.DirFS("../clients/frameworks/browser")); err != nil {
		t.Fatal(err)
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retry-mintimeout", "1000")
	npm.Dir = dir
	if output, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("install oidc-client-ts: %v\n%s", err, output)
	}
	site := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(site.Close)
	origin := strings.Replace(site.URL, "127.0.0.1", "localhost", 1)

	text := rig.Command(t, server, "clients", "create", "--format", "json", "--name", "A page in the browser",
		"--auth-method", "none", "--skip-consent", "--redirect-uri", origin+"/", "--redirect-uri", origin+"/silent.html",
		"--post-logout-redirect-uri", origin+"/", "--grant-type", "authorization_code", "--grant-type", "refresh_token",
		"--scope", "openid profile email groups offline_access")
	var client struct {
		ID string `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(text), &client); err != nil {
		t.Fatal(err)
	}
	config, err := json.Marshal(map[string]string{"issuer": server.Issuer, "client_id": client.ID})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	return origin
}
