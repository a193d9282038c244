package outbound

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// serve runs a TLS server and returns a client that trusts it.
func serve(t *testing.T, h http.HandlerFunc) (*httptest.Server, *Client) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	c, err := New(Config{
		AllowPrivate: true,
		CA:           pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, c
}

func TestASmallDocumentIsFetched(t *testing.T) {
	t.Parallel()

	s, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("Accept-Encoding = %q, want none: a small response may decompress to a large one", r.Header.Get("Accept-Encoding"))
		}
		_, _ = w.Write([]byte("hello"))
	})
	if body, err := c.Get(t.Context(), s.URL); err != nil || string(body) != "hello" {
		t.Errorf("Get = %q, %v; want hello", body, err)
	}
}

func TestOtherResponsesAreErrors(t *testing.T) {
	t.Parallel()

	var followed atomic.Bool
	s, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect":
			http.Redirect(w, r, "/target", http.StatusFound)
		case "/target":
			followed.Store(true)
		case "/large":
			_, _ = w.Write(make([]byte, maxBody+1))
		case "/head":
			w.Header().Set("X", strings.Repeat("x", 2*maxHead))
		case "/created":
			w.WriteHeader(http.StatusCreated)
		case "/full":
			_, _ = w.Write(make([]byte, maxBody))
		}
	})
	for path, want := range map[string]bool{
		"/redirect": false, "/large": false, "/head": false, "/created": false, "/full": true,
	} {
		if body, err := c.Get(t.Context(), s.URL+path); (err == nil) != want {
			t.Errorf("Get(%s) = %d bytes, %v; want success = %v", path, len(body), err, want)
		}
	}
	if followed.Load() {
		t.Error("the redirect was followed")
	}
}

func TestPostReturnsTheStatus(t *testing.T) {
	t.Parallel()

	var followed atomic.Bool
	s, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/target":
			followed.Store(true)
		case "/endless":
			for {
				if _, err := w.Write(make([]byte, maxBody)); err != nil {
					return
				}
			}
		case "/redirect":
			http.Redirect(w, r, "/target", http.StatusTemporaryRedirect)
		default:
			if r.Method != http.MethodPost || r.ParseForm() != nil || r.PostForm.Get("logout_token") != "a b&c" || r.Header.Get("Cookie") != "" {
				w.WriteHeader(http.StatusTeapot)
			}
			w.WriteHeader(http.StatusNoContent)
		}
	})
	for path, want := range map[string]int{"/": http.StatusNoContent, "/redirect": http.StatusTemporaryRedirect, "/endless": http.StatusOK} {
		if got, err := c.Post(t.Context(), s.URL+path, url.Values{"logout_token": {"a b&c"}}); err != nil || got != want {
			t.Errorf("Post(%s) = %d, %v; want %d", path, got, err, want)
		}
	}
	if followed.Load() {
		t.Error("the redirect was followed")
	}
	strict, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{s.URL, "http://rp.example", "file:///etc/passwd", "https://ada@rp.example", "://"} {
		if _, err := strict.Post(t.Context(), to, nil); err == nil {
			t.Errorf("Post(%q): no error", to)
		}
	}
}

func TestPrivateAddressesAreNeverDialled(t *testing.T) {
	t.Parallel()

	var reached atomic.Bool
	s, _ := serve(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	strict, err := New(Config{CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})})
	if err != nil {
		t.Fatal(err)
	}
	port := s.URL[strings.LastIndex(s.URL, ":"):]
	for _, host := range []string{
		"127.0.0.1", "localhost", "127.1", "2130706433", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", // loopback
		"10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "[fd00::1]", // private
		"169.254.169.254", "[fe80::1]", // link-local
		"224.0.0.1", "[ff02::1]", // multicast
		"[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", // loopback through a translator
	} {
		_, err := strict.Get(t.Context(), "https://"+host+port)
		if err == nil || !strings.Contains(err.Error(), "permitted") && !strings.Contains(err.Error(), "lookup") {
			t.Errorf("Get(%s): err = %v, want a refusal to dial", host, err)
		}
	}
	if reached.Load() {
		t.Error("the server was reached")
	}
}

func TestOnlyHTTPSIsFetched(t *testing.T) {
	t.Parallel()

	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	strict, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	loose, err := New(Config{AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loose.Get(t.Context(), s.URL); err != nil {
		t.Errorf("http on a loopback address, where that is allowed: %v", err)
	}
	for _, from := range []string{s.URL, "http://rp.example", "file:///etc/passwd", "ftp://127.0.0.1", "gopher://127.0.0.1", "", "://"} {
		if _, err := strict.Get(t.Context(), from); err == nil {
			t.Errorf("Get(%q): no error", from)
		}
	}
	for _, url := range []string{"http://rp.example", "https://user:password@127.0.0.1"} {
		if _, err := loose.Get(t.Context(), url); err == nil || !strings.Contains(err.Error(), "https") && !strings.Contains(err.Error(), "user name") {
			t.Errorf("Get(%q): err = %v, want a refusal", url, err)
		}
	}
}

func TestProxyVariablesAreIgnored(t *testing.T) {
	var used atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { used.Store(true) }))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTPS_PROXY", proxy.URL)
	t.Setenv("HTTP_PROXY", proxy.URL)
	c, err := New(Config{AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), "https://rp.invalid/"); err == nil || used.Load() {
		t.Errorf("err = %v, proxy used = %v; want an error without a proxy", err, used.Load())
	}
}

func TestAnUnknownCertificateIsRejected(t *testing.T) {
	t.Parallel()

	s, _ := serve(t, func(http.ResponseWriter, *http.Request) {})
	c, err := New(Config{AllowPrivate: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), s.URL); err == nil {
		t.Error("no error")
	}
	if _, err := New(Config{CA: []byte("no certificate")}); err == nil {
		t.Error("New with a bad CA: no error")
	}
}
