package cli_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestAllowHTTPRedirectsFlag(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	create := []string{"clients", "create", "--id=grafana", "--redirect-uri=http://grafana.internal:3000/cb", "--post-logout-redirect-uri=https://www.example.com/"}
	servertest.Contains(t, sh.MustFail(create...), "allow_http_redirects")
	sh.Must(append(create, "--allow-http-redirects")...)
	sh.Must("clients", "update", "grafana", "--name=Grafana")
	servertest.Contains(t, sh.MustFail("clients", "update", "grafana", "--no-allow-http-redirects"), "allow_http_redirects")
	sh.Must("clients", "update", "grafana", "--redirect-uri=https://grafana.example.com/cb", "--no-allow-http-redirects")
	file := sh.WriteFile("clients.json", `[{"client_id":"argocd","redirect_uris":["http://argocd.internal/cb"],"allow_http_redirects":true}]`)
	servertest.Contains(t, sh.Must("clients", "import", file), "1 created")
}

// Unsupported keys in a client's key set are ignored with a warning in the log, because other
// libraries create key types that this server does not support.
func TestUnsupportedClientKeysAreIgnored(t *testing.T) {
	t.Parallel()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good, err := json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: "good"})
	if err != nil {
		t.Fatal(err)
	}
	clientJSON := `{"client_id":"signer","grant_types":["client_credentials"],"token_endpoint_auth_method":"private_key_jwt",
		"jwks":{"keys":[{"kty":"EC","crv":"secp256k1","kid":"odd","x":"AAAA","y":"AAAA"},` + string(good) + `]}}`

	var log bytes.Buffer
	s := servertest.StartWithAppsAndLog(t, storetest.New(t), nil, slog.NewTextHandler(&log, nil))
	s.CreateClient(clientJSON)
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

	sh := clitest.NewShell(t)
	got := sh.Run("clients", "import", sh.WriteFile("clients.json", "["+clientJSON+"]"))
	servertest.Contains(t, got.Err, "warning: entry 1: jwks: key 1")
	servertest.Contains(t, got.Out, "1 created")
}
