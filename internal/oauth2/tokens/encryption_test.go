package tokens_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// importEncrypting imports a client whose ID tokens are encrypted by alg, and returns its
// private key.
func importEncrypting(t *testing.T, s *servertest.Server, id, alg string) any {
	t.Helper()
	var private, public any
	if strings.HasPrefix(alg, "RSA") {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		private, public = key, key.Public()
	} else {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		private, public = key, key.Public()
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: public, KeyID: "mine", Use: "enc"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.ImportClient(servertest.LegacyClient(id, `, "id_token_signed_response_alg": "ES256", "id_token_encrypted_response_alg": "`+alg+`", "jwks": `+string(set)))
	return private
}

// decrypted returns the signed ID token within.
func decrypted(t *testing.T, token any, alg string, key any) string {
	t.Helper()
	sealed, err := jose.ParseEncryptedCompact(servertest.Text(token), []jose.KeyAlgorithm{jose.KeyAlgorithm(alg)}, []jose.ContentEncryption{jose.A128CBC_HS256})
	if err != nil {
		t.Fatalf("%v: %v", token, err)
	}
	if kind := sealed.Header.ExtraHeaders["cty"]; kind != "JWT" || sealed.Header.KeyID != "mine" {
		t.Errorf("cty %v, kid %q", kind, sealed.Header.KeyID)
	}
	plain, err := sealed.Decrypt(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// A client that registered for it gets its ID tokens encrypted, from both endpoints
// and at each refresh, and never otherwise (OpenID Connect Core section 10.2).
func TestIDTokenIsEncryptedIfRegistered(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	b := s.NewBrowser()
	for _, alg := range client.EncryptionAlgs() {
		key := importEncrypting(t, s, alg, alg)
		as := []string{"client_id", alg, "client_secret", servertest.OtherSecret}
		_, got := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", alg, "response_type", "code id_token token")))
		first := s.PostForm("/oauth2/token", servertest.CodeExchange(got.Get("code"), as...)).JSON(t)
		again := s.Refresh(first["refresh_token"], as...).JSON(t)
		for name, given := range map[string]struct{ id, access any }{
			"answer":  {got.Get("id_token"), got.Get("access_token")},
			"token":   {first["id_token"], first["access_token"]},
			"refresh": {again["id_token"], again["access_token"]},
		} {
			_, claims := servertest.VerifyJWT(t, s, decrypted(t, given.id, alg, key), jose.ES256)
			if claims["aud"] != alg || claims["at_hash"] != servertest.HalfHash(jose.ES256, servertest.Text(given.access)) {
				t.Errorf("%s, %s: %v", alg, name, claims)
			}
		}
		// As a hint it comes decrypted, and so it does.
		hint := decrypted(t, again["id_token"], alg, key)
		if _, got := servertest.AuthorizationResponse(t, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest("client_id", alg, "prompt", "none", "id_token_hint", hint).Encode())); !got.Has("code") {
			t.Errorf("%s: as a hint: %v", alg, got)
		}
	}
}

// A client without a suitable encryption key gets an error and no unencrypted ID token.
func TestNoIDTokenWithoutEncryptionKey(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	b := s.NewBrowser()
	importEncrypting(t, s, "sealed", "ECDH-ES")
	as := []string{"client_id", "sealed", "client_secret", servertest.OtherSecret}
	code := b.Code(servertest.AuthorizationRequest("client_id", "sealed"))
	first := s.PostForm("/oauth2/token", servertest.CodeExchange(b.Code(servertest.AuthorizationRequest("client_id", "sealed")), as...)).JSON(t)
	c, err := s.Store.Clients.Client(t.Context(), "sealed")
	if err != nil {
		t.Fatal(err)
	}
	c.IDTokenEncryptedResponseAlg = "RSA-OAEP" // for which its set holds no key
	if err := s.Store.Clients.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}

	servertest.WantError(t, s.PostForm("/oauth2/token", servertest.CodeExchange(code, as...)), http.StatusBadRequest, "invalid_request")
	servertest.WantError(t, s.Refresh(first["refresh_token"], as...), http.StatusBadRequest, "invalid_request")
	for _, kind := range slices.DeleteFunc(client.LegacyResponseTypes(), func(kind string) bool { return !strings.Contains(kind, "id_token") }) {
		where, got := servertest.AuthorizationResponse(t, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest("client_id", "sealed", "response_type", kind).Encode()))
		if where != "fragment" || got.Get("error") != "invalid_request" || got.Has("id_token") || got.Has("code") || got.Has("access_token") {
			t.Errorf("%s: %v in the %s", kind, got, where)
		}
	}
}
