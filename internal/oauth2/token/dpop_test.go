package token_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func eachServer(t *testing.T, settings map[string]string, test func(t *testing.T, s *servertest.Server)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		test(t, servertest.Start(t, db, settings))
	})
}

// appCode returns a code of the public client app.
func appCode(s *servertest.Server, changes ...string) string {
	s.TB.Helper()
	changes = append([]string{"client_id", "app", "redirect_uri", "http://127.0.0.1/cb", "scope", "openid offline_access"}, changes...)
	return s.NewBrowser().Code(servertest.AuthorizationRequest(changes...))
}

func appExchange(code string) url.Values {
	return servertest.CodeExchange(code, "client_id", "app", "redirect_uri", "http://127.0.0.1/cb")
}

func appRefresh(token any) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "client_id": {"app"}, "refresh_token": {servertest.Text(token)}}
}

// An access token is bound to the key of the proof, in every format and at introspection.
//
// Spec: RFC 9449 §5, §6.
func TestDPoPBindsAccessTokens(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		key := servertest.NewDPoPKey(s)
		cnf := map[string]any{"jkt": key.Thumbprint()}
		signed := key.PostForm("/oauth2/token", servertest.CodeExchange(s.NewBrowser().Code(servertest.AuthorizationRequest()))).JSON(t)
		servertest.WantMembers(t, signed, servertest.Object{"token_type": "DPoP"})
		servertest.WantMembers(t, servertest.Claims(t, signed["access_token"]), servertest.Object{"cnf": cnf})

		opaque := key.PostForm("/oauth2/token", servertest.Form("grant_type", "client_credentials", "client_id", "post", "client_secret", "post-secret-post-secret-post-sec")).JSON(t)
		for name, token := range map[string]any{"signed": signed["access_token"], "opaque": opaque["access_token"]} {
			got := s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(token)}}).JSON(t)
			servertest.WantMembers(t, got, servertest.Object{"active": true, "token_type": "DPoP", "cnf": cnf})
			if t.Failed() {
				t.Fatalf("the %s token is not bound: %v", name, got)
			}
		}
		if unbound := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest())); unbound["token_type"] != "Bearer" || servertest.Claims(t, unbound["access_token"])["cnf"] != nil {
			t.Errorf("without a proof: %v", unbound)
		}
	})
}

// A wrong proof does not use up the code, and a proof is used once at all replicas.
//
// Spec: RFC 9449 §5, §11.1.
func TestWrongProofsAtTheTokenEndpoint(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, replica := servertest.Start(t, db, nil), servertest.Start(t, db, nil)
		key := servertest.NewDPoPKey(s)
		form := servertest.CodeExchange(s.NewBrowser().Code(servertest.AuthorizationRequest()))
		good := key.Proof(http.MethodPost, "/oauth2/token", "")
		for name, proofs := range map[string][]string{
			"two":             {good, key.Proof(http.MethodPost, "/oauth2/token", "")},
			"garbage":         {"garbage"},
			"of userinfo":     {key.Proof(http.MethodPost, "/userinfo", "")},
			"of another host": {key.Proof(http.MethodPost, "/oauth2/token", "", servertest.Object{"htu": "https://rp.example/oauth2/token"})},
			"of an hour ago":  {key.Proof(http.MethodPost, "/oauth2/token", "", servertest.Object{"iat": s.Time().Add(-time.Hour).Unix()})},
		} {
			if p := servertest.PostFormWithProof(s, "/oauth2/token", form, proofs...); p.Status != http.StatusBadRequest || p.JSON(t)["error"] != "invalid_dpop_proof" {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}
		if p := servertest.PostFormWithProof(s, "/oauth2/token", form, good); p.Status != http.StatusOK {
			t.Fatalf("after wrong proofs: %d %s", p.Status, p.Body)
		}
		again := url.Values{"grant_type": {"client_credentials"}}
		for name, at := range map[string]*servertest.Server{"here": s, "at a replica": replica} {
			proof := good
			if at == replica {
				proof = key.Proof(http.MethodPost, "/oauth2/token", "", servertest.Object{"htu": replica.URL + "/oauth2/token", "jti": "once"})
				if p := servertest.PostFormWithProof(replica, "/oauth2/token", again, proof); p.Status != http.StatusOK {
					t.Fatalf("first use: %d %s", p.Status, p.Body)
				}
			}
			servertest.WantError(t, servertest.PostFormWithProof(at, "/oauth2/token", again, proof), 400, "invalid_dpop_proof")
			if t.Failed() {
				t.Fatalf("a proof was used twice %s", name)
			}
		}
	})
}

// A client may register that its tokens are bound, and then gets none from the authorization endpoint.
//
// Spec: RFC 9449 §5.2.
func TestDPoPBoundClients(t *testing.T) {
	settings := servertest.LegacySettings()
	eachServer(t, settings, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		s.ImportClient(servertest.LegacyClient("bound", `, "dpop_bound_access_tokens": true`),
			`{"client_id": "service", "client_secret": "`+servertest.OtherSecret+`", "token_endpoint_auth_method": "client_secret_post",
			  "grant_types": ["client_credentials"], "dpop_bound_access_tokens": true}`)
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"service"}, "client_secret": {servertest.OtherSecret}}
		servertest.WantError(t, s.PostForm("/oauth2/token", form), 400, "invalid_dpop_proof")
		if p := servertest.NewDPoPKey(s).PostForm("/oauth2/token", form); p.Status != http.StatusOK {
			t.Errorf("with a proof: %d %s", p.Status, p.Body)
		}
		p := s.NewBrowser().Authorize(servertest.AuthorizationRequest("client_id", "bound", "response_type", "id_token token", "code_challenge", "", "code_challenge_method", ""))
		if !strings.Contains(p.Location().String(), "unsupported_response_type") {
			t.Errorf("a token without a proof: %d %s", p.Status, p.Location())
		}
	})
}

// The refresh token of a public client is bound to its key; that of a confidential client is not.
//
// Spec: RFC 9449 §5.
func TestDPoPBindsRefreshTokensOfPublicClients(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		key, other := servertest.NewDPoPKey(s), servertest.NewDPoPKey(s)
		got := key.PostForm("/oauth2/token", appExchange(appCode(s))).JSON(t)
		refresh := appRefresh(got["refresh_token"])
		servertest.WantError(t, s.PostForm("/oauth2/token", refresh), 400, "invalid_dpop_proof")
		servertest.WantError(t, other.PostForm("/oauth2/token", refresh), 400, "invalid_dpop_proof")
		rotated := key.PostForm("/oauth2/token", refresh).JSON(t)
		servertest.WantMembers(t, rotated, servertest.Object{"token_type": "DPoP"})
		servertest.WantError(t, other.PostForm("/oauth2/token", appRefresh(rotated["refresh_token"])), 400, "invalid_dpop_proof")

		// A token that was not bound is bound by the first proof.
		unbound := s.PostForm("/oauth2/token", appExchange(appCode(s))).JSON(t)
		bound := key.PostForm("/oauth2/token", appRefresh(unbound["refresh_token"])).JSON(t)
		servertest.WantError(t, s.PostForm("/oauth2/token", appRefresh(bound["refresh_token"])), 400, "invalid_dpop_proof")

		confidential := key.PostForm("/oauth2/token", servertest.CodeExchange(s.NewBrowser().Code(servertest.AuthorizationRequest()))).JSON(t)
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {servertest.Text(confidential["refresh_token"])}}
		next := other.PostForm("/oauth2/token", form).JSON(t)
		servertest.WantMembers(t, servertest.Claims(t, next["access_token"]), servertest.Object{"cnf": map[string]any{"jkt": other.Thumbprint()}})
	})
}

// dpop_jkt binds the code. Another key does not use it up, and a second use revokes the grant,
// regardless of the key.
//
// Spec: RFC 9449 §10, RFC 6749 §4.1.2.
func TestDPoPBindsCodes(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		key, other := servertest.NewDPoPKey(s), servertest.NewDPoPKey(s)
		form := servertest.CodeExchange(s.NewBrowser().Code(servertest.AuthorizationRequest("dpop_jkt", key.Thumbprint())))
		servertest.WantError(t, s.PostForm("/oauth2/token", form), 400, "invalid_dpop_proof")
		servertest.WantError(t, other.PostForm("/oauth2/token", form), 400, "invalid_dpop_proof")
		got := key.PostForm("/oauth2/token", form).JSON(t)
		servertest.WantMembers(t, got, servertest.Object{"token_type": "DPoP"})
		s.Advance(3 * time.Second)
		servertest.WantError(t, other.PostForm("/oauth2/token", form), 400, "invalid_grant")
		if s.IsActive(got["access_token"]) {
			t.Error("a code that came twice revoked nothing")
		}
		for _, wrong := range []string{"x", strings.Repeat("!", 43), strings.Repeat("A", 44)} {
			p := s.NewBrowser().Authorize(servertest.AuthorizationRequest("dpop_jkt", wrong))
			if !strings.Contains(p.Location().String(), "error=invalid_request") {
				t.Errorf("dpop_jkt %s: %d %s", wrong, p.Status, p.Location())
			}
		}
	})
}

// Spec: RFC 9449 §8, §9.
func TestDPoPNonces(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{"dpop_nonces": "on"})
		key := servertest.NewDPoPKey(s)
		form := servertest.CodeExchange(s.NewBrowser().Code(servertest.AuthorizationRequest()))
		p := key.PostForm("/oauth2/token", form)
		servertest.WantError(t, p, 400, "use_dpop_nonce")
		key.Nonce = p.Header.Get("DPoP-Nonce")
		p = key.PostForm("/oauth2/token", form)
		if p.Status != http.StatusOK || p.Header.Get("DPoP-Nonce") == "" {
			t.Fatalf("with a nonce: %d %s", p.Status, p.Body)
		}
		token := servertest.Text(p.JSON(t)["access_token"])
		if p := servertest.UserinfoWith(s, "DPoP "+token, key.Proof(http.MethodGet, "/userinfo", token)); p.Status != http.StatusOK || p.Header.Get("DPoP-Nonce") == "" {
			t.Errorf("userinfo with a nonce: %d %s", p.Status, p.Body)
		}
		s.Advance(3 * time.Minute)
		p = servertest.UserinfoWith(s, "DPoP "+token, key.Proof(http.MethodGet, "/userinfo", token))
		if p.Status != http.StatusUnauthorized || p.Header.Get("DPoP-Nonce") == "" || !strings.Contains(p.Header.Get("WWW-Authenticate"), `error="use_dpop_nonce"`) {
			t.Errorf("userinfo with an old nonce: %d %v", p.Status, p.Header)
		}
		if p := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}); p.Status != http.StatusOK || p.Header.Get("DPoP-Nonce") != "" {
			t.Errorf("without DPoP: %d %v", p.Status, p.Header)
		}
	})
}

// The operator can require nonces of one client; dpop_nonces off ignores it.
func TestDPoPNoncesOfOneClient(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	s, off := servertest.Start(t, db, nil), servertest.Start(t, db, map[string]string{"dpop_nonces": "off"})
	s.ImportClient(`{"client_id": "service", "client_secret": "` + servertest.OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["client_credentials"], "require_dpop_nonce": true}`)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"service"}, "client_secret": {servertest.OtherSecret}}
	servertest.WantError(t, servertest.NewDPoPKey(s).PostForm("/oauth2/token", form), 400, "use_dpop_nonce")
	if p := servertest.NewDPoPKey(s).PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}); p.Status != http.StatusOK {
		t.Errorf("another client: %d %s", p.Status, p.Body)
	}
	off.Advance(time.Minute)
	if p := servertest.NewDPoPKey(off).PostForm("/oauth2/token", form); p.Status != http.StatusOK {
		t.Errorf("nonces are off: %d %s", p.Status, p.Body)
	}
}

// Spec: RFC 9449 §7.1, §7.2.
func TestDPoPAtUserinfo(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		key, other := servertest.NewDPoPKey(s), servertest.NewDPoPKey(s)
		token := servertest.Text(key.PostForm("/oauth2/token", servertest.CodeExchange(s.NewBrowser().Code(servertest.AuthorizationRequest()))).JSON(t)["access_token"])
		unbound := servertest.Text(s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))["access_token"])
		used := key.Proof(http.MethodGet, "/userinfo", token)
		if p := servertest.UserinfoWith(s, "dpop "+token, used); p.Status != http.StatusOK {
			t.Fatalf("with a proof: %d %s", p.Status, p.Body)
		}
		for name, tc := range map[string]struct {
			authorization string
			proofs        []string
			code, scheme  string
		}{
			"as a bearer token":          {"Bearer " + token, nil, "invalid_token", "DPoP "},
			"as a bearer token, proven":  {"Bearer " + token, []string{key.Proof(http.MethodGet, "/userinfo", token)}, "invalid_token", "DPoP "},
			"without a proof":            {"DPoP " + token, nil, "invalid_dpop_proof", "DPoP "},
			"a used proof":               {"DPoP " + token, []string{used}, "invalid_dpop_proof", "DPoP "},
			"a proof of another key":     {"DPoP " + token, []string{other.Proof(http.MethodGet, "/userinfo", token)}, "invalid_token", "DPoP "},
			"a proof of another token":   {"DPoP " + token, []string{key.Proof(http.MethodGet, "/userinfo", unbound)}, "invalid_dpop_proof", "DPoP "},
			"a proof without ath":        {"DPoP " + token, []string{key.Proof(http.MethodGet, "/userinfo", "")}, "invalid_dpop_proof", "DPoP "},
			"a proof of POST":            {"DPoP " + token, []string{key.Proof(http.MethodPost, "/userinfo", token)}, "invalid_dpop_proof", "DPoP "},
			"an unbound token with DPoP": {"DPoP " + unbound, []string{key.Proof(http.MethodGet, "/userinfo", unbound)}, "invalid_token", "DPoP "},
		} {
			p := servertest.UserinfoWith(s, tc.authorization, tc.proofs...)
			challenge := p.Header.Get("WWW-Authenticate")
			if p.Status != http.StatusUnauthorized || !strings.HasPrefix(challenge, tc.scheme) ||
				!strings.Contains(challenge, `error="`+tc.code+`"`) || !strings.Contains(challenge, `algs="RS256 PS256 ES256 EdDSA"`) {
				t.Errorf("%s: %d %s", name, p.Status, challenge)
			}
		}
		if p := servertest.UserinfoWith(s, "Bearer "+unbound); p.Status != http.StatusOK {
			t.Errorf("an unbound token: %d %s", p.Status, p.Body)
		}
	})
}

// The admin API accepts a token that is bound to a key with its proof, whose htu has the URL of the
// admin listener. One proof serves all checks of a request.
func TestDPoPTokensAtTheAdminAPI(t *testing.T) {
	t.Parallel()
	s := servertest.StartWithApps(t, storetest.New(t), map[string]string{"admin_auth": "token"})
	s.ImportClient(`{"client_id": "ops", "client_secret": "` + servertest.OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
		"grant_types": ["client_credentials"], "scope": "clients:read clients:write"}`)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"ops"}, "client_secret": {servertest.OtherSecret}, "scope": {"clients:read clients:write"}}
	unbound := servertest.Text(s.PostForm("/oauth2/token", form).JSON(t)["access_token"])
	key := servertest.NewDPoPKey(s.Server)
	bound := servertest.Text(key.PostForm("/oauth2/token", form).JSON(t)["access_token"])
	call := func(method, body, authorization string, proofs ...string) servertest.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, s.AdminURL+"/admin/clients", strings.NewReader(body))
		servertest.Must(t, err)
		r.Header.Set("Authorization", authorization)
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		for _, proof := range proofs {
			r.Header.Add("DPoP", proof)
		}
		return servertest.Send(t, http.DefaultClient, r)
	}
	proof := func(method, host string) string {
		return key.Proof(method, "", bound, servertest.Object{"htu": host + "/admin/clients"})
	}
	const root = "http://127.0.0.1:4445"
	used := proof(http.MethodGet, root)
	for name, tc := range map[string]struct {
		p      servertest.Response
		status int
	}{
		"an unbound token":       {call(http.MethodGet, "", "Bearer "+unbound), 200},
		"with a proof":           {call(http.MethodGet, "", "DPoP "+bound, used), 200},
		"a change with a scope":  {call(http.MethodPost, `{"client_id": "new", "scope": "clients:read", "grant_types": ["client_credentials"]}`, "DPoP "+bound, proof(http.MethodPost, root)), 201},
		"a scope not held":       {call(http.MethodPost, `{"client_id": "more", "scope": "keys:write", "grant_types": ["client_credentials"]}`, "DPoP "+bound, proof(http.MethodPost, root)), 403},
		"without a proof":        {call(http.MethodGet, "", "DPoP "+bound), 401},
		"as a bearer token":      {call(http.MethodGet, "", "Bearer "+bound, proof(http.MethodGet, root)), 401},
		"a proof for the issuer": {call(http.MethodGet, "", "DPoP "+bound, proof(http.MethodGet, s.URL)), 401},
	} {
		if tc.p.Status != tc.status {
			t.Errorf("%s: %d %q %s, want %d", name, tc.p.Status, tc.p.Header.Get("WWW-Authenticate"), tc.p.Body, tc.status)
		}
	}
	if p := call(http.MethodGet, "", "DPoP "+bound, used); p.Status != http.StatusUnauthorized || !strings.Contains(p.Header.Get("WWW-Authenticate"), `error="invalid_dpop_proof"`) {
		t.Errorf("a used proof: %d %q", p.Status, p.Header.Get("WWW-Authenticate"))
	}
}
