package registration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const (
	issuer  = "https://id.example"
	initial = "an initial access token"
	minimal = `{"redirect_uris":["https://rp.example/cb"]}`
)

// fixture is a handler with a database and a clock.
type fixture struct {
	http.Handler
	store *store.Store
	slow  client.Hasher
	now   time.Time
	log   bytes.Buffer
}

func newFixture(t *testing.T, adjust func(*Config)) *fixture {
	t.Helper()
	return newFixtureOn(t, storetest.New(t), adjust)
}

func newFixtureOn(t *testing.T, db *store.Store, adjust func(*Config)) *fixture {
	t.Helper()
	r := &fixture{
		store: db, slow: credential.NewHasher(64, 1, 2, time.Minute),
		now: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC),
	}
	c := Config{
		Issuer: issuer, Mode: Open, Clients: r.store.Clients, Hasher: r.slow,
		Policy: client.Policy{DefaultScopes: []string{"openid"}},
		Scopes: store.NewScopeCache(r.store, func(records []*scope.Scope) *scope.Set {
			return scope.NewSet(records, []string{"openid", "profile"}, nil)
		}),
		Audit: r.store.Audit, Address: func(context.Context) netip.Addr { return netip.MustParseAddr("192.0.2.7") },
		RequestID: func(context.Context) string { return "a-request" },
		Now:       func() time.Time { return r.now },
		Log:       slog.New(slog.NewTextHandler(&r.log, nil)),
	}
	if adjust != nil {
		adjust(&c)
	}
	h := New(c)
	router := chi.NewRouter()
	for _, path := range []string{connect, oauth2} {
		router.Post(path, h.Create)
		router.Get(path+"/{id}", h.Get)
		router.Put(path+"/{id}", h.Update)
		router.Delete(path+"/{id}", h.Delete)
	}
	r.Handler = router
	return r
}

// reply is a response of the handler.
type reply struct {
	status int
	header http.Header
	raw    string
	body   map[string]any
}

func (a reply) text(member string) string {
	s, _ := a.body[member].(string)
	return s
}

func (r *fixture) do(t *testing.T, method, target, body string, auth ...string) reply {
	t.Helper()
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, value := range auth {
		req.Header.Add("Authorization", value)
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	raw, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	a := reply{status: w.Code, header: w.Header(), raw: string(raw)}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			t.Fatalf("%s %s answered %q: %v", method, target, raw, err)
		}
	}
	if a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %s may be cached", method, target)
	}
	return a
}

// register registers a client, which must succeed.
func (r *fixture) register(t *testing.T, path, body string) reply {
	t.Helper()
	a := r.do(t, "POST", path, body)
	if a.status != http.StatusCreated {
		t.Fatalf("POST %s %s = %d %s, want 201", path, body, a.status, a.raw)
	}
	return a
}

func wantError(t *testing.T, a reply, status int, code string) {
	t.Helper()
	if a.status != status || a.text("error") != code || a.body["status_code"] != float64(status) {
		t.Errorf("answer = %d %s, want %d %s", a.status, a.raw, status, code)
	}
	if strings.ContainsAny(a.text("error_description"), "\"\\\n") {
		t.Errorf("error_description %q has invalid characters", a.text("error_description"))
	}
}

func TestTheRegistrationResponse(t *testing.T) {
	t.Parallel()

	for _, path := range []string{connect, oauth2} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()

			r := newFixture(t, nil)
			a := r.register(t, path, `{"redirect_uris":["https://rp.example/cb"],"client_name":"Shop","scope":"openid admin",
				"client_id":"mine","skip_consent":true,"audience":["x"],"unknown":{}}`)
			uri := issuer + path + "/" + a.text("client_id")
			if a.text("registration_client_uri") != uri || a.header.Get("Location") != uri {
				t.Errorf("registration_client_uri = %q, Location = %q, want %q", a.text("registration_client_uri"), a.header.Get("Location"), uri)
			}
			if id := a.text("client_id"); id == "mine" || len(id) < 20 {
				t.Errorf("client_id = %q, want a generated one", id)
			}
			for member, want := range map[string]any{
				"client_name": "Shop", "scope": "openid", "client_secret_expires_at": 0.0,
				"client_id_issued_at": float64(r.now.Unix()), "created_at": "2026-11-01T12:00:00Z",
				"updated_at": "2026-11-01T12:00:00Z", "skip_consent": nil, "audience": nil, "unknown": nil,
			} {
				if got := a.body[member]; got != want {
					t.Errorf("%s = %v, want %v", member, got, want)
				}
			}
			kept, err := r.store.Clients.Client(t.Context(), a.text("client_id"))
			if err != nil {
				t.Fatal(err)
			}
			if ok, err := kept.Secret.Verify(t.Context(), r.slow, a.text("client_secret")); !ok || err != nil || !kept.Dynamic {
				t.Errorf("stored client = %+v: the secret verifies = %v (%v), want true, and Dynamic", kept, ok, err)
			}
			for _, secret := range []string{a.text("client_secret"), a.text("registration_access_token")} {
				if secret == "" || strings.Contains(fmt.Sprintf("%s %s", kept.Secret, kept.RegistrationToken), secret) {
					t.Error("a credential is missing, or stored in plaintext")
				}
				if strings.Contains(r.log.String(), secret) {
					t.Errorf("the log holds a credential:\n%s", &r.log)
				}
			}
		})
	}
}

func TestAClientWithoutASecretGetsNone(t *testing.T) {
	t.Parallel()

	r := newFixture(t, nil)
	for _, method := range []string{`"none"`, `"private_key_jwt","jwks_uri":"https://rp.example/jwks"`} {
		a := r.register(t, oauth2, `{"redirect_uris":["https://rp.example/cb"],"token_endpoint_auth_method":`+method+`}`)
		if a.body["client_secret"] != nil || a.text("registration_access_token") == "" {
			t.Errorf("method %s: %s, want no secret and a registration token", method, a.raw)
		}
	}
}

func TestInvalidMetadataErrors(t *testing.T) {
	t.Parallel()

	r := newFixture(t, nil)
	for name, tc := range map[string]struct{ body, code string }{
		"a script for a redirect URI": {`{"redirect_uris":["javascript:alert(1)"]}`, "invalid_redirect_uri"},
		"no redirect URI":             {`{}`, "invalid_redirect_uri"},
		"an implicit client":          {`{"redirect_uris":["https://a.example"],"response_types":["id_token"]}`, "invalid_client_metadata"},
		"a secret of its own":         {`{"redirect_uris":["https://a.example"],"client_secret":"0123456789"}`, "invalid_client_metadata"},
		"a secret that is a number":   {`{"redirect_uris":["https://a.example"],"client_secret":1}`, "invalid_client_metadata"},
		"an array":                    {`[]`, "invalid_client_metadata"},
		"null":                        {`null`, "invalid_client_metadata"},
		"nothing":                     {``, "invalid_client_metadata"},
		"too much":                    {`{"a":"` + strings.Repeat("a", maxBody) + `"}`, "invalid_client_metadata"},
	} {
		for _, path := range []string{connect, oauth2} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				wantError(t, r.do(t, "POST", path, tc.body), http.StatusBadRequest, tc.code)
			})
		}
	}
}

func TestClosedRegistrationIsNotFound(t *testing.T) {
	t.Parallel()

	for _, mode := range []Mode{Closed, "", "ajar"} {
		r := newFixture(t, func(c *Config) { c.Mode = mode })
		wantError(t, r.do(t, "POST", connect, minimal), http.StatusNotFound, "not_found")
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			wantError(t, r.do(t, method, connect+"/x", minimal, "Bearer x"), http.StatusNotFound, "not_found")
		}
	}
}

func TestModeTokenRequiresAnInitialToken(t *testing.T) {
	t.Parallel()

	sum, other := sha256.Sum256([]byte(initial)), sha256.Sum256([]byte("another"))
	r := newFixture(t, func(c *Config) { c.Mode, c.InitialTokens = Token, [][]byte{other[:], sum[:]} })
	if a := r.do(t, "POST", connect, minimal, "bearer "+initial); a.status != http.StatusCreated {
		t.Errorf("with the token: %d %s, want 201", a.status, a.raw)
	}
	for name, auth := range map[string][]string{
		"none": nil, "wrong": {"Bearer wrong"}, "empty": {"Bearer "}, "Basic": {"Basic " + initial},
		"two": {"Bearer " + initial, "Bearer " + initial},
	} {
		a := r.do(t, "POST", connect, minimal, auth...)
		wantError(t, a, http.StatusUnauthorized, "invalid_token")
		want := `Bearer error="invalid_token"`
		if name == "none" {
			want = "Bearer"
		}
		if got := a.header.Get("WWW-Authenticate"); got != want {
			t.Errorf("%s: WWW-Authenticate = %q, want %q", name, got, want)
		}
	}
}

// down is a store without a database.
type down struct{ Clients }

type outage struct{ error }

func (outage) Unavailable() bool { return true }

func (down) Client(context.Context, string) (*client.Client, error) {
	return nil, fmt.Errorf("read client: %w", outage{errors.New("connection refused")})
}

func (down) InsertClient(context.Context, *client.Client) error {
	return outage{errors.New("connection refused")}
}

func TestDatabaseOutageReturns503(t *testing.T) {
	t.Parallel()

	r := newFixture(t, func(c *Config) { c.Clients = down{} })
	for _, a := range []reply{
		r.do(t, "POST", connect, minimal),
		r.do(t, "GET", connect+"/x", "", "Bearer x"),
		r.do(t, "PUT", connect+"/x", minimal, "Bearer x"),
		r.do(t, "DELETE", connect+"/x", "", "Bearer x"),
	} {
		wantError(t, a, http.StatusServiceUnavailable, "temporarily_unavailable")
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
	}
}
