//go:build e2e

// Package proxy runs the server behind nginx, HAProxy and Caddy from Debian, with the
// configurations of docs/operations.md.
package proxy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/test/rig"
)

// processTimeout is the longest wait for a process.
const processTimeout = 30 * time.Second

// kind is a proxy with the edits that its configuration needs in a test.
type kind struct {
	language string
	// config returns the complete configuration with the address to listen on and the
	// address of the server.
	config func(t *testing.T, text, dir, listen, server string) string
	// path edits the configuration for an issuer with a path; strips also removes the
	// path from forwarded requests.
	path   func(t *testing.T, text, forPath string) string
	strips func(t *testing.T, text string) string
	run    func(file, dir string) *exec.Cmd
}

func kinds() map[string]kind {
	return map[string]kind{
		"nginx": {"nginx", nginxConfig, func(t *testing.T, text, forPath string) string {
			t.Helper()
			return edit(t, text, "    location / { proxy_pass http://ostiary; }\n", forPath)
		}, func(t *testing.T, text string) string {
			t.Helper()
			return edit(t, text, "location /auth/ { proxy_pass http://ostiary;", "location /auth/ { proxy_pass http://ostiary/;")
		}, func(file, dir string) *exec.Cmd { return exec.Command("nginx", "-p", dir, "-c", file) }},

		"haproxy": {"haproxy", haproxyConfig, func(t *testing.T, text, forPath string) string {
			t.Helper()
			return edit(t, text, "    default_backend ostiary\n", forPath)
		}, func(t *testing.T, text string) string {
			t.Helper()
			return edit(t, text, "backend ostiary\n    option", "backend ostiary\n    http-request replace-path ^/auth/(.*) /\\1\n    option")
		}, func(file, _ string) *exec.Cmd { return exec.Command("haproxy", "-db", "-f", file) }},

		"caddy": {"caddyfile", caddyConfig, func(t *testing.T, text, forPath string) string {
			t.Helper()
			before, _, _ := strings.Cut(text, "    reverse_proxy")
			return before + forPath + "}\n"
		}, func(t *testing.T, text string) string {
			t.Helper()
			return edit(t, text, "        reverse_proxy", "        uri strip_prefix /auth\n        reverse_proxy")
		}, func(file, _ string) *exec.Cmd {
			return exec.Command("caddy", "run", "--config", file, "--adapter", "caddyfile")
		}},
	}
}

// The documented part is a server of nginx; the test adds the rest, and removes TLS.
func nginxConfig(t *testing.T, text, dir, listen, server string) string {
	t.Helper()
	text = edit(t, text, "127.0.0.1:4444", server, "listen 443 ssl http2;", "listen "+listen+";", "server_name id.example.com;", "",
		"ssl_certificate     /etc/ssl/id.example.com.pem;", "", "ssl_certificate_key /etc/ssl/id.example.com.key;", "")
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n"
	}
	var temp strings.Builder
	for _, use := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		temp.WriteString(use + "_temp_path " + filepath.Join(dir, use) + ";\n")
	}
	return user + "daemon off;\nworker_processes 1;\npid " + filepath.Join(dir, "pid") + ";\nerror_log stderr;\n" +
		"events { worker_connections 256; }\nhttp {\naccess_log off;\n" + temp.String() + text + "}\n"
}

func haproxyConfig(t *testing.T, text, _, listen, server string) string {
	t.Helper()
	return edit(t, text, "127.0.0.1:4444", server, "bind :443 ssl crt /etc/haproxy/id.example.com.pem alpn h2,http/1.1", "bind "+listen)
}

func caddyConfig(t *testing.T, text, dir, listen, server string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(listen)
	if err != nil {
		t.Fatal(err)
	}
	text = edit(t, text, "127.0.0.1:4444", server, "id.example.com {", "http://localhost:"+port+" {\n    bind 127.0.0.1")
	return "{\n    admin off\n    storage file_system " + dir + "\n}\n" + text
}

// startBefore starts the proxy on a free port in front of a server, and returns its URL.
// It stops with the test.
func (k kind) startBefore(t *testing.T, text, server string) string {
	t.Helper()
	// The proxy may resolve localhost to an IPv6 address.
	server = strings.Replace(strings.TrimPrefix(server, "http://"), "localhost", "127.0.0.1", 1)
	dir := t.TempDir()
	for range 5 { // another process may take the port
		listen := freePort(t)
		file := filepath.Join(dir, "config")
		if err := os.WriteFile(file, []byte(k.config(t, text, dir, listen, server)), 0o600); err != nil {
			t.Fatal(err)
		}
		if k.start(t, file, dir, listen) {
			return "http://localhost:" + listen[strings.Index(listen, ":")+1:]
		}
	}
	t.Fatalf("%s did not start", k.language)
	return ""
}

// start reports whether the proxy accepts connections before it exits.
func (k kind) start(t *testing.T, file, dir, listen string) bool {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	process := k.run(file, dir)
	process.Stdout, process.Stderr, process.Env = log, log, append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if err := process.Start(); err != nil {
		t.Fatalf("%v: install it with tools/need", err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = process.Wait() }()
	t.Cleanup(func() {
		_ = process.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(processTimeout):
			_ = process.Process.Kill()
			<-ended
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), processTimeout)
	defer cancel()
	for {
		if conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", listen); err == nil {
			return conn.Close() == nil
		}
		select {
		case <-ended:
			text, _ := os.ReadFile(log.Name())
			t.Logf("%s exited: %s", k.language, text)
			return false
		case <-ctx.Done():
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// fixture is the server behind a proxy, with a user and a client.
type fixture struct {
	*rig.Cluster
	client rig.Client
	user   rig.User
}

// serve starts the server behind the proxy with the configuration.
func (k kind) serve(t *testing.T, text, path string, env map[string]string) *fixture {
	t.Helper()
	f := &fixture{client: rig.StandardClients().Web, user: rig.User{Username: "ada", Password: "correct horse battery"}}
	f.Cluster = rig.Serve(t, rig.Options{Env: env, Proxy: func(server string) string { return k.startBefore(t, text, server) + path }})
	f.awaitProxy(t)
	rig.ImportClients(t, f.Cluster, f.client)
	rig.ImportUsers(t, f.Cluster, f.user)
	return f
}

// awaitProxy waits until the proxy, which starts first, can reach the server.
func (f *fixture) awaitProxy(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), processTimeout)
	defer cancel()
	for got := f.Get(ctx, "/health/ready"); got.Status != http.StatusOK; got = f.Get(ctx, "/health/ready") {
		select {
		case <-ctx.Done():
			t.Fatalf("the proxy cannot reach the server: %v", got)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// flow signs in with a state of the maximum length, and refreshes.
func (f *fixture) flow(t *testing.T, browser *rig.Browser) {
	t.Helper()
	state := strings.Repeat("s", 14<<10)
	a, err := browser.Authorize(t.Context(), &f.client, url.Values{"state": {state}})
	if err != nil {
		t.Fatal(err)
	}
	if a.State != state || a.Issuer != f.Issuer {
		t.Errorf("response with a state of %d bytes and iss %q, want %d and %q", len(a.State), a.Issuer, len(state), f.Issuer)
	}
	got := f.Exchange(t.Context(), &f.client, a.Code, a.Verifier)
	if got = f.Refresh(t.Context(), &f.client, got.Text("refresh_token")); got.Status != http.StatusOK {
		t.Errorf("refresh: %v", got)
	}
	if userinfo := f.Userinfo(t.Context(), got.Text("access_token")); userinfo.Text("sub") == "" {
		t.Errorf("userinfo: %v", userinfo)
	}
	if want := `"client_address":"127.0.0.1"`; !strings.Contains(f.Logs(), want) {
		t.Errorf("the log lacks the client address %s", want)
	}
}

func TestDocumentedProxyConfigurations(t *testing.T) {
	t.Parallel()
	for name, k := range kinds() {
		whole, forPath := documented(t, k.language)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := k.serve(t, whole, "", nil)
			f.flow(t, rig.NewBrowser(f.Endpoint, f.user))
		})
		for _, mode := range []string{"kept", "stripped"} {
			t.Run(fmt.Sprint(name, " with a path that is ", mode), func(t *testing.T) {
				t.Parallel()
				text := k.path(t, whole, forPath)
				if mode == "stripped" {
					text = k.strips(t, text)
				}
				f := k.serve(t, text, "/auth", map[string]string{"ISSUER_PATH": mode})
				f.flow(t, rig.NewBrowser(f.Endpoint, f.user))
				root := strings.TrimSuffix(f.Issuer, "/auth")
				for _, address := range []string{
					f.Issuer + "/.well-known/openid-configuration", root + "/.well-known/oauth-authorization-server/auth",
					root + "/.well-known/openid-configuration/auth",
				} {
					at := rig.Endpoint{URL: address, HTTP: f.HTTP}
					if got := at.Get(t.Context(), ""); got.Text("issuer") != f.Issuer {
						t.Errorf("%s: %v", address, got)
					}
				}
				at := rig.Endpoint{URL: root, HTTP: f.HTTP}
				if got := at.Get(t.Context(), "/login"); strings.Contains(got.Body, "Ostiary") {
					t.Errorf("a path outside of the issuer reaches the server: %v", got)
				}
			})
		}
	}
}

// Without the line for Host, nginx sends the name of the upstream. Sign-in still works,
// also in browsers without Fetch Metadata, and posts of other sites are rejected.
func TestSignInBehindNginxThatRewritesHost(t *testing.T) {
	t.Parallel()
	k := kinds()["nginx"]
	whole, _ := documented(t, k.language)
	f := k.serve(t, edit(t, whole, "    proxy_set_header Host $http_host;\n", ""), "", nil)
	for _, old := range []bool{true, false} {
		browser := rig.NewBrowser(f.Endpoint, f.user)
		browser.NoFetchMetadata = old
		f.flow(t, browser)
	}
	for origin, want := range map[string]int{f.Issuer: http.StatusBadRequest, "https://evil.example": http.StatusForbidden, "http://ostiary": http.StatusForbidden} {
		got := f.Do(t.Context(), http.MethodPost, "/login", url.Values{"username": {"ada"}}, http.Header{"Origin": {origin}})
		if got.Status != want {
			t.Errorf("a form from %s: %d, want %d", origin, got.Status, want)
		}
	}
}

// The lines for buffers are required: with the default buffers of nginx, a long state
// causes an error page of nginx. With MAX_REDIRECT_URL_LENGTH lowered to the size of the
// buffers, the server returns an error that names the fix.
func TestNginxWithDefaultBuffers(t *testing.T) {
	t.Parallel()
	k := kinds()["nginx"]
	whole, _ := documented(t, k.language)
	small := edit(t, whole, "    proxy_buffer_size 32k;\n", "", "    proxy_buffers 8 32k;\n", "", "    proxy_busy_buffers_size 64k;\n", "")
	for limit, want := range map[string]string{"16384": "502 Bad Gateway", "2048": "response_mode=form_post"} {
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			f := k.serve(t, small, "", map[string]string{"MAX_REDIRECT_URL_LENGTH": limit})
			_, err := rig.NewBrowser(f.Endpoint, f.user).Authorize(t.Context(), &f.client, url.Values{"state": {strings.Repeat("s", 6<<10)}})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("a long state: %v, want %q", err, want)
			}
		})
	}
}
