package middleware_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/middleware"
)

func TestTLSOffersOnlyStrongSuites(t *testing.T) {
	t.Parallel()

	server := httptest.NewUnstartedServer(http.HandlerFunc(ok))
	server.Config.ErrorLog = nil
	server.StartTLS()
	cert := server.TLS.Certificates[0]
	show := func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &cert, nil }
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	server.Close()

	handshake := func(client *tls.Config) error {
		client.RootCAs, client.ServerName = pool, "example.com"
		near, far := net.Pipe()
		defer near.Close()
		go func() {
			defer far.Close()
			tls.Server(far, middleware.TLSConfig(show)).Handshake()
		}()
		return tls.Client(near, client).Handshake()
	}
	for name, tc := range map[string]struct {
		client *tls.Config
		works  bool
	}{
		"TLS 1.3":                    {&tls.Config{MinVersion: tls.VersionTLS13}, true},
		"TLS 1.2":                    {&tls.Config{MaxVersion: tls.VersionTLS12}, true},
		"TLS 1.1":                    {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		"TLS 1.2 with CBC":           {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}}, false},
		"TLS 1.2 without ephemerals": {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}}, false},
		"TLS 1.2 with AES-256-GCM":   {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if err := handshake(tc.client); (err == nil) != tc.works {
				t.Errorf("handshake: %v, want it to work: %t", err, tc.works)
			}
		})
	}
}

// raw sends bytes that no client library would, and returns the status line.
func raw(t *testing.T, h http.Handler, request string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := middleware.NewServer(h)
	go server.Serve(listener)
	defer server.Close()

	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, request)
	status, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatalf("%.60q: %v", request, err)
	}
	return strings.TrimSpace(status)
}

func TestMalformedHTTPRequests(t *testing.T) {
	t.Parallel()

	h := middleware.Form(tokenRule())(http.HandlerFunc(ok))
	const head = "POST /oauth2/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n"
	for name, tc := range map[string]struct{ request, want string }{
		"a good request, to compare":   {head + "Content-Length: 6\r\n\r\ncode=a", "200"},
		"a chunked body":               {head + "Transfer-Encoding: chunked\r\n\r\n6\r\ncode=a\r\n0\r\n\r\n", "200"},
		"a chunked body without end":   {head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
		"a chunked body too large":     {head + "Transfer-Encoding: chunked\r\n\r\n20000\r\n" + strings.Repeat("a", 0x20000) + "\r\n0\r\n\r\n", "413"},
		"two Content-Types":            {head + "Content-Type: text/plain\r\nContent-Length: 6\r\n\r\ncode=a", "415"},
		"a NUL in a header":            {head + "Authorization: Bearer \x00\r\nContent-Length: 6\r\n\r\ncode=a", "400"},
		"headers over the limit":       {head + "X: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", "431"},
		"an absolute target elsewhere": {strings.Replace(head, "/oauth2", "http://evil.example/oauth2", 1) + "Content-Length: 6\r\n\r\ncode=a", "200"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			if got := raw(t, h, tc.request); !strings.Contains(got, " "+tc.want+" ") {
				t.Errorf("answered %q, want %s", got, tc.want)
			}
		})
	}
}
