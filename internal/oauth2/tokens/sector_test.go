package tokens_test

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// signIn returns what the client gets once ada is signed in.
func signIn(t *testing.T, s *servertest.Server, b *servertest.Browser, c servertest.RegisteredClient) map[string]any {
	t.Helper()
	code := b.Code(servertest.AuthorizationRequest("client_id", c.ID, "redirect_uri", c.RedirectURI, "scope", "openid email offline_access"))
	p := s.PostForm("/oauth2/token", servertest.CodeExchange(code, "client_id", c.ID, "client_secret", c.Secret, "redirect_uri", c.RedirectURI))
	if p.Status != http.StatusOK {
		t.Fatalf("exchange: %d %s", p.Status, p.Body)
	}
	return p.JSON(t)
}

func TestClientsOfOneSectorShareSubject(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{"outbound_allow_private": "on", "rate_limits": "off"})
		b := s.NewBrowser()
		ada, err := db.Accounts.AccountByUsername(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		own := ada.Subject
		uri, _ := servertest.SectorDocument(t, "https://one.example/cb", "https://two.example/cb")
		pairwise := map[string]any{"subject_type": "pairwise", "sector_identifier_uri": uri}
		one, two := servertest.RegisterClient(t, s, "https://one.example/cb", pairwise), servertest.RegisterClient(t, s, "https://two.example/cb", pairwise)
		alone := servertest.RegisterClient(t, s, "https://one.example/cb", map[string]any{"subject_type": "pairwise"})

		sub := func(c servertest.RegisteredClient) string {
			t.Helper()
			got := signIn(t, s, b, c)
			name := servertest.Text(servertest.Claims(t, got["id_token"])["sub"])
			if told := s.Userinfo(got["access_token"]).JSON(t)["sub"]; told != name {
				t.Errorf("userinfo: sub = %v, want %s as in the ID token", told, name)
			}
			return name
		}
		first := sub(one)
		if first == "" || first == own || first != sub(one) || first != sub(two) {
			t.Errorf("sub = %q of %q, want one name for the sector, always", first, own)
		}
		if first == sub(alone) {
			t.Error("a client that names no sector is of it")
		}
		if got := sub(servertest.RegisterClient(t, s, "https://one.example/cb", nil)); got != own {
			t.Errorf("a public client hears %q, want %q", got, own)
		}
	})
}

func TestUserinfoIsEncryptedIfRegistered(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "encrypts", Use: "enc"}}}
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{"rate_limits": "off"})
		c := servertest.RegisterClient(t, s, "https://one.example/cb", map[string]any{
			"jwks": set, "id_token_encrypted_response_alg": "RSA-OAEP-256", "id_token_encrypted_response_enc": "A256GCM",
			"id_token_signed_response_alg": "ES256", "userinfo_signed_response_alg": "EdDSA", "userinfo_encrypted_response_alg": "RSA-OAEP",
		})
		open := func(sealed string, alg jose.KeyAlgorithm, enc jose.ContentEncryption, signed jose.SignatureAlgorithm) map[string]any {
			t.Helper()
			object, err := jose.ParseEncryptedCompact(sealed, []jose.KeyAlgorithm{alg}, []jose.ContentEncryption{enc})
			if err != nil {
				t.Fatalf("%s: %v", sealed, err)
			}
			nested, err := object.Decrypt(key)
			if err != nil || object.Header.KeyID != "encrypts" || object.Header.ExtraHeaders[jose.HeaderContentType] != "JWT" {
				t.Fatalf("decrypt: %v; header %+v, want the kid and cty JWT", err, object.Header)
			}
			jws, err := jose.ParseSignedCompact(string(nested), []jose.SignatureAlgorithm{signed})
			if err != nil {
				t.Fatal(err)
			}
			published := servertest.PublishedKeys(t, s)
			payload, err := jws.Verify(published.Key(jws.Signatures[0].Header.KeyID)[0])
			if err != nil {
				t.Fatal(err)
			}
			var claims map[string]any
			if err := json.Unmarshal(payload, &claims); err != nil {
				t.Fatal(err)
			}
			return claims
		}
		got := signIn(t, s, s.NewBrowser(), c)
		token := open(servertest.Text(got["id_token"]), jose.RSA_OAEP_256, jose.A256GCM, jose.ES256)
		if token["aud"] != c.ID || token["nonce"] != "a nonce" || token["at_hash"] == nil {
			t.Errorf("ID token = %v, want one for %s with nonce and at_hash", token, c.ID)
		}
		p := s.Userinfo(got["access_token"])
		told := open(p.Body, jose.RSA_OAEP, jose.A128CBC_HS256, jose.EdDSA)
		if told["sub"] != token["sub"] || told["aud"] != c.ID || told["iss"] != s.URL || told["email"] != "ada@example.com" || told["nonce"] != nil ||
			p.Header.Get("Content-Type") != "application/jwt" {
			t.Errorf("userinfo = %v of %s, want that of the ID token's person as a JWT", told, p.Header.Get("Content-Type"))
		}
	})
}
