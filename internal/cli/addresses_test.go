package cli

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// An operator registers http on a host inside, and any address for after sign-out.
func TestAddressesThatTheOperatorVouchesFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, map[string]string{"login_url": "", "consent_url": "", "rate_limits": "off"})
		const inside, secret = "http://grafana.internal:3000/login/generic_oauth", "grafana-secret-grafana-secret-gr"
		said := func(more string) string {
			return `{"client_id":"grafana","client_secret":"` + secret + `","skip_consent":true,"scope":"openid","redirect_uris":["` + inside + `"],
				"post_logout_redirect_uris":["http://grafana.internal:3000/signed-out","https://www.example.com/","com.example.app:/bye","http://localhost:9/bye"]` + more + `}`
		}
		refused := s.CallAdmin(http.MethodPost, "/clients", said(""))
		servertest.WantError(t, refused, http.StatusBadRequest, "invalid_redirect_uri")
		servertest.Contains(t, refused.Body, "allow_http_redirects")
		if made := s.CreateClient(said(`,"allow_http_redirects":true`)); made["allow_http_redirects"] != true {
			t.Errorf("made: %v", made)
		}
		s.Advance(time.Minute)

		b := s.NewBrowser()
		for _, after := range []string{"http://grafana.internal:3000/signed-out", "https://www.example.com/", "com.example.app:/bye", "http://localhost:9/bye"} {
			p := b.Authorize(servertest.AuthorizationRequest("client_id", "grafana", "redirect_uri", inside, "scope", "openid"))
			if !strings.HasPrefix(p.Header.Get("Location"), inside+"?") {
				t.Fatalf("the answer goes to %q", p.Header.Get("Location"))
			}
			hint := s.IDToken(t, "grafana", secret, p.Location().Query().Get("code"))
			p = b.Get("/oauth2/sessions/logout?" + url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {after}, "state": {"x"}}.Encode())
			if p.Header.Get("Location") != after+"?state=x" {
				t.Errorf("after signing out: %d to %q, want %s", p.Status, p.Header.Get("Location"), after)
			}
		}
		// Compared byte for byte.
		p := b.Get("/oauth2/sessions/logout?" + url.Values{"client_id": {"grafana"}, "post_logout_redirect_uri": {"https://www.example.com"}}.Encode())
		if p.Status < 400 || p.Header.Get("Location") != "" {
			t.Errorf("an address that is not registered: %d to %q", p.Status, p.Header.Get("Location"))
		}
		// What PUT does not say is reset, so the addresses are refused then.
		servertest.WantError(t, s.CallAdmin(http.MethodPut, "/clients/grafana", said("")), http.StatusBadRequest, "invalid_redirect_uri")
	})
}

func TestHTTPRedirectsAreAllowedByCommand(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	create := []string{"clients", "create", "--id=grafana", "--redirect-uri=http://grafana.internal:3000/cb", "--post-logout-redirect-uri=https://www.example.com/"}
	servertest.Contains(t, sh.refused(create...), "allow_http_redirects")
	sh.must(append(create, "--allow-http-redirects")...)
	sh.must("clients", "update", "grafana", "--name=Grafana")
	servertest.Contains(t, sh.refused("clients", "update", "grafana", "--no-allow-http-redirects"), "allow_http_redirects")
	sh.must("clients", "update", "grafana", "--redirect-uri=https://grafana.example.com/cb", "--no-allow-http-redirects")
	file := sh.file("clients.json", `[{"client_id":"argocd","redirect_uris":["http://argocd.internal/cb"],"allow_http_redirects":true}]`)
	servertest.Contains(t, sh.must("clients", "import", file), "1 created")
}

// Operators bring key sets that somebody's library made: what it knows beyond this server
// is ignored, with a warning where the operator looks.
func TestOddKeysOfOperatorClientsAreIgnored(t *testing.T) {
	t.Parallel()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good, err := json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: "good"})
	if err != nil {
		t.Fatal(err)
	}
	said := `{"client_id":"signer","grant_types":["client_credentials"],"token_endpoint_auth_method":"private_key_jwt",
		"jwks":{"keys":[{"kty":"EC","crv":"secp256k1","kid":"odd","x":"AAAA","y":"AAAA"},` + string(good) + `]}}`

	var log bytes.Buffer
	s := servertest.StartWithAppsAndLog(t, storetest.New(t), nil, slog.NewTextHandler(&log, nil))
	s.CreateClient(said)
	s.Advance(time.Minute)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "good"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := json.Marshal(servertest.Object{"iss": "signer", "sub": "signer", "aud": s.URL, "jti": "1", "exp": s.Time().Add(time.Minute).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	p := s.PostForm("/oauth2/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"signer"}, "client_assertion": {compact},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	})
	if p.Status != http.StatusOK {
		t.Errorf("by the good key: %d %s", p.Status, p.Body)
	}
	servertest.Contains(t, log.String(), `level=WARN msg="client key ignored" client_id=signer`, "jwks: key 1")

	sh := newShell(t)
	got := sh.run("clients", "import", sh.file("clients.json", "["+said+"]"))
	servertest.Contains(t, got.err, "warning: entry 1: jwks: key 1")
	servertest.Contains(t, got.out, "1 created")
}
