package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const (
	testSecret   = "a system secret that is long enough for tests"
	testPassword = "correct horse battery"
	testCallback = "https://client.example/callback?keep=1"
	testVerifier = "a-code-verifier-of-at-least-forty-three-characters"
)

// The parameters of password hashes, unless a test sets argon2_memory_mib. They take a
// fiftieth of the time of the least that the configuration allows.
const (
	testHashMiB    = 1
	testHashPasses = 1
)

// clientStaleness is more than a change of a client needs to be in force: it is at once.
const clientStaleness = time.Second

// testHash is the hash of testPassword, made once with the parameters that [startUnder]
// configures, so that a sign-in does not replace it.
var testHash = sync.OnceValue(func() string {
	hash, err := credential.NewHasher(testHashMiB<<10, testHashPasses, 1, time.Minute).Hash(context.Background(), testPassword)
	if err != nil {
		panic(err)
	}
	return hash
})

// server is the whole server in this process, over a real store, with a clock
// that the test moves.
type server struct {
	*app
	tb  testing.TB
	url string

	mu    sync.Mutex
	clock time.Time
}

// start serves db with the settings, and stops with the test.
func start(tb testing.TB, db *store.Store, settings map[string]string) *server {
	tb.Helper()
	return startLogging(tb, db, settings, slog.DiscardHandler)
}

// startLogging is start for tests that read the log.
func startLogging(tb testing.TB, db *store.Store, settings map[string]string, log slog.Handler) *server {
	tb.Helper()
	return startUnder(tb, db, "", settings, log)
}

// startUnder is startLogging with an issuer that has the path, empty for none. Where
// issuer_path is stripped, a proxy removes it.
func startUnder(tb testing.TB, db *store.Store, path string, settings map[string]string, log slog.Handler) *server {
	tb.Helper()
	s := &server{tb: tb, clock: time.Now().Truncate(time.Microsecond)} // as exact as the store is
	front := httptest.NewUnstartedServer(nil)
	issuer := "http://" + front.Listener.Addr().String() + path
	s.url = strings.TrimSuffix(issuer, "/")
	defaults := map[string]string{
		"issuer": issuer, "database_url": "sqlite:unused", "system_secrets": testSecret, "registration": "open",
		"argon2_slots": "2",
	}
	conf, err := config.Load(config.Sources{Defaults: defaults, Override: settings, Require: config.ServeRequires()})
	if err != nil {
		tb.Fatal(err)
	}
	if settings["argon2_memory_mib"] == "" {
		conf.Argon2MemoryMiB, conf.Argon2Iterations = testHashMiB, testHashPasses
	}
	lendKeys(tb, conf, db, s.clock)
	storetest.Follow(tb, db)
	if s.app, err = newApp(tb.Context(), conf, db, slog.New(log), s.time); err != nil {
		tb.Fatal(err)
	}
	front.Config.Handler = s.public()
	if conf.IssuerPath == config.PathStripped {
		front.Config.Handler = stripping(conf.Path(), s.public())
	}
	front.Start()
	tb.Cleanup(front.Close)
	s.populate()
	s.pass(time.Minute) // beyond the moments at which the above were made
	return s
}

// stripping is a proxy that removes a path, and forwards addresses at the root as they are.
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

func (s *server) time() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

// pass lets time go by.
func (s *server) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

// populate brings a person and the clients that the tests use.
func (s *server) populate() {
	s.tb.Helper()
	const clients = `[
		{"client_id": "web", "client_secret": "web-secret-web-secret-web-secret-", "redirect_uris": ["` + testCallback + `", "https://client.example/other"],
		 "grant_types": ["authorization_code", "refresh_token", "client_credentials"], "scope": "openid profile email offline_access api",
		 "audience": ["https://api.example", "https://other.example"], "served_resources": ["https://api.example"], "skip_consent": true, "id_token_signed_response_alg": "ES256"},
		{"client_id": "post", "client_secret": "post-secret-post-secret-post-sec", "redirect_uris": ["` + testCallback + `"],
		 "token_endpoint_auth_method": "client_secret_post", "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
		 "scope": "openid offline_access", "access_token_strategy": "opaque", "skip_consent": true},
		{"client_id": "app", "application_type": "native", "token_endpoint_auth_method": "none",
		 "redirect_uris": ["http://127.0.0.1/cb", "com.example.app:/cb"], "grant_types": ["authorization_code", "refresh_token"], "scope": "openid offline_access"},
		{"client_id": "careful", "client_secret": "careful-secret-careful-secret-ca", "redirect_uris": ["` + testCallback + `"],
		 "require_pkce": true, "scope": "openid email"}
	]`
	users := `[
		{"username": "ada", "password_hash": "` + testHash() + `", "claims": {"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true}},
		{"username": "bob", "password_hash": "` + testHash() + `"}
	]`
	if _, _, err := importClients(s.tb.Context(), s.config, s.store, s.hasher, []byte(clients)); err != nil {
		s.tb.Fatal(err)
	}
	if _, _, err := importUsers(s.tb.Context(), s.store, s.hasher, []byte(users)); err != nil {
		s.tb.Fatal(err)
	}
}

// browser is a person's, without script: it keeps cookies and does not follow
// redirects by itself.
type browser struct {
	s      *server
	client *http.Client
}

func (s *server) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.tb.Fatal(err)
	}
	return &browser{s, &http.Client{
		Jar: jar, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// reply is an answer, read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

func (p reply) location() *url.URL {
	u, err := url.Parse(p.header.Get("Location"))
	if err != nil {
		return &url.URL{}
	}
	return u
}

func (p reply) json(tb testing.TB) map[string]any {
	tb.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(p.body), &m); err != nil {
		tb.Fatalf("answer %d is not JSON: %v\n%s", p.status, err, p.body)
	}
	return m
}

// field returns the value of a hidden form field.
func (p reply) field(name string) string {
	return p.attribute("value", func(a map[string]string) bool { return a["name"] == name && a["type"] == "hidden" })
}

// action returns where the page's form goes.
func (p reply) action() string {
	return p.attribute("action", func(a map[string]string) bool { return a["method"] != "" })
}

// attribute returns an attribute of the first element that fits.
func (p reply) attribute(name string, fits func(map[string]string) bool) string {
	z := html.NewTokenizer(strings.NewReader(p.body))
	for {
		if z.Next() == html.ErrorToken {
			return ""
		}
		attributes := map[string]string{}
		for _, a := range z.Token().Attr {
			attributes[a.Key] = a.Val
		}
		if fits(attributes) {
			return attributes[name]
		}
	}
}

func send(tb testing.TB, c *http.Client, r *http.Request) reply {
	tb.Helper()
	answer, err := c.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return reply{answer.StatusCode, answer.Header, string(body)}
}

func (b *browser) get(target string) reply {
	b.s.tb.Helper()
	if strings.HasPrefix(target, "/") {
		target = b.s.url + target
	}
	r, err := http.NewRequestWithContext(b.s.tb.Context(), http.MethodGet, target, nil)
	if err != nil {
		b.s.tb.Fatal(err)
	}
	return send(b.s.tb, b.client, r)
}

func (b *browser) post(path string, form url.Values) reply {
	b.s.tb.Helper()
	path = strings.TrimPrefix(path, b.s.url)
	r, err := http.NewRequestWithContext(b.s.tb.Context(), http.MethodPost, b.s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.s.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", b.s.config.Origin())
	return send(b.s.tb, b.client, r)
}

// asking returns an authorization request of the client web, changed by pairs of
// names and values; an empty value leaves the parameter out.
func asking(changes ...string) url.Values {
	form := url.Values{
		"client_id": {"web"}, "redirect_uri": {testCallback}, "response_type": {"code"}, "state": {"a state"}, "nonce": {"a nonce"},
		"scope": {"openid offline_access api"}, "code_challenge": {challenge(testVerifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return form
}

// authorize goes through the pages until the answer leaves for the client, or a
// page that is neither sign-in nor consent comes.
func (b *browser) authorize(form url.Values) reply {
	b.s.tb.Helper()
	return b.follow(b.get("/oauth2/auth?" + form.Encode()))
}

func (b *browser) follow(p reply) reply {
	b.s.tb.Helper()
	for range 12 {
		to := p.location()
		switch {
		case p.status == http.StatusSeeOther && strings.HasPrefix(to.String(), b.s.url+"/login"):
			form := b.get(to.String())
			p = b.post(form.action(), url.Values{"request": {form.field("request")}, "username": {"ada"}, "password": {testPassword}})
		case p.status == http.StatusSeeOther && strings.HasPrefix(to.String(), b.s.url+"/consent"):
			form := b.get(to.String())
			p = b.post(form.action(), url.Values{"request": {form.field("request")}, "decision": {"accept"}})
		case p.status == http.StatusSeeOther && strings.HasPrefix(to.String(), b.s.url+"/"):
			p = b.get(to.String())
		default:
			return p
		}
	}
	b.s.tb.Fatalf("no end of redirects; the last answer is %d to %s", p.status, p.header.Get("Location"))
	return p
}

// code signs in as ada and returns a fresh code.
func (b *browser) code(form url.Values) string {
	b.s.tb.Helper()
	p := b.authorize(form)
	code := p.location().Query().Get("code")
	if code == "" {
		b.s.tb.Fatalf("no code: %d to %q\n%s", p.status, p.header.Get("Location"), p.body)
	}
	return code
}

// call posts a form to a machine endpoint, as the client web unless the form has
// a client_id.
func (s *server) call(path string, form url.Values) reply {
	s.tb.Helper()
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost, s.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !form.Has("client_id") {
		r.SetBasicAuth("web", "web-secret-web-secret-web-secret-")
	}
	return send(s.tb, http.DefaultClient, r)
}

func exchanging(code string, changes ...string) url.Values {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {testCallback}, "code_verifier": {testVerifier},
	}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			form.Del(changes[i])
		}
	}
	return form
}

// tokens exchanges a code that must be good.
func (s *server) tokens(code string) map[string]any {
	s.tb.Helper()
	p := s.call("/oauth2/token", exchanging(code))
	if p.status != http.StatusOK {
		s.tb.Fatalf("exchange: %d %s", p.status, p.body)
	}
	return p.json(s.tb)
}

func (s *server) refresh(token any, changes ...string) reply {
	s.tb.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {text(token)}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return s.call("/oauth2/token", form)
}

func (s *server) active(token any) bool {
	s.tb.Helper()
	p := s.call("/oauth2/introspect", url.Values{"token": {text(token)}})
	if p.status != http.StatusOK {
		s.tb.Fatalf("introspect: %d %s", p.status, p.body)
	}
	return p.json(s.tb)["active"] == true
}

func (s *server) userinfo(token any) reply {
	s.tb.Helper()
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodGet, s.url+"/userinfo", nil)
	if err != nil {
		s.tb.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+text(token))
	return send(s.tb, http.DefaultClient, r)
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// claims reads a JWT's payload without verifying it.
func claims(tb testing.TB, token any) map[string]any {
	tb.Helper()
	parts := strings.Split(text(token), ".")
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

func wantError(tb testing.TB, p reply, status int, code string) {
	tb.Helper()
	if got := p.json(tb)["error"]; p.status != status || got != code {
		tb.Errorf("answer %d %v, want %d %s\n%s", p.status, got, status, code, p.body)
	}
}

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
