//go:build e2e

package frameworks

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

// TestKubernetes hands an ID token, as kubectl sends it, to the authenticator of
// kube-apiserver, which takes https issuers alone and reads no userinfo.
func TestKubernetes(t *testing.T) {
	t.Parallel()
	dir := copyApplication(t, "kubernetes")
	install(t, dir, []string{"env", "CGO_ENABLED=0", "go", "build", "-o", "authenticate", "."})
	server, ca := serveTLS(t)
	a := newApplication(t, server, registration{
		heading: "Kubernetes", arguments: []string{
			"--native", "--auth-method", "none", "--redirect-uri", "http://127.0.0.1/callback", "--scope", "openid email groups",
		},
	})
	token := idToken(t, server, &rig.Client{
		ID: a.id, RedirectURI: "http://127.0.0.1:8000/callback", Method: "none", Scope: "openid email groups",
	})

	program := exec.CommandContext(t.Context(), filepath.Join(dir, "authenticate"))
	program.Env = []string{"ISSUER=" + server.Issuer, "CLIENT_ID=" + a.id, "ID_TOKEN=" + token, "CA_FILE=" + ca}
	var stderr bytes.Buffer
	program.Stderr = &stderr
	printed, err := program.Output()
	if err != nil {
		t.Fatalf("kube-apiserver refuses the ID token: %v\n%s", err, &stderr)
	}
	var got map[string]any
	if err := json.Unmarshal(printed, &got); err != nil {
		t.Fatal(err)
	}
	if want := map[string]any{"user": "ada@example.com", "groups": []string{"engines", "staff"}}; !jsonEqual(got, want) {
		t.Errorf("kube-apiserver authenticates %v, want %v", got, want)
	}
}

// serveTLS starts a server behind a TLS proxy. It also returns the path of the proxy's
// certificate.
func serveTLS(t *testing.T) (server *rig.Cluster, certificate string) {
	t.Helper()
	proxy := &httputil.ReverseProxy{}
	front := httptest.NewTLSServer(proxy)
	t.Cleanup(front.Close)
	server = rig.Serve(t, rig.Options{Issuer: front.URL})
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy.Rewrite = func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.SetXForwarded()
		r.Out.Host = r.In.Host
	}
	browser := front.Client()
	browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	server.Endpoint = &rig.Endpoint{URL: front.URL, Issuer: front.URL, HTTP: browser}
	rig.ImportUsers(t, server, testUser)

	certificate = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
	if err := os.WriteFile(certificate, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return server, certificate
}
