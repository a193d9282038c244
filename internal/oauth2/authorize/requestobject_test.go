package authorize_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// site is a client's own web server, and its keys, which it publishes there.
type site struct {
	*httptest.Server

	rs *rsa.PrivateKey
	ec *ecdsa.PrivateKey
	ed ed25519.PrivateKey

	mu    sync.Mutex
	pages map[string]string
	hits  atomic.Int64
}

func newSite(t *testing.T) *site {
	t.Helper()
	w := &site{pages: map[string]string{}}
	w.Server = httptest.NewTLSServer(w)
	t.Cleanup(w.Close)
	var err error
	if w.rs, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	if w.ec, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	if _, w.ed, err = ed25519.GenerateKey(rand.Reader); err != nil {
		t.Fatal(err)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: w.rs.Public(), KeyID: "rs"}, {Key: w.ec.Public(), KeyID: "ec"}, {Key: w.ed.Public(), KeyID: "ed"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.publish("/keys", string(keys))
	return w
}

func (w *site) publish(path, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages[path] = text
}

// ServeHTTP serves the published documents; /hang responds after the client has disconnected.
func (w *site) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	w.hits.Add(1)
	if r.URL.Path == "/hang" {
		<-r.Context().Done()
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	text, ok := w.pages[r.URL.Path]
	if !ok {
		out.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = out.Write([]byte(text))
}

// settings let the server fetch from the site.
func (w *site) settings(t *testing.T) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.Certificate().Raw})
	if err := os.WriteFile(file, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"outbound_allow_private": "true", "outbound_ca_file": file, "rate_limits": "off"}
}

// sign makes a JWT of claims.
func (w *site) sign(t *testing.T, alg jose.SignatureAlgorithm, claims map[string]any) string {
	t.Helper()
	key := map[jose.SignatureAlgorithm]any{
		jose.RS256: w.rs, jose.PS256: w.rs, jose.ES256: w.ec, jose.EdDSA: w.ed,
	}[alg]
	kid := map[jose.SignatureAlgorithm]string{jose.RS256: "rs", jose.PS256: "rs", jose.ES256: "ec", jose.EdDSA: "ed"}[alg]
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, (&jose.SignerOptions{}).WithType("oauth-authz-req+jwt"))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// unsigned makes an unsigned JWT of claims.
func unsigned(t *testing.T, claims map[string]any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(payload) + "."
}

// hashed returns a URL of the site with the hash of the published document.
func (w *site) hashed(path, text string) string {
	hash := crypto.SHA256.New()
	hash.Write([]byte(text))
	return w.URL + path + "#" + base64.RawURLEncoding.EncodeToString(hash.Sum(nil))
}

// asObject is the request of asking, as claims of the client id and with changes.
func asObject(s *servertest.Server, id string, changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": id, "aud": s.URL, "iat": s.Time().Unix(), "nbf": s.Time().Unix(), "exp": s.Time().Add(time.Minute).Unix(),
		"client_id": id, "max_age": 600, "scope": "openid",
	}
	for name, values := range servertest.AuthorizationRequest("client_id", id, "scope", "openid") {
		claims[name] = values[0]
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == nil })
	return claims
}

// signers imports clients whose keys are at the site: signer, strict which always signs, plain
// which never does. Their request_uris are uris.
func signers(s *servertest.Server, w *site, uris ...string) {
	s.TB.Helper()
	var entries []map[string]any
	for id, more := range map[string]map[string]any{
		"signer": {}, "strict": {"require_signed_request_object": true}, "plain": {"request_object_signing_alg": "none"},
		"careful": {"request_object_signing_alg": "PS256"},
	} {
		entry := map[string]any{
			"client_id": id, "client_secret": "a-secret-a-secret-a-secret-a-secret-", "redirect_uris": []string{servertest.RedirectURI},
			"jwks_uri": w.URL + "/keys", "request_uris": uris, "scope": "openid", "skip_consent": true,
		}
		maps.Copy(entry, more)
		entries = append(entries, entry)
	}
	text, err := json.Marshal(entries)
	if err != nil {
		s.TB.Fatal(err)
	}
	if _, _, err := s.ImportClients(text); err != nil {
		s.TB.Fatal(err)
	}
	s.Advance(time.Minute)
}

func TestRequestObjects(t *testing.T) {
	t.Parallel()
	w := newSite(t)
	settings := w.settings(t)
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, settings)
		algorithms := []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
		objects := map[string]string{}
		var uris []string
		for _, alg := range algorithms {
			path := "/" + t.Name() + "/" + string(alg)
			objects[path] = w.sign(t, alg, asObject(s, "signer", map[string]any{"state": path, "exp": nil, "iat": nil, "nbf": nil}))
			w.publish(path, objects[path])
			uris = append(uris, w.hashed(path, objects[path]))
		}
		signers(s, w, uris...)
		b := s.NewBrowser()
		for i, uri := range uris {
			path := strings.TrimPrefix(uri[:strings.IndexByte(uri, '#')], w.URL)
			for name, form := range map[string]url.Values{
				"by value":                  {"client_id": {"signer"}, "request": {objects[path]}},
				"by reference":              {"client_id": {"signer"}, "request_uri": {uri}},
				"beside another request":    servertest.AuthorizationRequest("client_id", "signer", "request", objects[path], "state", "outside", "nonce", "outside"),
				"beside a bad address":      servertest.AuthorizationRequest("client_id", "signer", "request_uri", uri, "redirect_uri", "https://evil.example/"),
				"beside what it leaves out": {"client_id": {"signer"}, "request": {objects[path]}, "display": {"page"}},
			} {
				got := b.Authorize(form).Location()
				if !strings.HasPrefix(got.String(), servertest.RedirectURI) || got.Query().Get("code") == "" || got.Query().Get("state") != path {
					t.Errorf("%s, %s: to %q, want a code and the state within", algorithms[i], name, got)
				}
			}
		}
		// By POST, the object is opened before the redirect to ourselves.
		posted := b.Follow(b.Post("/oauth2/auth", url.Values{"client_id": {"signer"}, "request": {objects["/"+t.Name()+"/ES256"]}}))
		if posted.Location().Query().Get("code") == "" {
			t.Errorf("by POST: %d to %q", posted.Status, posted.Location())
		}
	})
}

// An invalid request object is reported to the client if the redirect URI is valid, and to the
// user otherwise.
func TestInvalidRequestObjects(t *testing.T) {
	t.Parallel()
	w := newSite(t)
	settings := w.settings(t)
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, settings)
		unregistered := newSite(t)
		known := w.URL + "/" + t.Name()
		signers(s, w, known, known+"/gone", w.hashed("/"+t.Name(), "something else"), w.URL+"/hang", unregistered.URL+"/r", w.URL+"/away")
		now := s.Time()
		good := asObject(s, "signer", nil)
		w.publish("/"+t.Name(), unsigned(t, good))
		object := func(name string, value any) string {
			return w.sign(t, jose.ES256, asObject(s, "signer", map[string]any{name: value}))
		}
		request := func(compact string) []string { return []string{"request", compact} }
		reference := func(uri string) []string { return []string{"request_uri", uri} }
		before := unregistered.hits.Load()
		for name, tc := range map[string]struct {
			id     string
			change []string
			want   string
		}{
			"no JWT":                       {"signer", request("a.b.c"), "invalid_request_object"},
			"unsigned":                     {"signer", request(unsigned(t, good)), "invalid_request_object"},
			"signed by another":            {"signer", request(unregistered.sign(t, jose.ES256, good)), "invalid_request_object"},
			"with another alg":             {"careful", request(w.sign(t, jose.RS256, asObject(s, "careful", nil))), "invalid_request_object"},
			"expired":                      {"signer", request(object("exp", now.Add(-time.Second).Unix())), "invalid_request_object"},
			"for another server":           {"signer", request(object("aud", "https://else.example")), "invalid_request_object"},
			"from another client":          {"signer", request(object("iss", "strict")), "invalid_request_object"},
			"of another client":            {"signer", request(object("client_id", "strict")), "invalid_request_object"},
			"with another response type":   {"signer", request(object("response_type", "token")), "invalid_request_object"},
			"not yet valid":                {"signer", request(object("nbf", now.Add(time.Minute).Unix())), "invalid_request_object"},
			"with the client as sub":       {"signer", request(object("sub", "signer")), "invalid_request_object"},
			"with an object inside":        {"signer", request(object("request_uri", known)), "invalid_request_object"},
			"with a registration":          {"signer", request(object("registration", map[string]any{})), "registration_not_supported"},
			"asking what may not be":       {"signer", request(object("scope", `openid "`)), "invalid_scope"},
			"with a max_age that is none":  {"signer", request(object("max_age", "soon")), "invalid_request"},
			"signed where it never does":   {"plain", request(w.sign(t, jose.ES256, asObject(s, "plain", nil))), "invalid_request_object"},
			"too long":                     {"signer", request(strings.Repeat("a", 17<<10)), "invalid_request_object"},
			"full of dots":                 {"signer", request(strings.Repeat(".", 20_000)), "invalid_request_object"},
			"full of arrays":               {"signer", request("e30." + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("[", 12_000))) + "."), "invalid_request_object"},
			"none where one must be":       {"strict", nil, "invalid_request"},
			"unsigned where it must be":    {"strict", request(unsigned(t, asObject(s, "strict", nil))), "invalid_request_object"},
			"by value and reference":       {"signer", append(request(object("x", 1)), reference(known)...), "invalid_request"},
			"at an address not registered": {"signer", reference(unregistered.URL + "/other"), "invalid_request_uri"},
			"at a host not registered":     {"signer", reference("https://127.0.0.1:1/x"), "invalid_request_uri"},
			"at more than is registered":   {"signer", reference(known + "?x=1"), "invalid_request_uri"},
			"pushed by nobody":             {"signer", reference("urn:ietf:params:oauth:request_uri:x"), "invalid_request_uri"},
			"not there":                    {"signer", reference(known + "/gone"), "invalid_request_uri"},
			"at a hash that is not its":    {"plain", reference(w.hashed("/"+t.Name(), "something else")), "invalid_request_uri"},
			"at a host of unknown faith":   {"signer", reference(unregistered.URL + "/r"), "invalid_request_uri"},
			"at an address that hangs":     {"signer", reference(w.URL + "/hang"), "invalid_request_uri"},
			"unsigned and by reference":    {"signer", reference(known), "invalid_request_object"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := s.NewBrowser()
				form := servertest.AuthorizationRequest(append([]string{"client_id", tc.id, "scope", "openid"}, tc.change...)...)
				p := b.Post("/oauth2/auth", form)
				got := p.Location().Query()
				if p.Status != http.StatusSeeOther || got.Get("error") != tc.want || got.Get("state") != "a state" || got.Get("iss") != s.URL {
					t.Errorf("%d to %q, want %s\n%.300s", p.Status, p.Location(), tc.want, p.Body)
				}
				if description := got.Get("error_description"); strings.ContainsAny(description, "\"\\\r\n") {
					t.Errorf("error_description %q has a character that it may not", description)
				}
				// The redirect_uri of an invalid object is not used.
				form.Set("redirect_uri", "https://evil.example/")
				if p := b.Post("/oauth2/auth", form); !strings.HasSuffix(tc.want, "_supported") && tc.want != "invalid_scope" &&
					name != "with a max_age that is none" && (p.Status != http.StatusBadRequest || p.Header.Get("Location") != "") {
					t.Errorf("beside an unknown address: %d to %q, want a page", p.Status, p.Location())
				}
			})
		}
		if got := unregistered.hits.Load(); got != before {
			t.Errorf("%d requests reached a server that is not trusted", got-before)
		}
	})
}

// An object of an unknown client, or without a client_id outside of it, is not read.
func TestRequestObjectNeedsClientIDParameter(t *testing.T) {
	t.Parallel()
	w := newSite(t)
	s := servertest.Start(t, storetest.New(t), w.settings(t))
	signers(s, w)
	b := s.NewBrowser()
	object := w.sign(t, jose.ES256, asObject(s, "signer", nil))
	evil := w.sign(t, jose.ES256, asObject(s, "signer", map[string]any{"redirect_uri": "https://evil.example/"}))
	for name, form := range map[string]url.Values{
		"no client":              {"request": {object}},
		"an unknown client":      servertest.AuthorizationRequest("client_id", "nobody", "request", object),
		"another's address":      {"client_id": {"signer"}, "request": {evil}},
		"and a good one outside": servertest.AuthorizationRequest("client_id", "signer", "request", evil),
		"and no address":         {"client_id": {"signer"}, "request": {w.sign(t, jose.ES256, asObject(s, "signer", map[string]any{"redirect_uri": nil}))}},
		"and a broken object":    {"client_id": {"signer"}, "request": {object + "x"}},
	} {
		p := b.Get("/oauth2/auth?" + form.Encode())
		if p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" || !strings.Contains(p.Body, `id="error"`) {
			t.Errorf("%s: %d to %q, want a page with status 400", name, p.Status, p.Header.Get("Location"))
		}
	}
	if w.hits.Load() > 1 {
		t.Errorf("%d fetches, want the keys once", w.hits.Load())
	}
}

// A request object is read once: its parameters are stored while the user signs in, and the
// object may expire before the request continues.
func TestRequestObjectIsReadOnce(t *testing.T) {
	t.Parallel()
	w := newSite(t)
	settings := w.settings(t)
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, settings)
		signers(s, w)
		hint := servertest.Text(s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))["id_token"])
		b := s.NewBrowser()
		object := w.sign(t, jose.EdDSA, asObject(s, "strict", map[string]any{"claims": map[string]any{"id_token": map[string]any{"email": nil}}}))
		p := b.Get("/oauth2/auth?" + url.Values{"client_id": {"strict"}, "request": {object}}.Encode())
		id := p.Location().Query().Get("request")
		waiting, err := s.Store.Requests.Request(t.Context(), id, s.Time())
		if err != nil {
			t.Fatalf("%v: %d to %q", err, p.Status, p.Location())
		}
		kept, err := url.ParseQuery(waiting.Parameters)
		if err != nil || kept.Has("request") || kept.Get("state") != "a state" || kept.Get("max_age") != "600" ||
			kept.Get("claims") != `{"id_token":{"email":null}}` {
			t.Errorf("kept = %v (%v), want plain parameters", kept, err)
		}
		s.Advance(2 * time.Minute)
		if got := b.Follow(p).Location().Query(); got.Get("code") == "" || got.Get("state") != "a state" {
			t.Errorf("after the object has ended: %v", got)
		}

		// An id_token_hint inside of the object is verified too.
		hinting := w.sign(t, jose.EdDSA, asObject(s, "signer", map[string]any{"id_token_hint": hint, "prompt": "none"}))
		got := b.Get("/oauth2/auth?" + url.Values{"client_id": {"signer"}, "request": {hinting}}.Encode()).Location().Query()
		if got.Get("error") != "invalid_request" {
			t.Errorf("with the hint of another client: %v", got)
		}
	})
}

// Parameters outside of the object are ignored for clients that always sign.
func TestParametersOutsideRequestObjectAreIgnored(t *testing.T) {
	t.Parallel()
	w := newSite(t)
	s := servertest.Start(t, storetest.New(t), w.settings(t))
	signers(s, w)
	object := func(id string) string {
		return w.sign(t, jose.ES256, asObject(s, id, map[string]any{"state": nil, "nonce": nil}))
	}
	for id, want := range map[string]string{"strict": "", "signer": "outside"} {
		got := s.NewBrowser().Authorize(servertest.AuthorizationRequest("client_id", id, "request", object(id), "state", "outside")).Location().Query()
		if got.Get("code") == "" || got.Get("state") != want {
			t.Errorf("%s: %v, want a code and the state %q", id, got, want)
		}
	}
	plain := unsigned(t, asObject(s, "plain", nil))
	if got := s.NewBrowser().Authorize(url.Values{"client_id": {"plain"}, "request": {plain}}).Location().Query(); got.Get("code") == "" {
		t.Errorf("unsigned, as registered: %v", got)
	}
}
