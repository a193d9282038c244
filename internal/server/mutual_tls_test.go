package server_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/clientcert/certtest"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Authentication and bound tokens by certificate cost no statement: compare TestStatementsPerRequest.
func TestMutualTLSAddsNoStatement(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.MutualTLSSettings())
		c := servertest.NewCertificateClient(s)
		c.Import("one", nil)
		form := func(pairs ...string) url.Values { return servertest.Form(append(pairs, "client_id", "one")...) }
		code := s.NewBrowser().Code(servertest.AuthorizationRequest("client_id", "one"))
		c.PostForm("/oauth2/token", form("grant_type", "client_credentials"))

		expect := func(request string, want int64, act func() servertest.Response) map[string]any {
			t.Helper()
			before := db.Statements()
			p := act()
			if got := db.Statements() - before; got != want || p.Status != http.StatusOK {
				t.Errorf("%s: %d statements and status %d, want %d and 200", request, got, p.Status, want)
			}
			return p.JSON(t)
		}
		expect("client_credentials", 0, func() servertest.Response {
			return c.PostForm("/oauth2/token", form("grant_type", "client_credentials"))
		})
		issued := expect("exchange", 1, func() servertest.Response {
			return c.PostForm("/oauth2/token", servertest.CodeExchange(code, "client_id", "one"))
		})
		issued = expect("refresh", 1, func() servertest.Response {
			return c.PostForm("/oauth2/token", form("grant_type", "refresh_token", "refresh_token", servertest.Text(issued["refresh_token"])))
		})
		expect("userinfo", 1, func() servertest.Response { return c.Userinfo(issued["access_token"]) })
		expect("introspect", 1, func() servertest.Response {
			return c.PostForm("/oauth2/introspect", form("token", servertest.Text(issued["access_token"])))
		})
	})
}

// The aliases of the metadata are the endpoints that are on, and all of them know clients by their
// certificate.
func TestEveryAliasAuthenticatesByCertificate(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.MutualTLSSettings())
	c, other := servertest.NewCertificateClient(s), servertest.NewCertificateClient(s)
	c.Import("one", servertest.Object{"grant_types": []string{"authorization_code", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"}})
	metadata := s.NewBrowser().Get("/.well-known/openid-configuration").JSON(t)
	aliases, _ := metadata["mtls_endpoint_aliases"].(map[string]any)
	if metadata["tls_client_certificate_bound_access_tokens"] != true || aliases["authorization_endpoint"] != nil {
		t.Errorf("metadata %v", metadata)
	}
	token := servertest.Text(c.PostForm("/oauth2/token", servertest.Form("client_id", "one", "grant_type", "client_credentials")).JSON(t)["access_token"])
	push := servertest.AuthorizationRequest("client_id", "one")
	for name, form := range map[string]url.Values{
		"token_endpoint":                        servertest.Form("grant_type", "client_credentials"),
		"pushed_authorization_request_endpoint": push,
		"introspection_endpoint":                servertest.Form("token", token),
		"device_authorization_endpoint":         servertest.Form("scope", "openid"),
		"revocation_endpoint":                   servertest.Form("token", token),
	} {
		path, ours := strings.CutPrefix(servertest.Text(aliases[name]), s.MutualTLSURL)
		if !ours || servertest.Text(metadata[name]) != s.URL+path {
			t.Errorf("the alias of %s is %v", name, aliases[name])
		}
		form.Set("client_id", "one")
		servertest.WantError(t, other.PostForm(path, form), http.StatusUnauthorized, "invalid_client")
		servertest.WantError(t, s.PostForm(path, form), http.StatusUnauthorized, "invalid_client")
		if p := c.PostForm(path, form); p.Status >= http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, p.Status, p.Body)
		}
	}
	if aliases["userinfo_endpoint"] != s.MutualTLSURL+"/userinfo" {
		t.Errorf("aliases %v", aliases)
	}
	if p := servertest.Start(t, storetest.New(t), nil).NewBrowser().Get("/.well-known/openid-configuration"); strings.Contains(p.Body, "mtls") || strings.Contains(p.Body, "tls_client") {
		t.Errorf("without mutual TLS, the metadata is %s", p.Body)
	}
}

// The listener for certificates has no pages, and no TLS below that of RFC 9325. The public listener
// requests no certificate.
func TestMutualTLSListener(t *testing.T) {
	t.Parallel()
	certFile, keyFile := certtest.Files(t, certtest.New(t, nil, certtest.ForServer))
	s := servertest.Start(t, storetest.New(t), servertest.MutualTLSSettings("tls_cert_file", certFile, "tls_key_file", keyFile))
	c := servertest.NewCertificateClient(s)
	plain, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	public, err := s.App.Secure(plain)
	if err != nil {
		t.Fatal(err)
	}
	defer public.Close()
	go func() {
		for conn, err := public.Accept(); err == nil; conn, err = public.Accept() {
			_, _ = conn.Write([]byte("x")) // completes the handshake
			_ = conn.Close()
		}
	}()
	mutual := strings.TrimPrefix(s.MutualTLSURL, "https://")
	handshake := func(address string, change func(*tls.Config)) (asked bool, err error) {
		config := &tls.Config{
			InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, // old versions are for the server to reject
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				asked = true
				return &c.Pair, nil
			},
		}
		if change != nil {
			change(config)
		}
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", address)
		if err != nil {
			return asked, err
		}
		return asked, conn.Close()
	}
	for address, want := range map[string]bool{public.Addr().String(): false, mutual: true} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			if asked, err := handshake(address, func(c *tls.Config) { c.MaxVersion = version }); err != nil || asked != want {
				t.Errorf("asked for a certificate: %t (%v), want %t", asked, err, want)
			}
		}
		for name, change := range map[string]func(*tls.Config){
			"TLS 1.1": func(c *tls.Config) { c.MaxVersion = tls.VersionTLS11 },
			"CBC": func(c *tls.Config) {
				c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
			},
			"ChaCha20": func(c *tls.Config) {
				c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}
			},
			"RSA": func(c *tls.Config) {
				c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
			},
		} {
			if _, err := handshake(address, change); err == nil {
				t.Errorf("%s accepts %s", address, name)
			}
		}
	}
	large := servertest.NewAuthority(t).Issue(s, func(c *x509.Certificate) { c.DNSNames = []string{strings.Repeat("a", 20<<10)} })
	if _, err := handshake(mutual, func(c *tls.Config) {
		c.MaxVersion, c.GetClientCertificate, c.Certificates = tls.VersionTLS12, nil, []tls.Certificate{large.Pair}
	}); err == nil {
		t.Error("a huge certificate is accepted")
	}
	for path, want := range map[string]int{"/login": 404, "/oauth2/auth": 404, "/account": 404, "/connect/register": 404, "/.well-known/openid-configuration": 200} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.MutualTLSURL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := c.Send(r); p.Status != want {
			t.Errorf("%s: %d, want %d", path, p.Status, want)
		}
	}
}

// Certificates count from trusted proxies alone, in the configured form, at all listeners.
//
// Spec: RFC 9440 §2, §4.
func TestForwardedCertificates(t *testing.T) {
	t.Parallel()
	settings := func(proxies string) map[string]string {
		return map[string]string{
			"client_certificate_header": "client-cert", "mtls_url": "https://mtls.example", "trusted_proxies": proxies, "rate_limits": "off",
		}
	}
	type server struct {
		*servertest.Server

		one, two *servertest.CertificateClient
	}
	start := func(proxies string) server {
		s := servertest.Start(t, storetest.New(t), settings(proxies))
		started := server{s, servertest.NewCertificateClient(s), servertest.NewCertificateClient(s)}
		started.one.Import("one", servertest.Object{"scope": "openid clients:read"})
		return started
	}
	s, untrusting := start("127.0.0.1/32"), start("192.0.2.0/24")
	header := func(c *servertest.CertificateClient) string {
		return ":" + base64.StdEncoding.EncodeToString(c.Raw) + ":"
	}
	send := func(s server, path, authorization string, headers ...string) servertest.Response {
		method, body := http.MethodGet, ""
		if authorization == "" {
			method, body = http.MethodPost, servertest.Form("grant_type", "client_credentials", "client_id", "one", "scope", "clients:read").Encode()
		}
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.RemoteAddr = "127.0.0.1:1"
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		handler := s.App.Public()
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
			handler = s.App.Admin()
		} else {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return servertest.Response{Status: w.Code, Header: w.Header(), Body: w.Body.String()}
	}
	const token = "/oauth2/token"
	issued := send(s, token, "", "Client-Cert", header(s.one)).JSON(t)
	members, _ := servertest.Claims(t, issued["access_token"])["cnf"].(map[string]any)
	if members["x5t#S256"] != s.one.Thumbprint() {
		t.Fatalf("issued %v", issued)
	}
	for name, tc := range map[string]struct {
		response servertest.Response
		status   int
		code     string
	}{
		"another certificate":      {send(s, token, "", "Client-Cert", header(s.two)), 401, "invalid_client"},
		"no certificate":           {send(s, token, ""), 401, "invalid_client"},
		"an empty one":             {send(s, token, "", "Client-Cert", "::"), 401, "invalid_client"},
		"another form":             {send(s, token, "", "Ssl-Client-Cert", header(s.one)), 401, "invalid_client"},
		"two headers":              {send(s, token, "", "Client-Cert", header(s.one), "Client-Cert", header(s.one)), 400, "invalid_request"},
		"malformed":                {send(s, token, "", "Client-Cert", "a certificate"), 400, "invalid_request"},
		"oversized":                {send(s, token, "", "Client-Cert", ":"+strings.Repeat("A", 40<<10)+":"), 400, "invalid_request"},
		"from an untrusted sender": {send(untrusting, token, "", "Client-Cert", header(untrusting.one)), 401, "invalid_client"},
		"malformed and untrusted":  {send(untrusting, token, "", "Client-Cert", "a certificate"), 401, "invalid_client"},
	} {
		servertest.WantError(t, tc.response, tc.status, tc.code)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	bearer := "Bearer " + servertest.Text(send(s, token, "", "Client-Cert", header(s.one)).JSON(t)["access_token"])
	for name, tc := range map[string]struct {
		headers []string
		status  int
	}{
		"with the certificate":    {[]string{"Client-Cert", header(s.one)}, 200},
		"with another":            {[]string{"Client-Cert", header(s.two)}, 401},
		"without one":             {nil, 401},
		"with a malformed header": {[]string{"Client-Cert", ":"}, 400},
	} {
		if p := send(s, "/admin/clients", bearer, tc.headers...); p.Status != tc.status {
			t.Errorf("admin API %s: %d %s, want %d", name, p.Status, p.Body, tc.status)
		}
	}
}

// A new certificate at the jwks_uri counts as soon as it is fetched.
func TestCertificatesAtAURL(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.MutualTLSSettings("outbound_allow_private", "on"))
	before, after := servertest.NewCertificateClient(s), servertest.NewCertificateClient(s)
	published := before.KeySet()
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(published) }))
	defer keys.Close()
	servertest.WithoutCertificate(s).Import("one", servertest.Object{"jwks_uri": keys.URL})
	form := servertest.Form("grant_type", "client_credentials", "client_id", "one")
	if p := before.PostForm("/oauth2/token", form); p.Status != http.StatusOK {
		t.Fatalf("%d %s", p.Status, p.Body)
	}
	servertest.WantError(t, after.PostForm("/oauth2/token", form), http.StatusUnauthorized, "invalid_client")
	published = after.KeySet()
	s.Advance(2 * time.Minute)
	if p := after.PostForm("/oauth2/token", form); p.Status != http.StatusOK {
		t.Errorf("the new certificate: %d %s", p.Status, p.Body)
	}
	servertest.WantError(t, before.PostForm("/oauth2/token", form), http.StatusUnauthorized, "invalid_client")
}

// A key without x5c allows every certificate of it; a key with x5c for that certificate alone.
func TestCertificatesOfAKey(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.MutualTLSSettings())
	c := servertest.NewCertificateClient(s)
	renewed := c.Renew()
	if bytes.Equal(c.Raw, renewed.Raw) {
		t.Fatal("the same certificate")
	}
	form := servertest.Form("grant_type", "client_credentials", "client_id", "one")
	bare, encrypting := c.KeySet(), c.KeySet()
	bare.Keys[0].Certificates, encrypting.Keys[0].Certificates, encrypting.Keys[0].Use = nil, nil, "enc"
	for name, tc := range map[string]struct {
		jwks any
		want int
	}{
		"with x5c":            {c.KeySet(), 401},
		"without":             {bare, 200},
		"only for encryption": {encrypting, 401},
	} {
		c.Import("one", servertest.Object{"jwks": tc.jwks})
		if p := renewed.PostForm("/oauth2/token", form); p.Status != tc.want {
			t.Errorf("a renewed certificate of a key %s: %d %s, want %d", name, p.Status, p.Body, tc.want)
		}
	}
}
