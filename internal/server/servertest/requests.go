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

func (s *AppServer) CreateClient(body string) Object {
	s.TB.Helper()
	p := s.CallAdmin(http.MethodPost, "/admin/clients", body)
	if p.Status != http.StatusCreated {
		s.TB.Fatalf("create: %d %s", p.Status, p.Body)
	}
	return p.JSON(s.TB)
}

// sector serves a sector's list of redirect URIs, and counts who asks for it.
func SectorDocument(t *testing.T, list ...string) (uri string, asked *int) {
	t.Helper()
	asked = new(int)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		*asked++
		_ = json.NewEncoder(w).Encode(list)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/sector", asked
}

const PostSecret = "post-secret-post-secret-post-sec"

// sessionOf signs somebody in, and returns what their cookie is known by.
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

func RSAKey(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// describedAs returns a client that was described in JSON, to be changed.
func ParseObject(tb testing.TB, text string) Object {
	tb.Helper()
	var c Object
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		tb.Fatal(err)
	}
	return c
}

// bringAs is bring for a client that is not text yet.
func ImportClientObject(s *Server, c Object) {
	s.TB.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		s.TB.Fatal(err)
	}
	s.ImportClient(string(text))
}

// asPost returns a form in which a client of otherSecret authenticates.
func AsPost(id string, form url.Values) url.Values {
	form.Set("client_id", id)
	form.Set("client_secret", OtherSecret)
	return form
}

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

// sendBasic calls the public listener with a client secret in the Authorization header.
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

// legacy lets clients have the response types that put tokens into the answer.
func LegacySettings() map[string]string {
	return map[string]string{"legacy_response_types": "on", "rate_limits": "off"}
}

// legacyClient describes a client for all response types; more are members beside.
func LegacyClient(id, more string) string {
	return `{"client_id": "` + id + `", "client_secret": "` + OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"redirect_uris": ["` + RedirectURI + `"], "grant_types": ["authorization_code", "implicit", "refresh_token"],
		"response_types": ["code", "id_token", "token id_token", "id_token code", "code token", "code id_token token"],
		"scope": "openid profile email offline_access api", "audience": ["https://api.example"], "skip_consent": true` + more + `}`
}

// signedWith is a form in which the client id authenticates with client_secret_jwt.
func SecretJWTForm(s *Server, id, secret string, alg jose.SignatureAlgorithm, form url.Values) url.Values {
	s.TB.Helper()
	return SecretJWTFormWith(s, id, secret, alg, form, nil)
}

// signedSaying is signedWith, with other claims.
func SecretJWTFormWith(s *Server, id, secret string, alg jose.SignatureAlgorithm, form url.Values, others map[string]any) url.Values {
	s.TB.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: []byte(secret)}, nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	said := map[string]any{
		"iss": id, "sub": id, "aud": s.URL, "jti": strconv.FormatInt(time.Now().UnixNano(), 10), "exp": s.Time().Add(time.Minute).Unix(),
	}
	maps.Copy(said, others)
	claims, err := json.Marshal(said)
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

// registered sends metadata to where a client is managed, and returns what it is
// told.
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

// idToken redeems the code of an answer.
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

func SubjectOf(t *testing.T, s *Server, username string) string {
	t.Helper()
	a, err := s.Store.Accounts.AccountByUsername(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	return a.Subject
}

const OtherSecret = "a-secret-of-enough-characters-for-a-test"

// bring adds clients as the operator would.
func (s *Server) ImportClient(clients ...string) {
	s.TB.Helper()
	list := []byte("[" + strings.Join(clients, ",") + "]")
	if _, _, err := s.ImportClients(list); err != nil {
		s.TB.Fatal(err)
	}
	s.Advance(time.Minute) // beyond the moment at which they were made
}

// addAssertingClient brings a client that authenticates by private_key_jwt.
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
	s.Advance(time.Minute) // beyond the moment at which it was made
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	return signer
}

// assertion returns a token request that authenticates with a fresh assertion.
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

func ParseURL(tb testing.TB, address string) *url.URL {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	return u
}

type Registration struct{ Path, Token string }

func Register(t *testing.T, s *Server) Registration {
	t.Helper()
	p := s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["https://a.example/cb"]}`)
	if p.Status != http.StatusCreated {
		t.Fatalf("register: %d %s", p.Status, p.Body)
	}
	got := p.JSON(t)
	return Registration{strings.TrimPrefix(Text(got["registration_client_uri"]), s.URL), Text(got["registration_access_token"])}
}

// rescope lets a client have other scopes, as an operator does.
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

// enrolled is a client that registered itself.
type RegisteredClient struct{ ID, Secret, RedirectURI, RegistrationToken string }

// enrol registers a client that sends its secret by form.
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
