package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ostiary/ostiary/internal/trustedissuer"
)

// JWTBearerGrant is the grant type of the JWT bearer grant.
//
// Spec: RFC 7523 §2.1.
const JWTBearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// AssertionIssuer is a trusted issuer of JWT bearer assertions.
type AssertionIssuer struct {
	Server *Server
	Name   string
	Trust  *trustedissuer.Trust
	Signer jose.Signer
}

// NewAssertionIssuer stores an issuer that is trusted for subject, or for every subject if that is
// empty, and imports the client bearer, which may use the JWT bearer grant.
func NewAssertionIssuer(s *Server, subject string) *AssertionIssuer {
	s.TB.Helper()
	s.ImportClient(`{"client_id": "bearer", "client_secret": "` + OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["` + JWTBearerGrant + `"], "scope": "api offline_access more", "audience": ["https://api.example"]}`)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.TB.Fatal(err)
	}
	a := &AssertionIssuer{Server: s, Name: "https://issuer.example"}
	a.Trust = &trustedissuer.Trust{
		ID: trustedissuer.NewID(), Issuer: a.Name, Subject: subject, Scopes: []string{"api", "other"},
		Key: jose.JSONWebKey{Key: key.Public(), KeyID: "k"}, CreatedAt: s.Time(), ExpiresAt: s.Time().Add(24 * time.Hour),
	}
	if err := s.Store.TrustedIssuers.InsertTrust(s.TB.Context(), a.Trust); err != nil {
		s.TB.Fatal(err)
	}
	if a.Signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil); err != nil {
		s.TB.Fatal(err)
	}
	return a
}

// TokenRequest returns a token request of the client bearer with a new assertion for subject, changed
// by pairs of a claim and its value.
func (a *AssertionIssuer) TokenRequest(subject string, changes ...any) url.Values {
	a.Server.TB.Helper()
	now := a.Server.Time()
	claims := map[string]any{
		"iss": a.Name, "sub": subject, "aud": a.Server.URL + "/oauth2/token", "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}
	for i := 0; i < len(changes); i += 2 {
		claims[Text(changes[i])] = changes[i+1]
	}
	signed, err := jwt.Signed(a.Signer).Claims(claims).Serialize()
	if err != nil {
		a.Server.TB.Fatal(err)
	}
	return AsPost("bearer", url.Values{"grant_type": {JWTBearerGrant}, "assertion": {signed}, "scope": {"api"}})
}

// HalfHash returns the value of at_hash or c_hash for text in an ID token that alg signs.
//
// Spec: OpenID Connect Core §3.1.3.6.
func HalfHash(alg jose.SignatureAlgorithm, text string) string {
	sum256, sum512 := sha256.Sum256([]byte(text)), sha512.Sum512([]byte(text))
	if alg == jose.EdDSA {
		return base64.RawURLEncoding.EncodeToString(sum512[:32])
	}
	return base64.RawURLEncoding.EncodeToString(sum256[:16])
}

// PublishedKeys returns the key set of the JWKS endpoint.
func PublishedKeys(t *testing.T, s *Server) jose.JSONWebKeySet {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(s.NewBrowser().Get("/.well-known/jwks.json").Body), &set); err != nil {
		t.Fatal(err)
	}
	return set
}

// VerifyJWT returns the header and the claims of a JWT. The test stops if no published key for alg
// verifies it.
func VerifyJWT(t *testing.T, s *Server, token any, alg jose.SignatureAlgorithm) (header jose.Header, claims map[string]any) {
	t.Helper()
	signed, err := jose.ParseSignedCompact(Text(token), []jose.SignatureAlgorithm{alg})
	if err != nil {
		t.Fatalf("%v as %s: %v", token, alg, err)
	}
	header = signed.Signatures[0].Header
	keys := PublishedKeys(t, s)
	named := keys.Key(header.KeyID)
	if len(named) != 1 || named[0].Algorithm != string(alg) {
		t.Fatalf("%d published keys have the key ID %q, want one for %s", len(named), header.KeyID, alg)
	}
	payload, err := signed.Verify(named[0])
	if err != nil {
		t.Fatalf("verify: %v", err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return header, claims
}
