package demo_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// openIDProvider is a small OpenID provider that shares no code with the server. It signs
// tokens and checks PKCE; its fields make it return invalid responses.
type openIDProvider struct {
	*httptest.Server

	authAnswer url.Values     // overwrites members of authorization responses
	noCode     bool           // omits the code from authorization responses
	claims     map[string]any // overwrites claims of the ID token
	subject    string         // the sub of userinfo responses
	dead       int            // the number of discovery requests that fail first
	noRefresh  bool           // rejects every refresh token
	silence    bool           // omits iss from authorization responses

	key         *ecdsa.PrivateKey
	mu          sync.Mutex
	codes       map[string]url.Values
	request     url.Values // the last authorization request
	logout      url.Values // the last sign-out request
	discoveries int        // the number of discovery requests
}

func newProvider(t *testing.T) *openIDProvider {
	t.Helper()

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("make key: %v", err)
	}
	p := &openIDProvider{key: key, codes: map[string]url.Values{}, subject: "ada"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /auth", p.auth)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userinfo)
	mux.HandleFunc("POST /introspect", p.introspect)
	mux.HandleFunc("GET /logout", p.endSession)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *openIDProvider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	p.discoveries++
	dead := p.discoveries <= p.dead
	p.mu.Unlock()
	if dead {
		http.Error(w, "starting", http.StatusServiceUnavailable)
		return
	}
	reply(w, http.StatusOK, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.URL + "/token",
		"userinfo_endpoint": p.URL + "/userinfo", "jwks_uri": p.URL + "/keys",
		"introspection_endpoint": p.URL + "/introspect", "end_session_endpoint": p.URL + "/logout",
		"id_token_signing_alg_values_supported":          []string{"ES256"},
		"authorization_response_iss_parameter_supported": true,
	})
}

func (p *openIDProvider) keys(w http.ResponseWriter, _ *http.Request) {
	reply(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: p.key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
}

func (p *openIDProvider) auth(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.request = r.URL.Query()
	answer := url.Values{"state": {p.request.Get("state")}}
	if !p.silence {
		answer.Set("iss", p.URL)
	}
	if !p.noCode {
		code := rand.Text()
		p.codes[code] = p.request
		answer.Set("code", code)
	}
	maps.Copy(answer, p.authAnswer)
	http.Redirect(w, r, p.request.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

func (p *openIDProvider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()

	if id, secret, _ := r.BasicAuth(); id != "demo" || secret != "s3cret%3A" {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	var nonce string
	switch r.FormValue("grant_type") {
	case "authorization_code":
		request, known := p.codes[r.FormValue("code")]
		delete(p.codes, r.FormValue("code"))
		challenge := sha256.Sum256([]byte(r.FormValue("code_verifier")))
		if !known || request.Get("code_challenge_method") != "S256" || request.Get("redirect_uri") != r.FormValue("redirect_uri") ||
			request.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(challenge[:]) {
			reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "no such code"})
			return
		}
		nonce = request.Get("nonce")
	case "refresh_token":
		if p.noRefresh || r.FormValue("refresh_token") == "" {
			reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant", "error_description": "revoked"})
			return
		}
	}
	access := rand.Text()
	reply(w, http.StatusOK, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 3600, "scope": "openid profile",
		"refresh_token": "refresh-" + rand.Text(), "id_token": p.idToken(access, nonce),
	})
}

func (p *openIDProvider) idToken(access, nonce string) string {
	now, sum := time.Now(), sha256.Sum256([]byte(access))
	claims := map[string]any{
		"iss": p.URL, "sub": "ada", "aud": "demo", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "auth_time": now.Unix(),
		"at_hash": base64.RawURLEncoding.EncodeToString(sum[:16]),
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	maps.Copy(claims, p.claims)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.key, KeyID: "k"}}, nil)
	if err != nil {
		panic(err)
	}
	raw, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		panic(err)
	}
	return raw
}

func (p *openIDProvider) userinfo(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()

	reply(w, http.StatusOK, map[string]any{"sub": p.subject, "name": "Ada <Lovelace>", "email": "ada@example.org"})
}

func (p *openIDProvider) introspect(w http.ResponseWriter, r *http.Request) {
	id, _, _ := r.BasicAuth()
	reply(w, http.StatusOK, map[string]any{"active": r.FormValue("token") != "", "client_id": id})
}

func (p *openIDProvider) endSession(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()

	p.logout = r.URL.Query()
	http.Redirect(w, r, p.logout.Get("post_logout_redirect_uri")+"?state="+url.QueryEscape(p.logout.Get("state")), http.StatusFound)
}

func (p *openIDProvider) lastRequest() url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.request
}

func (p *openIDProvider) lastLogout() url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.logout
}

// turn changes the provider while it runs.
func (p *openIDProvider) turn(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
