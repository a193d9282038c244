//go:build conformance

package conformance

import (
	"context"
	"fmt"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/test/rig"
)

// Credentials of the test user.
const (
	username = "alice"
	password = "alice-Passw0rd"
)

// site is the server under test.
type site struct {
	*rig.Cluster

	issuer    string
	callbacks string // prefix of the suite's callback URLs

	identities [2]*identity // of the clients of FAPI plans
}

// serve starts the server on a new database, with the clients of the plans to test. Its issuer is an https URL on a free port
// of this machine, with a TLS proxy, and it trusts the suite's certificate.
func serve(t *testing.T, engine rig.Engine, tested []plan, suite *suite, certificate []byte) *site {
	t.Helper()
	authority := filepath.Join(t.TempDir(), "suite.pem")
	if err := os.WriteFile(authority, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	front := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &site{issuer: "https://localhost:" + port, callbacks: suite.base + "/test/"}
	s.Cluster = rig.Serve(t, rig.Options{
		Database: rig.Database(t, engine), Issuer: s.issuer,
		Env: map[string]string{
			"LEGACY_RESPONSE_TYPES": "on", "OUTBOUND_ALLOW_PRIVATE": "on", "OUTBOUND_CA_FILE": authority,
			"LOG_LEVEL": "info", "KEY_SET_CACHE": "2m",
			// The suite warns of scope claims in an ID token if there is an access token.
			"ID_TOKEN_CLAIMS": "minimal", "DEMO_RESOURCE": "on",
		},
	})
	behind, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	front.Config.Handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(behind)
		r.SetXForwarded()
	}}
	front.Config.ErrorLog = nil
	front.TLS = middleware.TLSConfig(nil)
	front.StartTLS()
	t.Cleanup(front.Close)

	rig.ImportUsers(t, s.Cluster, rig.User{Username: username, Password: password, Claims: everyClaim()})
	for i := range s.identities {
		if s.identities[i], err = newIdentity(fmt.Sprintf("client-%d", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	var clients []map[string]any
	for _, p := range tested {
		clients = append(clients, s.clients(p)...)
	}
	rig.ImportMetadata(t, s.Cluster, clients...)
	return s
}

// rotate rotates a signing key, and waits until the server has read the change. It
// rotates RS256, since the suite does not support EdDSA keys.
func (s *site) rotate(ctx context.Context) error {
	if r := s.Run(ctx, "keys", "rotate", "--algorithm", "RS256"); r.Code != 0 {
		return fmt.Errorf("rotate keys: exit code %d: %s", r.Code, r.Stderr)
	}
	time.Sleep(6 * time.Second)
	return nil
}

// everyClaim returns all standard claims of a user.
func everyClaim() map[string]any {
	return map[string]any{
		"name": "Alice Example", "given_name": "Alice", "family_name": "Example", "middle_name": "Beth", "nickname": "ali",
		"profile": "https://alice.example/", "picture": "https://alice.example/p.png", "website": "https://alice.example/site",
		"gender": "female", "birthdate": "1990-05-17", "zoneinfo": "Europe/Zurich", "locale": "en-GB", "updated_at": 1760000000,
		"email": "alice@example.com", "email_verified": true, "phone_number": "+41441234567", "phone_number_verified": true,
		"address": map[string]any{
			"formatted": "1 Main Street\nZurich", "street_address": "1 Main Street", "locality": "Zurich",
			"region": "ZH", "postal_code": "8000", "country": "CH",
		},
	}
}

// config returns the configuration of a plan for the suite.
func (s *site) config(p plan) (map[string]any, error) {
	general, exceptions := s.browsing()
	config := map[string]any{
		"description": "Ostiary", "options": map[string]any{"browsercontrol_css_enable": false},
		"server": map[string]any{
			"discoveryUrl": s.issuer + "/.well-known/openid-configuration", "login_hint": username, "ui_locales": "en",
			"allow_unexpected_metadata_fields": vendorMembers(),
		},
		"client":  map[string]any{"client_name": "conformance one"},
		"client2": map[string]any{"client_name": "conformance two"},
		"browser": general, "override": exceptions,
	}
	switch {
	case !strings.HasPrefix(p.name, "oidcc-"):
		return config, s.addFAPI(config, p)
	case p.static != "":
		credentials := func(id string) map[string]any { return map[string]any{"client_id": id, "client_secret": secretOf(id)} }
		config["alias"] = "ostiary-" + p.static
		config["client"], config["client_secret_post"], config["client2"] = credentials(p.static), credentials(p.static+"-post"), credentials(p.static+"-2")
	case p.is("mtls"):
		return config, s.addCertificates(config)
	}
	return config, nil
}

// addFAPI adds the clients of a FAPI plan and the resource.
func (s *site) addFAPI(config map[string]any, p plan) error {
	client := func(i int) map[string]any {
		c := map[string]any{"client_name": fmt.Sprintf("conformance %d", i+1), "scope": scopeOf(p)}
		if p.static != "" {
			c["client_id"] = fmt.Sprintf("%s-%d", p.static, i+1)
			c["jwks"] = s.identities[i].jwks(s.identities[i].key)
		}
		return c
	}
	config["client"], config["client2"] = client(0), client(1)
	if p.static != "" {
		config["alias"] = p.static
	}
	config["resource"] = map[string]any{"resourceUrl": s.issuer + "/demo/resource"}
	if p.is("mtls") || p.variant["sender_constrain"] == "" {
		return s.addCertificates(config)
	}
	return nil
}

// addCertificates adds the certificates of both clients.
func (s *site) addCertificates(config map[string]any) error {
	for i, member := range []string{"mtls", "mtls2"} {
		own, err := s.identities[i].pem()
		if err != nil {
			return err
		}
		config[member] = own
	}
	return nil
}

// vendorMembers returns members of the discovery document for Ory Hydra's SDK, which the
// suite does not know.
func vendorMembers() []string {
	return []string{"id_token_signed_response_alg", "userinfo_signed_response_alg"}
}

// escaped returns a pattern of the suite that matches text.
func escaped(text string) string { return regexp.QuoteMeta(text) }
