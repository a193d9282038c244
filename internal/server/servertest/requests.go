package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ostiary/ostiary/internal/session"
)

// CreateClient creates a client by the admin API from a JSON object and returns the response's
// object. The test stops if the status is not 201.
func (s *AppServer) CreateClient(body string) Object {
	s.TB.Helper()
	p := s.CallAdmin(http.MethodPost, "/admin/clients", body)
	if p.Status != http.StatusCreated {
		s.TB.Fatalf("create: %d %s", p.Status, p.Body)
	}
	return p.JSON(s.TB)
}

// SectorDocument serves a sector identifier document that lists redirect URIs, until the test ends.
// It returns the document's URI, and the number of requests that have fetched it.
func SectorDocument(t *testing.T, list ...string) (uri string, requests *int) {
	t.Helper()
	requests = new(int)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*requests++
		_ = json.NewEncoder(w).Encode(list)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/sector", requests
}

// PostSecret is the secret of the client post of [Server.Populate].
const PostSecret = "post-secret-post-secret-post-sec"

// CreateSession stores a session of one hour for the subject and returns the hash of its cookie.
func CreateSession(s *Server, subject string) []byte {
	s.TB.Helper()
	cookie := session.Hash("cookie of " + subject)
	at := s.Time()
	err := s.Store.Sessions.InsertSession(s.TB.Context(), &session.Session{
		ID: "session-of-" + subject, Cookie: cookie, Subject: subject, AuthTime: at, CreatedAt: at, SeenAt: at,
		IdleUntil: at.Add(time.Hour), EndsAt: at.Add(time.Hour),
	}, nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	return cookie
}

// RSAKey returns a new RSA key of 2048 bits.
func RSAKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// ParseObject decodes a JSON object. The test stops if text is not one.
func ParseObject(tb testing.TB, text string) Object {
	tb.Helper()
	var c Object
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		tb.Fatal(err)
	}
	return c
}

// ImportClientObject is [Server.ImportClient] for a decoded client.
func ImportClientObject(s *Server, c Object) {
	s.TB.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		s.TB.Fatal(err)
	}
	s.ImportClient(string(text))
}

// AsPost adds client_id and client_secret to form, for a client whose secret is [OtherSecret], and
// returns form.
func AsPost(id string, form url.Values) url.Values {
	form.Set("client_id", id)
	form.Set("client_secret", OtherSecret)
	return form
}

// Call sends a request to the public listener and returns the response. An empty bearer token or
// body is not sent; a body is sent as JSON.
func (s *Server) Call(t *testing.T, method, path, bearer, body string) Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	return Send(t, http.DefaultClient, r)
}

// CallWithBasicAuth is [Server.Call] with a client ID and secret in the Authorization header.
func (s *Server) CallWithBasicAuth(t *testing.T, method, path, id, secret, body string) Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.SetBasicAuth(id, secret)
	return Send(t, http.DefaultClient, r)
}

// LegacySettings returns settings that allow response types with tokens in the authorization
// response, without rate limits.
func LegacySettings() map[string]string {
	return map[string]string{"legacy_response_types": "on", "rate_limits": "off"}
}

// LegacyClient returns the JSON of a client with all response types and the secret
// [OtherSecret]. more is empty, or further members after a comma.
func LegacyClient(id, more string) string {
	return `{"client_id": "` + id + `", "client_secret": "` + OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"redirect_uris": ["` + RedirectURI + `"], "grant_types": ["authorization_code", "implicit", "refresh_token"],
		"response_types": ["code", "id_token", "token id_token", "id_token code", "code token", "code id_token token"],
		"scope": "openid profile email offline_access api", "audience": ["https://api.example"], "skip_consent": true` + more + `}`
}

// SecretJWTForm adds a client_secret_jwt assertion for the client id to form and returns form.
func SecretJWTForm(s *Server, id, secret string, alg jose.SignatureAlgorithm, form url.Values) url.Values {
	s.TB.Helper()
	return SecretJWTFormWith(s, id, secret, alg, form, nil)
}

// SecretJWTFormWith is [SecretJWTForm] with claims that replace those of the assertion.
func SecretJWTFormWith(s *Server, id, secret string, alg jose.SignatureAlgorithm, form url.Values, others map[string]any) url.Values {
	s.TB.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: []byte(secret)}, nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	members := map[string]any{
		"iss": id, "sub": id, "aud": s.URL, "jti": strconv.FormatInt(time.Now().UnixNano(), 10), "exp": s.Time().Add(time.Minute).Unix(),
	}
	maps.Copy(members, others)
	claims, err := json.Marshal(members)
	if err != nil {
		s.TB.Fatal(err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		s.TB.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		s.TB.Fatal(err)
	}
	form.Set("client_id", id)
	form.Set("client_assertion", compact)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	return form
}

// SendClientMetadata sends client metadata to the registration or client configuration endpoint and
// returns the response's object. token is the bearer token, nil for none. The test stops if the status
// is another one.
func SendClientMetadata(t *testing.T, s *Server, method, path string, token any, metadata map[string]any, status int) map[string]any {
	t.Helper()
	body, err := json.Marshal(metadata)
	if err != nil {
		t.Fatal(err)
	}
	p := s.Call(t, method, path, Text(token), string(body))
	if p.Status != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, p.Status, p.Body, status)
	}
	return p.JSON(t)
}

// ExchangeForIDToken exchanges a code of the client id, which authenticates with its secret in the
// Authorization header, and returns the ID token. The test stops if there is none.
func ExchangeForIDToken(t *testing.T, s *Server, id, secret, code string) string {
	t.Helper()
	c, err := s.Store.Clients.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/oauth2/token",
		strings.NewReader(CodeExchange(code, "redirect_uri", c.RedirectURIs[0]).Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
	token := Text(Send(t, http.DefaultClient, r).JSON(t)["id_token"])
	if token == "" {
		t.Fatal("no ID token")
	}
	return token
}

// SubjectOf returns the subject of the account of that username. The test stops if there is none.
func SubjectOf(t *testing.T, s *Server, username string) string {
	t.Helper()
	a, err := s.Store.Accounts.AccountByUsername(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	return a.Subject
}

// OtherSecret is the client secret of clients that tests add to those of [Server.Populate].
const OtherSecret = "a-secret-of-enough-characters-for-a-test"

// ImportClient imports clients, each the text of a JSON object, and advances the clock so that later
// requests see them. The test stops if one is invalid.
func (s *Server) ImportClient(clients ...string) {
	s.TB.Helper()
	list := []byte("[" + strings.Join(clients, ",") + "]")
	if _, _, err := s.ImportClients(list); err != nil {
		s.TB.Fatal(err)
	}
	s.Advance(time.Minute) // later than their creation time
}

// AddPrivateKeyJWTClient adds the client asserting, which authenticates with private_key_jwt, and
// returns the signer of its assertions.
func AddPrivateKeyJWTClient(s *Server) jose.Signer {
	s.TB.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.TB.Fatal(err)
	}
	entry, err := json.Marshal([]any{map[string]any{
		"client_id": "asserting", "token_endpoint_auth_method": "private_key_jwt", "grant_types": []string{"client_credentials"},
		"jwks": jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}},
	}})
	if err != nil {
		s.TB.Fatal(err)
	}
	if _, _, err := s.ImportClients(entry); err != nil {
		s.TB.Fatal(err)
	}
	s.Advance(time.Minute) // later than its creation time
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	return signer
}

// PrivateKeyJWTForm returns a client credentials request of the client of [AddPrivateKeyJWTClient],
// with a new assertion.
func PrivateKeyJWTForm(s *Server, signer jose.Signer) url.Values {
	s.TB.Helper()
	now := s.Time()
	signed, err := jwt.Signed(signer).Claims(map[string]any{
		"iss": "asserting", "sub": "asserting", "aud": s.URL, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(),
	}).Serialize()
	if err != nil {
		s.TB.Fatal(err)
	}
	return url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"asserting"}, "client_assertion": {signed},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
}

// ParseURL parses a URL. The test stops if it is invalid.
func ParseURL(tb testing.TB, address string) *url.URL {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

// Registration is the path of a client configuration endpoint and its registration access token.
type Registration struct{ Path, Token string }

// Register registers a client with one redirect URI at the registration endpoint.
func Register(t *testing.T, s *Server) Registration {
	t.Helper()
	p := s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/cb"]}`)
	if p.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", p.Status, p.Body)
	}
	got := p.JSON(t)
	return Registration{strings.TrimPrefix(Text(got["registration_client_uri"]), s.URL), Text(got["registration_access_token"])}
}

// SetClientScope replaces the scope of a stored client. The test stops if the client is unknown.
func SetClientScope(s *Server, id, scopes string) {
	s.TB.Helper()
	c, err := s.Store.Clients.Client(s.TB.Context(), id)
	if err != nil {
		s.TB.Fatal(err)
	}
	c.Scope = scopes
	if err := s.Store.Clients.UpdateClient(s.TB.Context(), c); err != nil {
		s.TB.Fatal(err)
	}
}

// RegisteredClient is a client that [RegisterClient] registered.
type RegisteredClient struct{ ID, Secret, RedirectURI, RegistrationToken string }

// RegisterClient registers a client that authenticates with client_secret_post; more replaces or adds
// metadata. The test stops if the server rejects it.
func RegisterClient(t *testing.T, s *Server, redirect string, more map[string]any) RegisteredClient {
	t.Helper()
	metadata := map[string]any{
		"redirect_uris": []string{redirect}, "token_endpoint_auth_method": "client_secret_post",
		"grant_types": []string{"authorization_code", "refresh_token"}, "scope": "openid email offline_access",
	}
	maps.Copy(metadata, more)
	body, err := json.Marshal(metadata)
	if err != nil {
		t.Fatal(err)
	}
	p := s.Call(t, http.MethodPost, "/connect/register", "", string(body))
	if p.Status != http.StatusCreated {
		t.Fatalf("register %s: %d %s", body, p.Status, p.Body)
	}
	return RegisteredClient{Text(p.JSON(t)["client_id"]), Text(p.JSON(t)["client_secret"]), redirect, Text(p.JSON(t)["registration_access_token"])}
}
