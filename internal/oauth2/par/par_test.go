package par_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func eachServer(t *testing.T, test func(t *testing.T, s *servertest.Server)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		test(t, servertest.Start(t, db, nil))
	})
}

// push pushes an authorization request of the client web, changed by pairs of names and values.
func push(s *servertest.Server, changes ...string) servertest.Response {
	s.TB.Helper()
	form := servertest.AuthorizationRequest(changes...)
	if form.Get("client_id") == "web" { // which authenticates in the header
		form.Del("client_id")
	}
	return s.PostForm("/oauth2/par", form)
}

// pushed returns the authorization request for a request that was pushed.
func pushed(s *servertest.Server, changes ...string) url.Values {
	s.TB.Helper()
	p := push(s, changes...)
	if p.Status != http.StatusCreated {
		s.TB.Fatalf("push: %d %s", p.Status, p.Body)
	}
	form := servertest.AuthorizationRequest(changes...)
	return url.Values{"client_id": {form.Get("client_id")}, "request_uri": {servertest.Text(p.JSON(s.TB)["request_uri"])}}
}

// Spec: RFC 9126 §2.2, §4.
func TestPushedRequests(t *testing.T) {
	eachServer(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		p := push(s)
		response := p.JSON(t)
		uri := servertest.Text(response["request_uri"])
		if p.Status != http.StatusCreated || response["expires_in"] != 60.0 || p.Header.Get("Cache-Control") != "no-store" ||
			len(strings.TrimPrefix(uri, "urn:ietf:params:oauth:request_uri:")) != 43 {
			t.Fatalf("push: %d %s", p.Status, p.Body)
		}
		// Only client_id and request_uri count.
		form := url.Values{
			"client_id": {"web"}, "request_uri": {uri}, "scope": {"openid email"}, "state": {"another"}, "redirect_uri": {"https://client.example/other"},
			"nonce": {"another"}, "prompt": {"none"}, "response_type": {"code id_token"},
		}
		b := s.NewBrowser()
		b.Get("/oauth2/auth?" + form.Encode()) // the user may reload the page
		to := b.Authorize(form).Location()
		if to.Query().Get("state") != "a state" || !strings.HasPrefix(to.String(), servertest.RedirectURI) {
			t.Fatalf("response to %s", to)
		}
		tokens := s.ExchangeCode(to.Query().Get("code"))
		servertest.WantMembers(t, tokens, servertest.Object{"scope": "openid offline_access api"})
		servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), servertest.Object{"nonce": "a nonce"})

		again := b.Authorize(form)
		if again.Status != http.StatusBadRequest || !strings.Contains(again.Body, "already complete") {
			t.Errorf("a second response: %d to %q", again.Status, again.Header.Get("Location"))
		}
	})
}

// Of any number of responses to one request, one is written.
func TestPushedRequestGetsOneResponse(t *testing.T) {
	eachServer(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		b.Code(servertest.AuthorizationRequest()) // signs in
		target := "/oauth2/auth?" + pushed(s).Encode()
		var wait sync.WaitGroup
		codes := make(chan string, 16)
		for range cap(codes) {
			wait.Go(func() { codes <- b.Get(target).Location().Query().Get("code") })
		}
		wait.Wait()
		close(codes)
		count := 0
		for code := range codes {
			if code != "" {
				count++
			}
		}
		if count != 1 {
			t.Errorf("%d responses have a code, want 1", count)
		}
	})
}

// Spec: RFC 9126 §2.1, §2.3.
func TestRejectedPushes(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	for name, tc := range map[string]struct {
		changes []string
		status  int
		code    string
	}{
		"a request_uri":            {[]string{"request_uri", "https://client.example/request"}, 400, "invalid_request"},
		"another redirect_uri":     {[]string{"redirect_uri", "https://evil.example/cb"}, 400, "invalid_request"},
		"no response_type":         {[]string{"response_type", ""}, 400, "invalid_request"},
		"another response_type":    {[]string{"response_type", "token"}, 400, "unsupported_response_type"},
		"PKCE with plain":          {[]string{"code_challenge_method", "plain"}, 400, "invalid_request"},
		"a resource of others":     {[]string{"resource", "https://evil.example"}, 400, "invalid_target"},
		"more than a request has":  {[]string{"state", strings.Repeat("s", 20<<10)}, 400, "invalid_request"},
		"an invalid request":       {[]string{"request", "a.b.c"}, 400, "invalid_request_object"},
		"a malformed dpop_jkt":     {[]string{"dpop_jkt", "x"}, 400, "invalid_request"},
		"an unknown client":        {[]string{"client_id", "nobody"}, 401, "invalid_client"},
		"a client without secret":  {[]string{"client_id", "post"}, 401, "invalid_client"},
		"a client that is another": {[]string{"client_id", "post", "client_secret", "wrong-secret-wrong-secret-wrong-s"}, 401, "invalid_client"},
	} {
		p := push(s, tc.changes...)
		if got := p.JSON(t); p.Status != tc.status || got["error"] != tc.code {
			t.Errorf("%s: %d %s, want %d %s", name, p.Status, p.Body, tc.status, tc.code)
		}
	}
	if p := s.Call(t, http.MethodGet, "/oauth2/par", "", ""); p.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", p.Status)
	}
	if p := push(s, "state", strings.Repeat("s", 2<<20)); p.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("2 MiB: %d", p.Status)
	}
}

// A request_uri is for its client, until it expires.
//
// Spec: RFC 9126 §4, §7.
func TestRequestURIs(t *testing.T) {
	eachServer(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		wantPage := func(name string, form url.Values) {
			t.Helper()
			if p := b.Get("/oauth2/auth?" + form.Encode()); p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
				t.Errorf("%s: %d to %q", name, p.Status, p.Header.Get("Location"))
			}
		}
		form := pushed(s)
		others := url.Values{"client_id": {"post"}, "request_uri": form["request_uri"]}
		wantPage("of another client", others)
		wantPage("made up", url.Values{"client_id": {"web"}, "request_uri": {"urn:ietf:params:oauth:request_uri:" + strings.Repeat("A", 43)}})
		wantPage("too short", url.Values{"client_id": {"web"}, "request_uri": {"urn:ietf:params:oauth:request_uri:x"}})
		wantPage("without a client_id", url.Values{"request_uri": form["request_uri"]})
		s.Advance(59 * time.Second)
		if p := b.Get("/oauth2/auth?" + form.Encode()); p.Status != http.StatusSeeOther {
			t.Errorf("after 59 s: %d", p.Status)
		}
		s.Advance(2 * time.Second)
		wantPage("expired", form)
	})
}

// Spec: RFC 9126 §5, §6.
func TestClientsThatMustPush(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	s.ImportClient(`{"client_id": "pushing", "client_secret": "` + servertest.OtherSecret + `", "redirect_uris": ["` + servertest.RedirectURI + `"],
		"token_endpoint_auth_method": "client_secret_post", "scope": "openid", "skip_consent": true, "require_pushed_authorization_requests": true}`)
	form := servertest.AuthorizationRequest("client_id", "pushing", "scope", "openid")
	b := s.NewBrowser()
	if p := b.Get("/oauth2/auth?" + form.Encode()); p.Location().Query().Get("error") != "invalid_request" {
		t.Errorf("without a push: %d to %q", p.Status, p.Header.Get("Location"))
	}
	if code := b.Code(pushed(s, "client_id", "pushing", "scope", "openid", "client_secret", servertest.OtherSecret)); code == "" {
		t.Error("a pushed request has no code")
	}
}

// A DPoP proof binds the code.
//
// Spec: RFC 9449 §10.1.
func TestPushedRequestsWithDPoP(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	key, other := servertest.NewDPoPKey(s), servertest.NewDPoPKey(s)
	form := servertest.AuthorizationRequest("client_id", "")
	p := key.PostForm("/oauth2/par", form)
	uri := servertest.Text(p.JSON(t)["request_uri"])
	exchange := servertest.CodeExchange(s.NewBrowser().Code(url.Values{"client_id": {"web"}, "request_uri": {uri}}))
	servertest.WantError(t, s.PostForm("/oauth2/token", exchange), 400, "invalid_dpop_proof")
	servertest.WantError(t, other.PostForm("/oauth2/token", exchange), 400, "invalid_dpop_proof")
	if p := key.PostForm("/oauth2/token", exchange); p.Status != http.StatusOK {
		t.Errorf("the key of the push: %d %s", p.Status, p.Body)
	}
	before := s.Store.Statements()
	if p := key.PostForm("/oauth2/par", form); p.Status != http.StatusCreated || s.Store.Statements()-before != 2 {
		t.Errorf("a push with a proof: %d with %d statements, want 2", p.Status, s.Store.Statements()-before)
	}
	used := key.Proof(http.MethodPost, "/oauth2/par", "")
	servertest.WantError(t, servertest.PostFormWithProof(s, "/oauth2/par", url.Values{"scope": {"openid"}}, used), 400, "invalid_request")
	servertest.WantError(t, servertest.PostFormWithProof(s, "/oauth2/par", form, used), 400, "invalid_dpop_proof")
	form.Set("dpop_jkt", other.Thumbprint())
	servertest.WantError(t, key.PostForm("/oauth2/par", form), 400, "invalid_dpop_proof")
	form.Set("dpop_jkt", key.Thumbprint())
	if p := key.PostForm("/oauth2/par", form); p.Status != http.StatusCreated {
		t.Errorf("both name one key: %d %s", p.Status, p.Body)
	}
	proof := key.Proof(http.MethodPost, "/oauth2/token", "")
	servertest.WantError(t, servertest.PostFormWithProof(s, "/oauth2/par", form, proof), 400, "invalid_dpop_proof")
}

// A public client may push too: it is identified by its client_id.
func TestPublicClientsPush(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	changes := []string{"client_id", "app", "redirect_uri", "http://127.0.0.1/cb", "scope", "openid"}
	if code := s.NewBrowser().Code(pushed(s, changes...)); code == "" {
		t.Error("a pushed request has no code")
	}
}

// addSigningClient adds the client signing and returns the signer of its request objects.
func addSigningClient(s *servertest.Server) jose.Signer {
	s.TB.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.TB.Fatal(err)
	}
	servertest.ImportClientObject(s, servertest.Object{
		"client_id": "signing", "client_secret": servertest.OtherSecret, "token_endpoint_auth_method": "client_secret_post",
		"redirect_uris": []string{servertest.RedirectURI}, "scope": "openid", "skip_consent": true, "require_signed_request_object": true,
		"jwks": jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}},
	})
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k"}}, nil)
	if err != nil {
		s.TB.Fatal(err)
	}
	return signer
}

// A pushed request may be a signed object, whose parameters take precedence.
//
// Spec: RFC 9126 §3.
func TestPushedRequestObjects(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	key, other := servertest.NewDPoPKey(s), servertest.NewDPoPKey(s)
	signer := addSigningClient(s)
	object := func(changes ...any) string {
		claims := servertest.Object{"iss": "signing", "aud": s.URL, "client_id": "signing"}
		for name, values := range servertest.AuthorizationRequest("client_id", "signing", "scope", "openid") {
			claims[name] = values[0]
		}
		for i := 0; i < len(changes); i += 2 {
			claims[servertest.Text(changes[i])] = changes[i+1]
		}
		signed, err := jwt.Signed(signer).Claims(claims).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	form := url.Values{"client_id": {"signing"}, "client_secret": {servertest.OtherSecret}, "request": {object()}, "state": {"outside"}}
	p := s.PostForm("/oauth2/par", form)
	if p.Status != http.StatusCreated {
		t.Fatalf("a signed request: %d %s", p.Status, p.Body)
	}
	to := s.NewBrowser().Authorize(url.Values{"client_id": {"signing"}, "request_uri": {servertest.Text(p.JSON(t)["request_uri"])}}).Location()
	if to.Query().Get("state") != "a state" || to.Query().Get("code") == "" {
		t.Errorf("response %s", to)
	}
	form.Set("request", object("dpop_jkt", other.Thumbprint()))
	servertest.WantError(t, key.PostForm("/oauth2/par", form), 400, "invalid_dpop_proof")
	form.Set("request", object("redirect_uri", "https://evil.example/cb"))
	servertest.WantError(t, s.PostForm("/oauth2/par", form), 400, "invalid_request")
}
