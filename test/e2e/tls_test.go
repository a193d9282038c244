//go:build e2e

package e2e

import (
	"crypto/tls"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
)

func TestOverTLSCookiesAreBoundToTheHost(t *testing.T) {
	t.Parallel()
	server := startDev(t, "--tls")
	if !strings.HasPrefix(server.issuer, "https://localhost:") {
		t.Fatalf("the issuer is %s, want https", server.issuer)
	}
	p := newBrowser(t)
	p.ignoreCertificateErrors()

	p.open(server.demo)
	p.press("#signin")
	p.wantSecureCookies(server, "__Host-ostiary_request_")
	p.signIn(server.username, server.password)
	p.press("#accept")
	p.wantText("#greeting", "Hello")
	p.wantSecureCookies(server, "__Host-ostiary_session")
	p.press("#refresh")
	p.wantText("#refreshed-at", ":")
	p.press("#signout")
	p.wantText("#demo-signed-out", "signed out")
}

// wantSecureCookies fails the test unless the cookies of the server have the __Host-
// prefix and all attributes for security, and one has the name.
func (p *browser) wantSecureCookies(server *dev, name string) {
	p.t.Helper()
	found := false
	result := runAction(p, call(network.GetCookies, network.GetCookiesParams{URLs: []string{server.issuer}}))
	for _, cookie := range result.Cookies {
		if !strings.Contains(cookie.Name, "ostiary_") || strings.HasPrefix(cookie.Name, "ostiary_demo_") {
			continue
		}
		found = found || strings.HasPrefix(cookie.Name, name)
		// The cookie of session management is read by script in a third-party frame.
		site, readable := network.CookieSameSiteLax, strings.HasSuffix(cookie.Name, "ostiary_state")
		if readable {
			site = network.CookieSameSiteNone
		}
		if !strings.HasPrefix(cookie.Name, "__Host-") || !cookie.Secure || cookie.HTTPOnly == readable ||
			cookie.SameSite != site || cookie.Path != "/" {
			p.t.Errorf("insecure cookie %s: %+v", cookie.Name, cookie)
		}
	}
	if !found {
		p.t.Errorf("no cookie with the name %s...", name)
	}
}

func TestTLSVersions(t *testing.T) {
	t.Parallel()
	server := startDev(t, "--tls")
	address := strings.TrimPrefix(server.issuer, "https://")

	old := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", address, old); err == nil {
		conn.Close()
		t.Error("TLS 1.1 was accepted")
	}
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
	}}
	response, err := client.Get(server.issuer + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.ProtoMajor != 2 {
		t.Errorf("protocol for an HTTP/2 client = %s", response.Proto)
	}
	if got := response.Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("Strict-Transport-Security is %q, want none for localhost, where other servers use http", got)
	}
}
