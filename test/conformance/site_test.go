//go:build conformance

package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// oneFactor is the authentication context class of a sign-in with a password.
const oneFactor = "1"

// detailType is the type of authorization details that the plans request.
const detailType = "accounts"

// site is the server under test.
type site struct {
	*rig.Cluster

	issuer    string
	callbacks string // prefix of the suite's callback URLs

	approvals  string       // URL of decide
	identities [2]*identity // of the clients of FAPI plans
}

// serve starts the server on a new database, with the clients of the plans to test. Its
// issuer is an https URL on a free port of this machine, with a TLS proxy, and it trusts
// the suite's certificate. Clients with a certificate connect to another port directly.
func serve(t *testing.T, engine rig.Engine, tested []plan, suite *suite, certificate []byte) *site {
	t.Helper()
	front := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s := &site{issuer: "https://localhost:" + port, callbacks: suite.base + "/test/"}
	for i := range s.identities {
		if s.identities[i], err = newIdentity(fmt.Sprintf("client-%d", i+1)); err != nil {
			t.Fatal(err)
		}
	}
	authority := filepath.Join(t.TempDir(), "suite.pem")
	if err := os.WriteFile(authority, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	certFile, keyFile := serverCertificate(t)
	s.Cluster = rig.Serve(t, rig.Options{
		Database: rig.Database(t, engine), Issuer: s.issuer, MutualTLS: true,
		Env: map[string]string{
			"LEGACY_RESPONSE_TYPES": "on", "OUTBOUND_ALLOW_PRIVATE": "on", "OUTBOUND_CA_FILE": authority,
			"LOG_LEVEL": "info", "KEY_SET_CACHE": "2m",
			// The suite warns of scope claims in an ID token if there is an access token.
			"ID_TOKEN_CLAIMS": "minimal",
			"TLS_CERT_FILE":   certFile, "TLS_KEY_FILE": keyFile,
			"DEMO_RESOURCE": "on", "ADMIN_AUTH": "none", "ADMISSION_WAIT": "5s", // on a busy machine
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
	approvals := httptest.NewServer(http.HandlerFunc(s.decide))
	t.Cleanup(approvals.Close)
	s.approvals = approvals.URL

	rig.ImportUsers(t, s.Cluster, rig.User{Username: username, Password: password, Claims: everyClaim()})
	if slices.ContainsFunc(tested, func(p plan) bool { return p.is("rar") }) {
		s.declareDetails(t)
	}
	clients := []map[string]any{}
	for _, p := range tested {
		clients = append(clients, s.clients(p)...)
	}
	rig.ImportMetadata(t, s.Cluster, clients...)
	return s
}

// serverCertificate returns files with a new certificate of the server and its key, which
// is an RSA key: FAPI 1.0 Advanced section 8.5 allows only cipher suites with RSA.
func serverCertificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	own, err := newIdentity("localhost")
	if err != nil {
		t.Fatal(err)
	}
	texts, err := own.pem()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, text := range map[string]string{certFile: texts.Cert, keyFile: texts.Key} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certFile, keyFile
}

// decide decides a backchannel authentication request in the name of its user, with the
// admin API, as an app of the operator does. The suite calls it with the auth_req_id and
// the action allow or deny.
func (s *site) decide(w http.ResponseWriter, r *http.Request) {
	verb, body := "reject", ""
	if r.FormValue("action") == "allow" {
		verb, body = "accept", `{"acr": "`+oneFactor+`", "amr": ["pwd"]}`
	}
	admin := s.Admin(0)
	path := admin.URL + "/ciba/" + url.PathEscape(r.FormValue("auth_req_id")) + "/" + verb
	request, err := http.NewRequestWithContext(r.Context(), http.MethodPost, path, strings.NewReader(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := admin.HTTP.Do(request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer response.Body.Close()
	w.WriteHeader(response.StatusCode)
	_, _ = io.Copy(w, response.Body)
}

// declareDetails declares the type of the authorization details that the plans request.
func (s *site) declareDetails(t *testing.T) {
	t.Helper()
	definition, err := json.Marshal(map[string]any{
		"schema": map[string]any{
			"type": "object", "required": []string{"actions"}, "additionalProperties": false,
			"properties": map[string]any{
				"type":    map[string]any{"const": detailType},
				"actions": map[string]any{"type": "array", "items": map[string]any{"enum": []string{"read"}}},
			},
		},
		"sentences": map[string]any{"en": map[string]any{
			"title": "Accounts", "text": "{actions} your accounts", "values": map[string]any{"actions": map[string]any{"read": "See"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "details.json")
	if err := os.WriteFile(file, definition, 0o600); err != nil {
		t.Fatal(err)
	}
	rig.Command(t, s.Cluster, "detail-types", "create", detailType, file)
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
		credentials := func(id string) map[string]any {
			if p.is("mtls") {
				return map[string]any{"client_id": id}
			}
			return map[string]any{"client_id": id, "client_secret": secretOf(id)}
		}
		config["alias"] = "ostiary-" + p.static
		config["client"], config["client_secret_post"], config["client2"] = credentials(p.static), credentials(p.static+"-post"), credentials(p.static+"-2")
	}
	if p.is("mtls") {
		return config, s.addCertificates(config)
	}
	return config, nil
}

// addFAPI adds the clients of a FAPI plan and the resource.
func (s *site) addFAPI(config map[string]any, p plan) error {
	client := func(i int) map[string]any {
		c := map[string]any{
			"client_name": fmt.Sprintf("conformance %d", i+1), "scope": scopeOf(p), "hint_type": "login_hint", "hint_value": username,
		}
		if p.static != "" {
			c["client_id"] = fmt.Sprintf("%s-%d", p.static, i+1)
			c["jwks"] = s.identities[i].jwks(s.identities[i].key)
		}
		return c
	}
	second := client(1)
	second["acr_value"] = oneFactor
	config["client"], config["client2"] = client(0), second
	if p.static != "" {
		config["alias"] = p.static
	}
	resource := map[string]any{"resourceUrl": s.issuer + "/demo/resource"}
	config["resource"] = resource
	if p.is("rar") {
		resource["richAuthorizationRequest"] = []map[string]any{{"type": detailType, "actions": []string{"read"}}}
	}
	if p.variant["sender_constrain"] != "dpop" {
		resource["resourceUrl"] = s.MutualTLS.URL + "/demo/resource"
	}
	if p.variant["ciba_mode"] != "" {
		config["automated_ciba_approval_url"] = s.approvals + "/?auth_req_id={auth_req_id}&action={action}"
	}
	if p.variant["sender_constrain"] != "dpop" || p.variant["client_auth_type"] == "mtls" {
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
