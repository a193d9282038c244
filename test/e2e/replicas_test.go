//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/dev/demo"
	"github.com/ostiary/ostiary/test/rig"
)

func TestSignInOnPostgreSQLWithTwoReplicas(t *testing.T) {
	t.Parallel()
	cluster := rig.Serve(t, rig.Options{Database: rig.Database(t, rig.Postgres), Replicas: 2})
	base := startShop(t, cluster)
	rig.ImportUsers(t, cluster, rig.User{
		Username: "ada", Password: "seven unrelated words",
		Claims: map[string]any{"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true},
	})
	p := newBrowser(t)

	p.open(base)
	p.press("#signin")
	p.signIn("ada", "not-the-password")
	p.wantText("#fault", "password")
	p.signIn("ada", "seven unrelated words")
	p.press("#deny")
	p.wantText("#demo-error-code", "access_denied")
	p.press("#again")
	p.press("#signin")
	p.press("#accept")
	p.wantText("#greeting", "Hello, Ada Lovelace")
	if got := p.claims()["iss"]; got != cluster.Issuer {
		t.Errorf("the ID token is from %v, want %s", got, cluster.Issuer)
	}
	refreshTokens(p)
	p.press("#introspect")
	p.wantText("#introspection", `"active": true`)

	first := p.authTime()
	afterSecond(first)
	p.press("#fresh")
	p.signIn("ada", "seven unrelated words")
	p.wantText("#notice", "You signed in again")
	if got := p.authTime(); got <= first {
		t.Errorf("auth_time after a fresh sign-in is %d, want later than %d", got, first)
	}
	p.press("#silent")
	p.wantText("#notice", "without showing a page")
	p.press("#signout")
	p.wantText("#demo-signed-out", "signed out")
	p.press("#again")
	p.press("#silent")
	p.wantText("#demo-error-code", "login_required")
}

// startShop runs the demo application as a registered client.
func startShop(t *testing.T, cluster *rig.Cluster) (base string) {
	t.Helper()
	const secret = "a-secret-that-nobody-but-the-test-knows"
	var shop http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { shop.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	base = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	var err error
	if shop, err = demo.New(demo.Config{Issuer: cluster.Issuer, ClientID: demoClient, ClientSecret: secret, BaseURL: base}); err != nil {
		t.Fatal(err)
	}

	entry := demo.Metadata(base)
	entry["client_id"], entry["client_secret"] = demoClient, secret
	text, err := json.Marshal([]any{entry})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "clients.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	rig.Command(t, cluster, "clients", "import", file)
	return base
}
