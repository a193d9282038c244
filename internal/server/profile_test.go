package server_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// eachProfiled runs a test of a client with a security profile on both engines.
func eachProfiled(t *testing.T, profile string, more servertest.Object, test func(t *testing.T, s *servertest.Server, c *servertest.ProfiledClient)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{"rate_limits": "off"})
		test(t, s, servertest.NewProfiledClient(s, profile, more))
	})
}

// wantRule checks that a rule refused a request, by name.
func wantRule(t *testing.T, name string, p servertest.Response, code, rule string) {
	t.Helper()
	got := p.JSON(t)
	if got["error"] != code || got["error_description"] != rule || p.Status >= 500 {
		t.Errorf("%s: %d %s, want %s with %q", name, p.Status, p.Body, code, rule)
	}
}

// Spec: FAPI 2.0 Security Profile §5.3.2, §5.4.1.
func TestFAPI2SecurityProfile(t *testing.T) {
	const alg = "fapi2-security: signatures must use PS256, ES256 or EdDSA, FAPI 2.0 5.4.1"
	eachProfiled(t, "fapi2-security", nil, func(t *testing.T, s *servertest.Server, c *servertest.ProfiledClient) {
		t.Helper()
		b := s.NewBrowser()
		code := func() string { return b.Authorize(c.Pushed(c.Request())).Location().Query().Get("code") }

		direct := b.Authorize(c.Request()).Location().Query()
		if direct.Get("error") != "invalid_request" || direct.Get("error_description") != "fapi2-security: PAR is required, FAPI 2.0 5.3.2.2" || direct.Get("iss") != s.URL {
			t.Errorf("without PAR: %v", direct)
		}
		wantRule(t, "without PKCE", c.Push(c.Request("code_challenge", "", "code_challenge_method", "")), "invalid_request",
			"fapi2-security: PKCE with S256 is required, FAPI 2.0 5.3.2.2")

		// The assertion: only the issuer as a string, and no RS256.
		audience := "fapi2-security: aud of a client assertion must be the issuer as a string, FAPI 2.0 5.3.2.1"
		for _, aud := range []any{[]string{s.URL}, s.URL + "/oauth2/token", s.URL + "/oauth2/par", []string{s.URL, s.URL + "/oauth2/par"}} {
			form := c.Authenticated(jose.ES256, c.Request(), servertest.Object{"aud": aud})
			wantRule(t, "another audience", s.PostForm("/oauth2/par", form), "invalid_client", audience)
			form = c.Authenticated(jose.ES256, url.Values{"grant_type": {"client_credentials"}}, servertest.Object{"aud": aud})
			wantRule(t, "another audience", c.PostForm("/oauth2/token", form), "invalid_client", audience)
		}
		servertest.WantError(t, s.PostForm("/oauth2/par", c.Authenticated(jose.ES256, c.Request(), servertest.Object{"aud": s.URL + "/"})), 401, "invalid_client")
		wantRule(t, "an assertion with RS256", s.PostForm("/oauth2/par", c.Authenticated(jose.RS256, c.Request(), nil)), "invalid_client", alg)
		for _, algorithm := range []jose.SignatureAlgorithm{jose.PS256, jose.ES256} {
			if p := s.PostForm("/oauth2/par", c.Authenticated(algorithm, c.Request(), nil)); p.Status != http.StatusCreated {
				t.Errorf("an assertion with %s: %d %s", algorithm, p.Status, p.Body)
			}
		}
		for ahead, status := range map[time.Duration]int{8 * time.Second: http.StatusCreated, 61 * time.Second: http.StatusUnauthorized} {
			at := s.Time().Add(ahead).Unix()
			if p := s.PostForm("/oauth2/par", c.Authenticated(jose.ES256, c.Request(), servertest.Object{"iat": at, "nbf": at})); p.Status != status {
				t.Errorf("iat and nbf %s ahead: %d %s", ahead, p.Status, p.Body)
			}
		}
		wantRule(t, "a request object with RS256", c.Push(c.Object(jose.RS256, c.Request(), nil)), "invalid_request_object", alg)
		if p := c.Push(c.Object(jose.PS256, c.Request(), nil)); p.Status != http.StatusCreated {
			t.Errorf("a request object with PS256: %d %s", p.Status, p.Body)
		}

		// Tokens without a key are refused before the code is used up.
		exchange := servertest.CodeExchange(code())
		unbound := c.Authenticated(jose.ES256, url.Values{"grant_type": {"client_credentials"}}, nil)
		servertest.WantError(t, s.PostForm("/oauth2/token", unbound), 400, "invalid_dpop_proof")
		tokens := c.Token(exchange).JSON(t)
		if tokens["token_type"] != "DPoP" {
			t.Fatalf("tokens: %v", tokens)
		}

		// Proofs with RS256 are refused where tokens are issued and where they are used.
		for algorithm, want := range map[jose.SignatureAlgorithm]int{jose.RS256: http.StatusBadRequest, jose.PS256: http.StatusOK} {
			form := c.Authenticated(jose.ES256, url.Values{"grant_type": {"client_credentials"}}, nil)
			p := servertest.PostFormWithProof(s, "/oauth2/token", form, c.RSAProof(algorithm, http.MethodPost, "/oauth2/token", ""))
			if p.Status != want || want != http.StatusOK && (p.JSON(t)["error"] != "invalid_dpop_proof" || p.JSON(t)["error_description"] != alg) {
				t.Errorf("a proof with %s: %d %s", algorithm, p.Status, p.Body)
			}
		}
		rsaCode := c.Authenticated(jose.ES256, servertest.CodeExchange(code()), nil)
		access := servertest.Text(servertest.PostFormWithProof(s, "/oauth2/token", rsaCode, c.RSAProof(jose.PS256, http.MethodPost, "/oauth2/token", "")).JSON(t)["access_token"])
		for algorithm, want := range map[jose.SignatureAlgorithm]int{jose.RS256: http.StatusUnauthorized, jose.PS256: http.StatusOK} {
			if u := servertest.UserinfoWith(s, "DPoP "+access, c.RSAProof(algorithm, http.MethodGet, "/userinfo", access)); u.Status != want {
				t.Errorf("userinfo with a proof with %s: %d %s", algorithm, u.Status, u.Body)
			}
		}

		// The refresh token stays the same, with any key of the authenticated client.
		for range 2 {
			s.Advance(30 * time.Second)
			c.DPoPKey = servertest.NewDPoPKey(s)
			p := c.Token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {servertest.Text(tokens["refresh_token"])}})
			refreshed := p.JSON(t)
			if p.Status != http.StatusOK || refreshed["refresh_token"] != tokens["refresh_token"] {
				t.Fatalf("refresh: %d %s", p.Status, p.Body)
			}
			access := servertest.Text(refreshed["access_token"])
			if u := servertest.UserinfoWith(s, "DPoP "+access, c.Proof(http.MethodGet, "/userinfo", access)); u.Status != http.StatusOK {
				t.Errorf("userinfo: %d %s", u.Status, u.Body)
			}
		}
		late := servertest.CodeExchange(code())
		s.Advance(61 * time.Second)
		servertest.WantError(t, c.Token(late), 400, "invalid_grant")
	})
}

// A client of fapi2-security may sign its requests too.
//
// Spec: FAPI 2.0 Message Signing §5.3.1.
func TestSignedRequestsOfFAPI2Security(t *testing.T) {
	eachProfiled(t, "fapi2-security", nil, func(t *testing.T, s *servertest.Server, c *servertest.ProfiledClient) {
		t.Helper()
		const rule = "fapi2-security: the request object must have "
		for member, text := range map[string]string{
			"aud": "the issuer as aud, FAPI 2.0 Message Signing 5.3.1",
			"nbf": "an nbf of at most 60 minutes ago, and an exp at most 60 minutes after it, FAPI 2.0 Message Signing 5.3.1",
		} {
			wantRule(t, "no "+member, c.Push(c.Object(jose.ES256, c.Request(), servertest.Object{member: nil})), "invalid_request_object", rule+text)
		}
		if p := c.Push(c.Object(jose.ES256, c.Request(), nil)); p.Status != http.StatusCreated {
			t.Errorf("signed: %d %s", p.Status, p.Body)
		}
	})
}

// Spec: FAPI 2.0 Message Signing §5.3.1, §5.4.1.
func TestFAPI2MessageSigning(t *testing.T) {
	const profile, section = "fapi2-message-signing: ", ", FAPI 2.0 Message Signing 5.3.1"
	eachProfiled(t, "fapi2-message-signing", nil, func(t *testing.T, s *servertest.Server, c *servertest.ProfiledClient) {
		t.Helper()
		request := c.Request("response_mode", "jwt")
		wantRule(t, "unsigned", c.Push(request), "invalid_request", profile+"the request must be a signed request object"+section)
		wantRule(t, "without JARM", c.Push(c.Object(jose.ES256, c.Request(), nil)), "invalid_request",
			profile+"response_mode must be jwt, query.jwt, fragment.jwt or form_post.jwt, FAPI 2.0 Message Signing 5.4.1")
		at := func(d time.Duration) int64 { return s.Time().Add(d).Unix() }
		lifetime := profile + "the request object must have an nbf of at most 60 minutes ago, and an exp at most 60 minutes after it" + section
		for name, changes := range map[string]servertest.Object{
			"no exp":         {"exp": nil},
			"no nbf":         {"nbf": nil},
			"a long exp":     {"exp": at(61 * time.Minute)},
			"an old nbf":     {"nbf": at(-61 * time.Minute)},
			"a long life":    {"nbf": at(-time.Minute), "exp": at(60 * time.Minute)},
			"both too early": {"nbf": at(-2 * time.Hour), "exp": at(-90 * time.Minute)},
		} {
			p := c.Push(c.Object(jose.ES256, request, changes))
			if name == "both too early" {
				servertest.WantError(t, p, 400, "invalid_request_object")
				continue
			}
			wantRule(t, name, p, "invalid_request_object", lifetime)
		}
		wantRule(t, "no aud", c.Push(c.Object(jose.ES256, request, servertest.Object{"aud": nil})), "invalid_request_object",
			profile+"the request object must have the issuer as aud"+section)
		for _, aud := range []any{s.URL + "/oauth2/par", []string{"https://other.example"}} {
			servertest.WantError(t, c.Push(c.Object(jose.ES256, request, servertest.Object{"aud": aud})), 400, "invalid_request_object")
		}
		for name, changes := range map[string]servertest.Object{
			"nbf 8 s ahead":     {"nbf": at(8 * time.Second)},
			"exp after an hour": {"nbf": at(0), "exp": at(time.Hour)},
			"several audiences": {"aud": []string{"https://other.example", s.URL}},
		} {
			if p := c.Push(c.Object(jose.PS256, request, changes)); p.Status != http.StatusCreated {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}

		// Parameters outside of the object do not count, and the response is one JWT.
		object := c.Object(jose.ES256, request, nil)
		object.Set("state", "outside")
		to := s.NewBrowser().Authorize(c.Pushed(object)).Location()
		header, claims := servertest.VerifyJWT(t, s, to.Query().Get("response"), jose.PS256)
		if header.KeyID == "" || len(to.Query()) != 2 { // with the query of the redirect URI
			t.Errorf("response: %s", to)
		}
		servertest.WantMembers(t, claims, servertest.Object{"iss": s.URL, "aud": servertest.ProfiledID, "state": "a state"})
		if p := c.Token(servertest.CodeExchange(servertest.Text(claims["code"]))); p.Status != http.StatusOK {
			t.Errorf("tokens: %d %s", p.Status, p.Body)
		}
	})
}

// A client gets a profile only if its metadata meets it, and one that is at least as strict as that of
// the server. The refusal lists all that it lacks.
func TestClientsMustMeetTheirProfile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		weak := `{"client_id": "weak", "redirect_uris": ["http://rp.example/cb"], "allow_http_redirects": true, "security_profile": "fapi2-security",
			"id_token_signed_response_alg": "RS256"}`
		_, _, err := s.ImportClients([]byte("[" + weak + "]"))
		for _, part := range []string{
			"security_profile fapi2-security is not met by token_endpoint_auth_method: clients must authenticate with private_key_jwt or mutual TLS, FAPI 2.0 5.3.2.1",
			"dpop_bound_access_tokens: access tokens must be bound by DPoP or mutual TLS, FAPI 2.0 5.3.2.1",
			"redirect_uris: redirect URIs must not use http, except on a loopback address, FAPI 2.0 5.3.2.2",
			"id_token_signed_response_alg: signatures must use PS256, ES256 or EdDSA, FAPI 2.0 5.4.1",
		} {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("refused with %v, want %q", err, part)
			}
		}
		strict := servertest.Start(t, db, map[string]string{"security_profile": "fapi2-security"})
		_, _, err = strict.ImportClients([]byte(`[{"client_id": "below", "security_profile": "baseline"}]`))
		if err == nil || !strings.Contains(err.Error(), "security_profile must be at least as strict as that of the server, which is fapi2-security") {
			t.Errorf("a weaker profile: %v", err)
		}
		for profile, stored := range map[string]string{"fapi2-message-signing": "fapi2-message-signing", "fapi2-security": "fapi2-security"} {
			servertest.NewProfiledClient(strict, "", servertest.Object{"client_id": profile, "x_security_profile": profile, "security_profile": nil})
			if c, err := db.Clients.Client(t.Context(), profile); err != nil || string(c.SecurityProfile) != stored {
				t.Errorf("%s: not stored (%v)", profile, err)
			}
		}
	})
}

// The profile of the server applies to all clients, and discovery lists what they can use. Consoles, which
// are parts of the server, have none.
func TestProfileOfServer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, nil)
		b := s.NewBrowser()
		code := b.Code(servertest.AuthorizationRequest())
		strict := servertest.Start(t, db, map[string]string{"security_profile": "fapi2-security"})
		wantRule(t, "a client with a secret", strict.PostForm("/oauth2/token", servertest.CodeExchange(code)), "invalid_client",
			"fapi2-security: clients must authenticate with private_key_jwt or mutual TLS, FAPI 2.0 5.3.2.1")
		c := servertest.NewProfiledClient(s, "", servertest.Object{"dpop_bound_access_tokens": false, "security_profile": nil})
		service := url.Values{"grant_type": {"client_credentials"}}
		c = c.At(strict)
		wantRule(t, "an unbound token", strict.PostForm("/oauth2/token", c.Authenticated(jose.ES256, service, nil)), "invalid_request",
			"fapi2-security: access tokens must be bound by DPoP or mutual TLS, FAPI 2.0 5.3.2.1")
		if p := c.Token(service); p.Status != http.StatusOK {
			t.Errorf("a bound token: %d %s", p.Status, p.Body)
		}
		document := strict.Call(t, http.MethodGet, "/.well-known/openid-configuration", "", "").JSON(t)
		strong := []any{"PS256", "ES256", "EdDSA"}
		servertest.WantMembers(t, document, servertest.Object{
			"require_pushed_authorization_requests": true, "response_types_supported": []any{"code"},
			"id_token_signing_alg_values_supported": strong, "dpop_signing_alg_values_supported": strong,
		})
		base := servertest.Start(t, db, map[string]string{"security_profile": "baseline"})
		direct := base.NewBrowser().Authorize(servertest.AuthorizationRequest("code_challenge", "", "code_challenge_method", "")).Location().Query()
		if direct.Get("error_description") != "baseline: PKCE with S256 is required, RFC 9700 2.1.1" {
			t.Errorf("baseline without PKCE: %v", direct)
		}
		if p := base.PostForm("/oauth2/token", servertest.CodeExchange(base.NewBrowser().Code(servertest.AuthorizationRequest()))); p.Status != http.StatusOK {
			t.Errorf("baseline: %d %s", p.Status, p.Body)
		}
	})
}

// Spec: FAPI 1.0 Advanced §5.2.2, §8.6, FAPI 1.0 Baseline §5.2.2.
func TestFAPI1Advanced(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.MutualTLSSettings("legacy_response_types", "on"))
		c := servertest.NewProfiledClient(s, "fapi1-advanced", servertest.Object{
			"response_types": []string{"code", "code id_token"}, "grant_types": []string{"authorization_code", "implicit", "refresh_token"},
			"dpop_bound_access_tokens": false, "tls_client_certificate_bound_access_tokens": true,
		})
		const profile, section = "fapi1-advanced: ", ", FAPI 1.0 Advanced 5.2.2"
		b := s.NewBrowser()
		hybrid, code := c.Request("response_type", "code id_token"), c.Request("response_mode", "jwt")
		without := func(form url.Values, name string) url.Values {
			return c.Object(jose.PS256, form, servertest.Object{name: nil})
		}
		lifetime := profile + "the request object must have an nbf of at most 60 minutes ago, and an exp at most 60 minutes after it" + section
		for name, tc := range map[string]struct {
			form       url.Values
			code, rule string
		}{
			"unsigned":           {hybrid, "invalid_request", profile + "the request must be a signed request object" + section},
			"with RS256":         {c.Object(jose.RS256, hybrid, nil), "invalid_request_object", profile + "signatures must use PS256 or ES256, FAPI 1.0 Advanced 8.6"},
			"without exp":        {without(hybrid, "exp"), "invalid_request_object", lifetime},
			"without nbf":        {without(hybrid, "nbf"), "invalid_request_object", lifetime},
			"code, not as a JWT": {c.Object(jose.PS256, c.Request(), nil), "invalid_request", profile + "response_type code needs response_mode jwt" + section},
			"pushed, no PKCE":    {without(hybrid, "code_challenge_method"), "invalid_request", "The only supported code_challenge_method is S256"},
			"without scope":      {without(code, "scope"), "invalid_request", profile + "the request object must have a scope" + section},
			"without nonce":      {without(code, "nonce"), "invalid_request", profile + "requests with the scope openid must have a nonce, FAPI 1.0 Baseline 5.2.2.2"},
			"without state": {
				c.Object(jose.PS256, code, servertest.Object{"scope": "offline_access", "state": nil}), "invalid_request",
				profile + "requests without the scope openid must have a state, FAPI 1.0 Baseline 5.2.2.3",
			},
		} {
			wantRule(t, name, c.Push(tc.form), tc.code, tc.rule)
		}
		noChallenge := c.Request("response_type", "code id_token", "code_challenge", "", "code_challenge_method", "")
		wantRule(t, "pushed without PKCE", c.Push(c.Object(jose.PS256, noChallenge, nil)), "invalid_request", profile+"pushed requests must use PKCE with S256"+section)

		// By value PKCE is not required, and code id_token is sent in the fragment.
		_, response := servertest.AuthorizationResponse(t, b.Authorize(c.Object(jose.PS256, noChallenge, nil)))
		if response.Get("code") == "" || servertest.Claims(t, response.Get("id_token"))["s_hash"] == nil {
			t.Fatalf("response: %v", response)
		}
		exchange := servertest.CodeExchange(response.Get("code"), "code_verifier", "")
		unbound := s.PostForm("/oauth2/token", c.Authenticated(jose.ES256, exchange, nil))
		servertest.WantError(t, unbound, http.StatusBadRequest, "invalid_request")
		certified := servertest.NewCertificateClient(s)
		// The audience may be an endpoint, or a list.
		aud := servertest.Object{"aud": []string{s.URL, s.URL + "/oauth2/token"}}
		tokens := certified.PostForm("/oauth2/token", c.Authenticated(jose.PS256, exchange, aud))
		if tokens.Status != http.StatusOK {
			t.Fatalf("tokens: %d %s", tokens.Status, tokens.Body)
		}
		servertest.WantMembers(t, servertest.Claims(t, tokens.JSON(t)["access_token"]), servertest.Object{"cnf": map[string]any{"x5t#S256": certified.Thumbprint()}})
		refreshed := certified.PostForm("/oauth2/token", c.Authenticated(jose.PS256, servertest.Form("grant_type", "refresh_token", "refresh_token", servertest.Text(tokens.JSON(t)["refresh_token"])), nil))
		if refreshed.Status != http.StatusOK || refreshed.JSON(t)["refresh_token"] != tokens.JSON(t)["refresh_token"] {
			t.Errorf("refresh: %d %s", refreshed.Status, refreshed.Body)
		}
		to := b.Authorize(c.Pushed(c.Object(jose.ES256, code, nil))).Location()
		if _, claims := servertest.VerifyJWT(t, s, to.Query().Get("response"), jose.PS256); claims["code"] == nil {
			t.Errorf("response: %s", to)
		}
	})
}

// A client that registers itself cannot set a profile, and cannot change its registration so that it does
// not meet the one that the operator set.
func TestSelfRegisteredClientsKeepTheirProfile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, map[string]string{"rate_limits": "off"})
		key := servertest.RSAKey(t)
		metadata := func(changes servertest.Object) servertest.Object {
			m := servertest.Object{
				"redirect_uris": []string{servertest.RedirectURI}, "token_endpoint_auth_method": "private_key_jwt", "dpop_bound_access_tokens": true,
				"id_token_signed_response_alg": "PS256", "jwks": jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k"}}},
			}
			maps.Copy(m, changes)
			return m
		}
		registered := servertest.SendClientMetadata(t, s, http.MethodPost, "/oauth2/register", nil, metadata(servertest.Object{"security_profile": "fapi1-advanced"}), http.StatusCreated)
		id := servertest.Text(registered["client_id"])
		c, err := db.Clients.Client(t.Context(), id)
		servertest.Must(t, err)
		if c.SecurityProfile != "" {
			t.Fatalf("the client has set its profile to %s", c.SecurityProfile)
		}
		c.SecurityProfile = "fapi2-security"
		servertest.Must(t, db.Clients.UpdateClient(t.Context(), c))
		s.Advance(time.Minute)
		path, token := "/oauth2/register/"+id, registered["registration_access_token"]
		servertest.SendClientMetadata(t, s, http.MethodPut, path, token, metadata(servertest.Object{"id_token_signed_response_alg": "RS256"}), http.StatusBadRequest)
		changed := servertest.SendClientMetadata(t, s, http.MethodPut, path, token, metadata(servertest.Object{"client_name": "Shop"}), http.StatusOK)
		if c, err := db.Clients.Client(t.Context(), id); err != nil || c.SecurityProfile != "fapi2-security" || changed["security_profile"] != nil {
			t.Errorf("after a change: %v, %v", changed, err)
		}
	})
}
