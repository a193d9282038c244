//go:build e2e

package proxy

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/clientcert/certtest"
	"github.com/ostiary/ostiary/test/rig"
)

// The documented configurations forward the certificates of clients, and not the headers that clients send.
func TestProxiesForwardClientCertificates(t *testing.T) {
	t.Parallel()
	for name, k := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			blocks := documentedBlocks(t, k.language)
			dir, port := t.TempDir(), portOf(t)
			ca := certtest.NewAuthority(t)
			files := writeFiles(t, dir, ca)
			text := blocks[0] + edit(t, blocks[2], k.certificateEdits(port, files)...)
			header := map[string]string{"nginx": "nginx", "haproxy": "client-cert", "caddy": "client-cert"}[name]
			mutual := "https://localhost:" + port
			f := k.serve(t, text, "", map[string]string{
				"MTLS_URL": mutual, "CLIENT_CERTIFICATE_HEADER": header, "MTLS_CA_FILE": files.authority,
			})
			certificate := func(by *certtest.Authority, name string) *tls.Certificate {
				pair := certtest.New(t, by, func(c *x509.Certificate) { c.Subject.CommonName = name })
				return &pair
			}
			self, other := certificate(nil, "self"), certificate(nil, "other")
			direct, chained := certificate(ca, "direct"), certificate(ca.Intermediate(t), "chained")
			machine := func(id, method string, metadata map[string]any) rig.Client {
				metadata["grant_types"], metadata["response_types"] = []string{"client_credentials"}, []string{}
				metadata["tls_client_certificate_bound_access_tokens"] = true
				return rig.Client{ID: id, Scope: "read", Method: method, Metadata: metadata}
			}
			rig.ImportClients(t, f.Cluster,
				machine("self", "self_signed_tls_client_auth", map[string]any{"jwks": jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: self.Leaf.PublicKey, Certificates: []*x509.Certificate{self.Leaf}}}}}),
				machine("direct", "tls_client_auth", map[string]any{"tls_client_auth_subject_dn": "CN=direct"}),
				machine("chained", "tls_client_auth", map[string]any{"tls_client_auth_subject_dn": "CN=chained"}),
			)
			for _, tc := range []struct {
				name, id string
				pair     *tls.Certificate
				want     int
			}{
				{"its certificate", "self", self, 200},
				{"another certificate", "self", other, 401},
				{"no certificate", "self", nil, 401},
				{"a certificate of the authority", "direct", direct, 200},
				{"a self-signed certificate of its name", "direct", certificate(nil, "direct"), 401},
				// Only HAProxy forwards the chain.
				{"a certificate below the authority", "chained", chained, map[bool]int{true: 200, false: 401}[name == "haproxy"]},
			} {
				got := request(t, mutual, tc.id, tc.pair, nil)
				if got.status != tc.want {
					t.Errorf("%s: %d %s, want %d", tc.name, got.status, got.body, tc.want)
				}
				if tc.want == http.StatusOK && got.thumbprint(t) != thumbprint(tc.pair) {
					t.Errorf("%s: the token is bound to %s, want %s", tc.name, got.thumbprint(t), thumbprint(tc.pair))
				}
			}
			forged := http.Header{
				"Client-Cert":     {":" + base64.StdEncoding.EncodeToString(self.Leaf.Raw) + ":"},
				"Ssl-Client-Cert": {strings.ReplaceAll(url.QueryEscape(string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: self.Leaf.Raw}))), "+", "%20")},
			}
			for _, address := range []string{mutual, f.Issuer} {
				if got := request(t, address, "self", nil, forged); got.status != http.StatusUnauthorized {
					t.Errorf("a header that the client made up, at %s: %d %s", address, got.status, got.body)
				}
			}
			if got := request(t, mutual, "self", other, forged); got.status != http.StatusUnauthorized {
				t.Errorf("a header that the client made up, with a certificate: %d %s", got.status, got.body)
			}
		})
	}
}

// files are the certificates of a proxy: that of the server with its key, in one file and in two, and that
// of the authority of clients.
type files struct{ both, cert, key, authority string }

func writeFiles(t *testing.T, dir string, ca *certtest.Authority) files {
	t.Helper()
	pair := certtest.New(t, nil, certtest.ForServer)
	f := files{both: filepath.Join(dir, "both.pem"), authority: ca.File}
	f.cert, f.key = certtest.Files(t, pair)
	var both []byte
	for _, name := range []string{f.cert, f.key} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, text...)
	}
	if err := os.WriteFile(f.both, both, 0o600); err != nil {
		t.Fatal(err)
	}
	return f
}

// certificateEdits returns the edits of the documented addition, beyond the address of the server, which
// config edits.
func (k kind) certificateEdits(port string, f files) []string {
	switch k.language {
	case "nginx":
		return []string{
			"listen 8443 ssl http2;", "listen 127.0.0.1:" + port + " ssl http2;", "server_name id.example.com;", "server_name localhost;",
			"/etc/ssl/id.example.com.pem", f.cert, "/etc/ssl/id.example.com.key", f.key,
		}
	case "haproxy":
		return []string{"bind :8443", "bind 127.0.0.1:" + port, "/etc/haproxy/id.example.com.pem", f.both, "/etc/haproxy/clients-ca.pem", f.authority}
	default:
		return []string{"id.example.com:8443 {", "https://localhost:" + port + " {\n    bind 127.0.0.1", "    tls {", "    tls " + f.cert + " " + f.key + " {"}
	}
}

func portOf(t *testing.T) string {
	t.Helper()
	_, port, err := net.SplitHostPort(freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func thumbprint(pair *tls.Certificate) string {
	sum := sha256.Sum256(pair.Leaf.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

type answer struct {
	status int
	body   string
}

// thumbprint returns the certificate to which the access token of the response is bound.
func (a answer) thumbprint(t *testing.T) string {
	t.Helper()
	var response struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(a.body), &response); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	parts := strings.Split(response.AccessToken, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %s", a.body)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Confirmation map[string]string `json:"cnf"`
	}
	if err := json.Unmarshal(raw, &claims); err != nil {
		t.Fatal(err)
	}
	return claims.Confirmation["x5t#S256"]
}

// request sends a client credentials request with a certificate, nil for none.
func request(t *testing.T, address, id string, pair *tls.Certificate, header http.Header) answer {
	t.Helper()
	config := &tls.Config{InsecureSkipVerify: true}
	if pair != nil { // whatever authorities the proxy names
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair, nil }
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	body := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "scope": {"read"}}.Encode()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/oauth2/token", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(r.Header, header)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := (&http.Client{Transport: transport, Timeout: processTimeout}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, string(text)}
}
