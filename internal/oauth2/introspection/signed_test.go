package introspection_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const signedMedia = "application/token-introspection+jwt"

// introspect introspects a token for a response of the media types of accept.
func introspect(s *servertest.Server, form url.Values, token any, accept ...string) servertest.Response {
	s.TB.Helper()
	form = url.Values{"client_id": form["client_id"], "client_secret": form["client_secret"], "token": {servertest.Text(token)}}
	r, err := http.NewRequestWithContext(s.TB.Context(), http.MethodPost, s.URL+"/oauth2/introspect", strings.NewReader(form.Encode()))
	servertest.Must(s.TB, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header["Accept"] = accept
	return servertest.Send(s.TB, http.DefaultClient, r)
}

// A signed response is for the client that introspects, and has the members of the response in JSON.
//
// Spec: RFC 9701 §5, §6.
func TestSignedIntrospection(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		s.ImportClient(service("api", `"https://api.example"`), strings.Replace(service("eddsa", `"https://api.example"`), `{`, `{"introspection_signed_response_alg": "EdDSA",`, 1))
		token := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest("resource", "https://api.example")))["access_token"]
		for client, alg := range map[string]jose.SignatureAlgorithm{"api": jose.RS256, "eddsa": jose.EdDSA} {
			for name, token := range map[string]any{"active": token, "unknown": "unknown", "another's": s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest("resource", "https://other.example")))["access_token"]} {
				p := introspect(s, as(client), token, signedMedia)
				if p.Status != http.StatusOK || p.Header.Get("Content-Type") != signedMedia || !strings.Contains(p.Header.Get("Cache-Control"), "no-store") {
					t.Fatalf("%s for %s: %d %v %s", name, client, p.Status, p.Header, p.Body)
				}
				header, claims := servertest.VerifyJWT(t, s, p.Body, alg)
				plain := introspect(s, as(client), token, "application/json").JSON(t)
				want := map[string]any{"iss": s.URL, "aud": client, "iat": float64(s.Time().Unix()), "token_introspection": plain}
				if diff := cmp.Diff(want, claims); diff != "" {
					t.Errorf("%s for %s (-want +got):\n%s", name, client, diff)
				}
				if header.ExtraHeaders["typ"] != "token-introspection+jwt" || (plain["active"] == true) != (name == "active") {
					t.Errorf("%s for %s: typ %v, %v", name, client, header.ExtraHeaders["typ"], plain)
				}
				// No endpoint takes it as a token.
				if got := introspect(s, as(client), p.Body).JSON(t); got["active"] != false || s.Userinfo(p.Body).Status != http.StatusUnauthorized {
					t.Errorf("the response of %s for %s is taken as a token: %v", name, client, got)
				}
			}
		}
	})
}

// JSON is the response to requests that do not prefer a JWT.
//
// Spec: RFC 9701 §4, RFC 9110 §12.5.1.
func TestMediaTypeOfIntrospection(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	s.ImportClient(service("api", ""))
	for name, tc := range map[string]struct {
		accept []string
		signed bool
	}{
		"nothing":                {nil, false},
		"anything":               {[]string{"*/*"}, false},
		"any application":        {[]string{"application/*"}, false},
		"JSON":                   {[]string{"application/json"}, false},
		"another JWT":            {[]string{"application/jwt"}, false},
		"a signed response":      {[]string{signedMedia}, true},
		"in other case":          {[]string{"Application/Token-Introspection+JWT"}, true},
		"both":                   {[]string{"application/json, " + signedMedia}, true},
		"in two headers":         {[]string{"application/json;q=0.5", signedMedia}, true},
		"JSON rather":            {[]string{signedMedia + ";q=0.5, application/json"}, false},
		"a signed one rather":    {[]string{signedMedia + ";q=0.9, application/json;q=0.8"}, true},
		"no signed one":          {[]string{signedMedia + ";q=0"}, false},
		"a quality that is none": {[]string{signedMedia + ";q=x"}, false},
		"malformed":              {[]string{";;," + signedMedia + "x"}, false},
	} {
		if p := introspect(s, as("api"), "unknown", tc.accept...); p.Status != http.StatusOK || (p.Header.Get("Content-Type") == signedMedia) != tc.signed {
			t.Errorf("%s: %d %s", name, p.Status, p.Header.Get("Content-Type"))
		}
	}
	// Errors are JSON in any case.
	wrong := as("api")
	wrong.Set("client_secret", "wrong")
	servertest.WantError(t, introspect(s, wrong, "unknown", signedMedia), http.StatusUnauthorized, "invalid_client")
}

// Spec: RFC 9701 §5.
func TestEncryptedIntrospection(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	servertest.Must(t, err)
	var sealed servertest.Object
	servertest.Must(t, json.Unmarshal([]byte(service("sealed", "")), &sealed))
	sealed["introspection_signed_response_alg"], sealed["introspection_encrypted_response_alg"] = "ES256", "RSA-OAEP-256"
	sealed["jwks"] = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "e", Use: "enc"}}}
	servertest.ImportClientObject(s, sealed)

	p := introspect(s, as("sealed"), "unknown", signedMedia)
	encrypted, err := jose.ParseEncryptedCompact(p.Body, []jose.KeyAlgorithm{jose.RSA_OAEP_256}, []jose.ContentEncryption{jose.A128CBC_HS256})
	if err != nil {
		t.Fatalf("%d %s: %v", p.Status, p.Body, err)
	}
	signed, err := encrypted.Decrypt(key)
	servertest.Must(t, err)
	if _, claims := servertest.VerifyJWT(t, s, string(signed), jose.ES256); claims["aud"] != "sealed" {
		t.Errorf("claims %v", claims)
	}

	// A client whose keys are gone gets an error, and never a response that is not encrypted.
	stored, err := s.Store.Clients.Client(t.Context(), "sealed")
	servertest.Must(t, err)
	stored.JWKS, stored.JWKSURI = nil, "https://127.0.0.1:1/keys"
	servertest.Must(t, s.Store.Clients.UpdateClient(t.Context(), stored))
	p = introspect(s, as("sealed"), "unknown", signedMedia)
	servertest.WantError(t, p, http.StatusBadRequest, "invalid_request")
	if !strings.Contains(p.Body, "introspection response") {
		t.Errorf("error: %s", p.Body)
	}
}
