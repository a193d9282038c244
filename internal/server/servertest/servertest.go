// Package servertest runs the whole server in the process of a test, over a real store and
// with a clock that the test advances.
package servertest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/profile"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Credentials and parameters of the clients and users of [Server.Populate], and the version of the
// servers.
const (
	Version      = "dev"
	SystemSecret = "a system secret that is long enough for tests"
	Password     = "correct horse battery"
	RedirectURI  = "https://client.example/callback?keep=1"
	CodeVerifier = "a-code-verifier-of-at-least-forty-three-characters"
)

// Argon2 parameters of password hashes, unless a test sets argon2_memory_mib. Hashing takes 1/50 of
// the time of the lowest parameters that the configuration accepts.
const (
	hashMiB    = 1
	hashPasses = 1
)

// ClientStaleness is the time by which tests advance the clock after a change of a client. The
// change applies to the next request, so any duration is sufficient.
const ClientStaleness = time.Second

// PasswordHash returns a hash of [Password], computed once. It has the parameters that
// [StartUnderPath] configures, so that a sign-in does not rehash it.
var PasswordHash = sync.OnceValue(func() string {
	hash, err := credential.NewHasher(hashMiB<<10, hashPasses, 1, time.Minute).Hash(context.Background(), Password)
	if err != nil {
		panic(err)
	}
	return hash
})

// Server is a server that runs in the process of the test, over a real store and with a clock that
// the test advances.
type Server struct {
	server.Options
	App *server.Server
	TB  testing.TB
	URL string
	// MutualTLSURL is the origin of the endpoints for clients with a certificate, if the settings have
	// mtls_listen.
	MutualTLSURL string

	mu    sync.Mutex
	clock time.Time
}

// Start starts a server over db with the settings, imports the users and clients of
// [Server.Populate], and stops the server at the end of the test.
func Start(tb testing.TB, db *store.Store, settings map[string]string) *Server {
	tb.Helper()
	return StartWithLog(tb, db, settings, slog.DiscardHandler)
}

// StartWithLog is [Start] with a log handler.
func StartWithLog(tb testing.TB, db *store.Store, settings map[string]string, log slog.Handler) *Server {
	tb.Helper()
	return StartUnderPath(tb, db, "", settings, log)
}

// StartUnderPath is [StartWithLog] with an issuer at path, which may be empty. If issuer_path is
// stripped, a proxy removes the path from requests.
func StartUnderPath(tb testing.TB, db *store.Store, path string, settings map[string]string, log slog.Handler) *Server {
	tb.Helper()
	return start(tb, db, "127.0.0.1", path, settings, log)
}

// StartOnLocalhost is [Start] with an issuer whose host is localhost, which may have passkeys.
func StartOnLocalhost(tb testing.TB, db *store.Store, settings map[string]string, log slog.Handler) *Server {
	tb.Helper()
	return start(tb, db, "localhost", "", settings, log)
}

func start(tb testing.TB, db *store.Store, host, path string, settings map[string]string, log slog.Handler) *Server {
	tb.Helper()
	s := &Server{TB: tb, clock: time.Now().Truncate(time.Microsecond)} // the precision of the store
	front := httptest.NewUnstartedServer(nil)
	_, port, err := net.SplitHostPort(front.Listener.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	issuer := "http://" + net.JoinHostPort(host, port) + path
	s.URL = strings.TrimSuffix(issuer, "/")
	defaults := map[string]string{
		"issuer": issuer, "database_url": "sqlite:unused", "system_secrets": SystemSecret, "registration": "open",
		"argon2_slots": "2", "sign_up_verify": "off",
	}
	var mutual net.Listener
	if settings["mtls_listen"] != "" {
		mutual = httptest.NewUnstartedServer(nil).Listener
		s.MutualTLSURL = "https://" + mutual.Addr().String()
		defaults["mtls_url"] = s.MutualTLSURL
	}
	conf, err := config.Load(config.Sources{Defaults: defaults, Override: settings, Require: config.ServeRequires()})
	if err != nil {
		tb.Fatal(err)
	}
	if settings["argon2_memory_mib"] == "" {
		conf.Argon2MemoryMiB, conf.Argon2Iterations = hashMiB, hashPasses
	}
	reuseKeys(tb, conf, db, s.clock)
	storetest.Follow(tb, db)
	if s.App, err = server.New(tb.Context(), server.Options{Config: conf, Store: db, Log: slog.New(log), Now: s.Time, Version: Version}); err != nil {
		tb.Fatal(err)
	}
	s.Options = s.App.Options
	front.Config.Handler = s.App.Public()
	if conf.IssuerPath == config.PathStripped {
		front.Config.Handler = stripping(conf.Path(), s.App.Public())
	}
	front.Start()
	tb.Cleanup(front.Close)
	serveMutualTLS(s, mutual)
	s.Populate()
	s.Advance(time.Minute) // later than the creation times of the imported records
	return s
}

// stripping is a reverse proxy that removes the path prefix, and forwards other paths unchanged.
func stripping(path string, next http.Handler) http.Handler {
	stripped := http.StripPrefix(path, next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, path+"/") {
			stripped.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Time returns the current time of the server's clock.
func (s *Server) Time() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

// Advance moves the server's clock forward.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

// Populate imports the users ada and bob, both with [Password], and the clients web, post, app and
// careful, whatever the security profile of the server. [Start] calls it.
func (s *Server) Populate() {
	s.TB.Helper()
	const clients = `[
		{"client_id": "web", "client_secret": "web-secret-web-secret-web-secret-", "redirect_uris": ["` + RedirectURI + `", "https://client.example/other"],
		 "grant_types": ["authorization_code", "refresh_token", "client_credentials"], "scope": "openid profile email offline_access api",
		 "audience": ["https://api.example", "https://other.example"], "served_resources": ["https://api.example"], "skip_consent": true, "id_token_signed_response_alg": "ES256"},
		{"client_id": "post", "client_secret": "post-secret-post-secret-post-sec", "redirect_uris": ["` + RedirectURI + `"],
		 "token_endpoint_auth_method": "client_secret_post", "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
		 "scope": "openid offline_access", "access_token_strategy": "opaque", "skip_consent": true},
		{"client_id": "app", "application_type": "native", "token_endpoint_auth_method": "none",
		 "redirect_uris": ["http://127.0.0.1/cb", "com.example.app:/cb"], "grant_types": ["authorization_code", "refresh_token"], "scope": "openid offline_access"},
		{"client_id": "careful", "client_secret": "careful-secret-careful-secret-ca", "redirect_uris": ["` + RedirectURI + `"],
		 "require_pkce": true, "scope": "openid email"}
	]`
	users := `[
		{"username": "ada", "password_hash": "` + PasswordHash() + `", "claims": {"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true}},
		{"username": "bob", "password_hash": "` + PasswordHash() + `"}
	]`
	importer, err := server.NewClientImporter(s.Config, s.Store, s.App.Hasher)
	if err != nil {
		s.TB.Fatal(err)
	}
	importer.Policy.Profile = profile.Off
	if _, _, err := importer.Import(s.TB.Context(), []byte(clients)); err != nil {
		s.TB.Fatal(err)
	}
	if _, _, err := s.ImportUsers([]byte(users)); err != nil {
		s.TB.Fatal(err)
	}
}

// ImportClients creates or updates the clients of a JSON array.
func (s *Server) ImportClients(text []byte) (created, updated int, err error) {
	importer, err := server.NewClientImporter(s.Config, s.Store, s.App.Hasher)
	if err != nil {
		return 0, 0, err
	}
	return importer.Import(s.TB.Context(), text)
}

// ImportUsers creates or updates the users of a JSON array.
func (s *Server) ImportUsers(text []byte) (created, updated int, err error) {
	return server.NewUserImporter(s.Store, s.App.Hasher).Import(s.TB.Context(), text)
}

// AuthorizationRequest returns an authorization request of the client web, changed by pairs of
// names and values; an empty value removes the parameter.
func AuthorizationRequest(changes ...string) url.Values {
	form := url.Values{
		"client_id": {"web"}, "redirect_uri": {RedirectURI}, "response_type": {"code"}, "state": {"a state"}, "nonce": {"a nonce"},
		"scope": {"openid offline_access api"}, "code_challenge": {CodeChallenge(CodeVerifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return form
}

// PostForm posts a form to the public listener and returns the response. The client web authenticates
// in the Authorization header, unless the form has a client_id.
func (s *Server) PostForm(path string, form url.Values) Response {
	s.TB.Helper()
	return PostFormWithProof(s, path, form)
}

// CodeExchange returns the token request for a code of [AuthorizationRequest], changed by pairs of
// names and values; an empty value removes the parameter.
func CodeExchange(code string, changes ...string) url.Values {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {RedirectURI}, "code_verifier": {CodeVerifier},
	}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return form
}

// ExchangeCode exchanges a code of the client web and returns the token response. The test stops if
// the server rejects it.
func (s *Server) ExchangeCode(code string) map[string]any {
	s.TB.Helper()
	p := s.PostForm("/oauth2/token", CodeExchange(code))
	if p.Status != http.StatusOK {
		s.TB.Fatalf("exchange: %d %s", p.Status, p.Body)
	}
	return p.JSON(s.TB)
}

// Refresh sends a refresh token request of the client web, changed by pairs of names and values, and
// returns the response.
func (s *Server) Refresh(token any, changes ...string) Response {
	s.TB.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {Text(token)}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return s.PostForm("/oauth2/token", form)
}

// IsActive introspects a token as the client web and returns the active member. The test stops if
// the status is not 200.
func (s *Server) IsActive(token any) bool {
	s.TB.Helper()
	p := s.PostForm("/oauth2/introspect", url.Values{"token": {Text(token)}})
	if p.Status != http.StatusOK {
		s.TB.Fatalf("introspect: %d %s", p.Status, p.Body)
	}
	return p.JSON(s.TB)["active"] == true
}

// Userinfo sends a UserInfo request with the access token and returns the response.
func (s *Server) Userinfo(token any) Response {
	s.TB.Helper()
	return UserinfoWith(s, "Bearer "+Text(token))
}

// Text returns v if it is a string, else "".
func Text(v any) string {
	s, _ := v.(string)
	return s
}

// Claims returns the claims of a JWT without verifying it. The test stops if token is not a JWT.
func Claims(tb testing.TB, token any) map[string]any {
	tb.Helper()
	parts := strings.Split(Text(token), ".")
	if len(parts) != 3 {
		tb.Fatalf("%v is not a JWT", token)
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		tb.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		tb.Fatal(err)
	}
	return m
}

// WantError fails the test if p has another status, or another error code in its JSON body.
func WantError(tb testing.TB, p Response, status int, code string) {
	tb.Helper()
	if got := p.JSON(tb)["error"]; p.Status != status || got != code {
		tb.Errorf("answer %d %v, want %d %s\n%s", p.Status, got, status, code, p.Body)
	}
}

// CodeChallenge returns the S256 code challenge of a code verifier.
//
// Spec: RFC 7636 §4.2.
func CodeChallenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
