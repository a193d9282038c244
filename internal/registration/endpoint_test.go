package registration_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func TestSoftwareStatementIsStored(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"https://publisher.example": jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public()}}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, set, 0o600); err != nil {
		t.Fatal(err)
	}
	statement := func(claims string) string {
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		object, err := signer.Sign([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		text, err := object.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := statement(`{"iss":"https://publisher.example","client_name":"The Shop","redirect_uris":["https://shop.example/cb"]}`)
	untrusted := statement(`{"iss":"https://untrusted.example"}`)
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{
			"registration": "token", "registration_tokens": "an initial access token of the operator", "software_statement_keys_file": file,
		})
		post := func(token, statement string) servertest.Response {
			return s.Call(t, http.MethodPost, "/connect/register", token,
				`{"redirect_uris":["https://rp.example/cb"],"client_name":"Mine","software_statement":"`+statement+`"}`)
		}
		const token = "an initial access token of the operator"
		if p := post("", good); p.Status != http.StatusUnauthorized || p.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("without a token: %d, challenge %q; want 401 and only Bearer", p.Status, p.Header.Get("WWW-Authenticate"))
		}
		if p := post("wrong", good); p.Status != http.StatusUnauthorized || !strings.Contains(p.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
			t.Errorf("with a wrong token: %d, challenge %q; want 401 and invalid_token", p.Status, p.Header.Get("WWW-Authenticate"))
		}
		servertest.WantError(t, post(token, untrusted), http.StatusBadRequest, "unapproved_software_statement")
		servertest.WantError(t, post(token, good+"x"), http.StatusBadRequest, "invalid_software_statement")
		p := post(token, good)
		if got := p.JSON(t); p.Status != http.StatusCreated || got["client_name"] != "The Shop" || got["software_statement"] != good {
			t.Errorf("%d %s, want the name of the statement, and the statement", p.Status, p.Body)
		}
	})
}

// The pages are in English, so they show the members without a language.
func TestPagesShowClientMembers(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	c := servertest.RegisterClient(t, s, "https://one.example/cb", map[string]any{
		"client_name": "The Shop", "client_name#de": "Der Laden",
		"logo_uri": "https://one.example/logo.png", "logo_uri#de": "https://one.example/zeichen.png",
		"policy_uri": "https://one.example/policy", "policy_uri#de": "https://one.example/richtlinie",
		"tos_uri": "https://one.example/terms", "tos_uri#de": "https://one.example/bedingungen",
	})
	b := s.NewBrowser()
	p := b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", c.ID, "redirect_uri", c.RedirectURI, "scope", "openid email").Encode())
	signIn := b.Get(p.Location().String())
	servertest.Contains(t, signIn.Body, "The Shop", "https://one.example/logo.png", "https://one.example/policy", "https://one.example/terms")
	servertest.Lacks(t, signIn.Body, "Der Laden", "zeichen", "richtlinie", "bedingungen")
}

func TestQuerySecretsAreOffByDefault(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]int{"on": http.StatusOK, "off": http.StatusUnauthorized, "": http.StatusUnauthorized} {
		settings := map[string]string{}
		if setting != "" {
			settings["registration_query_secrets"] = setting
		}
		s := servertest.Start(t, storetest.New(t), settings)
		c := servertest.RegisterClient(t, s, "https://one.example/cb", nil)
		if p := s.Call(t, http.MethodGet, "/connect/register/"+c.ID+"?client_secret="+c.Secret, "", ""); p.Status != want {
			t.Errorf("registration_query_secrets %s: %d %s, want %d", setting, p.Status, p.Body, want)
		}
	}
}
