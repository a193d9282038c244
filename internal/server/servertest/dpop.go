package servertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// DPoPKey is the key of a client that sends DPoP proofs (RFC 9449).
type DPoPKey struct {
	server *Server
	key    *ecdsa.PrivateKey
	// Nonce is the nonce of the next proofs; empty for none.
	Nonce string
}

// NewDPoPKey returns a new key for proofs to s.
func NewDPoPKey(s *Server) *DPoPKey {
	s.TB.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.TB.Fatal(err)
	}
	return &DPoPKey{server: s, key: key}
}

// Thumbprint returns the SHA-256 thumbprint of the key.
func (k *DPoPKey) Thumbprint() string {
	k.server.TB.Helper()
	sum, err := (&jose.JSONWebKey{Key: k.key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		k.server.TB.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}

// Proof returns a new proof for a request to a path of the server, and for an access token unless it
// is empty. Claims replace those of the proof.
func (k *DPoPKey) Proof(method, path, accessToken string, claims ...Object) string {
	tb := k.server.TB
	tb.Helper()
	all := map[string]any{"jti": rand.Text(), "htm": method, "htu": k.server.URL + path, "iat": k.server.Time().Unix()}
	if accessToken != "" {
		sum := sha256.Sum256([]byte(accessToken))
		all["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if k.Nonce != "" {
		all["nonce"] = k.Nonce
	}
	for _, changes := range claims {
		maps.Copy(all, changes)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		tb.Fatal(err)
	}
	proof, err := jwt.Signed(signer).Claims(all).Serialize()
	if err != nil {
		tb.Fatal(err)
	}
	return proof
}

// PostForm posts a form with a new proof, as [Server.PostForm] does without one.
func (k *DPoPKey) PostForm(path string, form url.Values) Response {
	k.server.TB.Helper()
	return PostFormWithProof(k.server, path, form, k.Proof(http.MethodPost, path, ""))
}

// PostFormWithProof posts a form with DPoP headers, as [Server.PostForm] does without.
func PostFormWithProof(s *Server, path string, form url.Values, proofs ...string) Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), http.MethodPost, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.TB.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !form.Has("client_id") {
		r.SetBasicAuth("web", "web-secret-web-secret-web-secret-")
	}
	for _, proof := range proofs {
		r.Header.Add("DPoP", proof)
	}
	return Send(s.TB, http.DefaultClient, r)
}

// UserinfoWith sends a UserInfo request with the Authorization header and DPoP headers.
func UserinfoWith(s *Server, authorization string, proofs ...string) Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), http.MethodGet, s.URL+"/userinfo", nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	for _, proof := range proofs {
		r.Header.Add("DPoP", proof)
	}
	return Send(s.TB, http.DefaultClient, r)
}
