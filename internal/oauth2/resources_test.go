package oauth2_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// eachResourceServer runs a test with a server that declares four resources: pay for every client, with
// scopes, opaque tokens and a lifetime; mail and wiki, which may share tokens; and vault, whose tokens
// are bound. The client web may request all of them, and two that are not declared.
func eachResourceServer(t *testing.T, test func(t *testing.T, s *servertest.Server)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithDeviceClients(t, db, nil)
		servertest.DeclareResource(s, `{"identifier":"https://pay.example/","name":"Payments","scopes":["api","email"],"access_token_format":"opaque","access_token_lifetime":120,"all_clients":true}`)
		servertest.DeclareResource(s, `{"identifier":"https://mail.example","name":"Mail","shared_tokens":true,"access_token_signing_alg":"RS256","clients":["web"],"access_token_lifetime":7200}`)
		servertest.DeclareResource(s, `{"identifier":"https://wiki.example","name":"Wiki","shared_tokens":true,"access_token_signing_alg":"RS256","clients":["web"],"introspection_clients":["post"],"access_token_lifetime":300}`)
		servertest.DeclareResource(s, `{"identifier":"https://vault.example","name":"Vault","require_sender_constraint":true,"clients":["web"]}`)
		test(t, s)
	})
}

// target returns an authorization request for resources.
func target(scope string, resources ...string) url.Values {
	form := servertest.AuthorizationRequest("scope", scope)
	form["resource"] = resources
	return form
}

// exchange exchanges a code for tokens for resources.
func exchange(s *servertest.Server, code string, resources ...string) servertest.Response {
	s.TB.Helper()
	form := servertest.CodeExchange(code)
	form["resource"] = resources
	return s.PostForm("/oauth2/token", form)
}

// audienceOf returns the audience of an access token at introspection by its client.
func audienceOf(s *servertest.Server, token any) string {
	s.TB.Helper()
	seen := s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(token)}}).JSON(s.TB)
	list, _ := seen["aud"].([]any)
	var texts []string
	for _, one := range list {
		texts = append(texts, servertest.Text(one))
	}
	return strings.Join(texts, " ")
}

// The resource of a token decides about its scopes, format, algorithm, lifetime and binding.
//
// Spec: RFC 8707 §2, §2.2.
func TestResourceDecidesAboutItsTokens(t *testing.T) {
	eachResourceServer(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		all := []string{"https://pay.example", "https://mail.example", "https://wiki.example/"}
		code := b.Code(target("openid offline_access email api", all...))
		pay := exchange(s, code, "https://pay.example").JSON(t)
		servertest.WantMembers(t, pay, servertest.Object{"expires_in": 120.0, "scope": "email api"})
		if token := servertest.Text(pay["access_token"]); strings.Count(token, ".") == 2 || audienceOf(s, token) != "https://pay.example/" {
			t.Errorf("token for pay: %s for %s, want an opaque one for the declared identifier", token, audienceOf(s, token))
		}
		if pay["id_token"] == nil || pay["refresh_token"] == nil {
			t.Errorf("the scopes openid and offline_access of the grant have no effect: %v", pay)
		}
		if p := s.Userinfo(pay["access_token"]); p.Status != http.StatusUnauthorized {
			t.Errorf("userinfo with a token for pay alone: %d", p.Status)
		}

		// A refresh narrows only its own token.
		p := s.Refresh(pay["refresh_token"], "resource", "https://mail.example/")
		mail := p.JSON(t)
		servertest.WantMembers(t, mail, servertest.Object{"expires_in": 7200.0, "scope": "openid offline_access email api"})
		header, claims := servertest.VerifyJWT(t, s, mail["access_token"], "RS256")
		if header.Algorithm != "RS256" || servertest.Text(claims["aud"].([]any)[0]) != "https://mail.example" {
			t.Errorf("token for mail: %s for %v", header.Algorithm, claims["aud"])
		}
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {servertest.Text(mail["refresh_token"])}, "resource": {"https://mail.example", "https://wiki.example"}}
		both := s.PostForm("/oauth2/token", form).JSON(t)
		servertest.WantMembers(t, both, servertest.Object{"expires_in": 300.0})
		if got := audienceOf(s, both["access_token"]); got != "https://mail.example https://wiki.example "+s.URL {
			t.Errorf("audience of a shared token: %s", got)
		}
		s.Advance(time.Hour + 59*time.Minute)
		if !s.IsActive(mail["access_token"]) || s.IsActive(pay["access_token"]) || s.IsActive(both["access_token"]) {
			t.Error("the tokens do not live as long as their resources say")
		}
	})
}

// Each wrong resource is refused, with the error of RFC 8707.
//
// Spec: RFC 8707 §2.
func TestRefusedResources(t *testing.T) {
	eachResourceServer(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		b.Code(servertest.AuthorizationRequest()) // signs in
		for name, resource := range map[string]string{
			"unknown": "https://other-pay.example", "relative": "pay.example", "path": "/pay", "fragment": "https://pay.example/#a", "an empty fragment": "https://pay.example#",
			"two slashes more": "https://pay.example//", "another port": "https://pay.example:8443", "another scheme": "http://pay.example", "another case": "https://PAY.example",
			"a query": "https://pay.example/?a=b", "two in one": "https://pay.example https://mail.example", "a control": "https://pay.example/\x01", "a scheme alone": "https:",
			"a prefix": "https://mail.exampl", "userinfo": "https://pay.example@mail.example", "another client's": "https://served.example",
		} {
			credentials := url.Values{"grant_type": {"client_credentials"}, "resource": {resource}}
			if p := s.PostForm("/oauth2/token", credentials); p.Status != http.StatusBadRequest || p.JSON(t)["error"] != "invalid_target" {
				t.Errorf("token for %s: %d %s", name, p.Status, p.Body)
			}
			if to := b.Authorize(target("openid", resource)).Location(); to.Query().Get("error") != "invalid_target" {
				t.Errorf("authorization for %s: %s", name, to)
			}
			pushed := target("openid", resource)
			pushed.Del("client_id")
			if p := s.PostForm("/oauth2/par", pushed); p.Status != http.StatusBadRequest || p.JSON(t)["error"] != "invalid_target" {
				t.Errorf("push for %s: %d %s", name, p.Status, p.Body)
			}
			if p := s.PostForm("/oauth2/device/auth", servertest.DeviceClientForm("resource", resource)); p.Status != http.StatusBadRequest || p.JSON(t)["error"] != "invalid_target" {
				t.Errorf("device for %s: %d %s", name, p.Status, p.Body)
			}
			code := b.Code(target("openid offline_access", "https://mail.example"))
			tokens := exchange(s, code).JSON(t)
			if p := s.Refresh(tokens["refresh_token"], "resource", resource); p.Status != http.StatusBadRequest || p.JSON(t)["error"] != "invalid_target" {
				t.Errorf("refresh for %s: %d %s", name, p.Status, p.Body)
			}
			if p := s.Refresh(tokens["refresh_token"]); p.Status != http.StatusOK {
				t.Errorf("refresh after one for %s: %d %s", name, p.Status, p.Body)
			}
		}
		// What was granted for one resource gives no token for another that the client may request.
		code := b.Code(target("openid", "https://mail.example"))
		servertest.WantError(t, exchange(s, code, "https://wiki.example"), http.StatusBadRequest, "invalid_target")
		code = b.Code(target("openid", "https://mail.example"))
		servertest.WantError(t, exchange(s, code, "https://mail.example", "https://wiki.example"), http.StatusBadRequest, "invalid_target")
	})
}

// A token is for several resources only where each of them allows it.
func TestTokensAreNotSharedUnlessAllowed(t *testing.T) {
	eachResourceServer(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		servertest.DeclareResource(s, `{"identifier":"https://alone.example","name":"Alone","access_token_signing_alg":"RS256","clients":["web"]}`)
		for name, tc := range map[string]struct {
			resources []string
			status    int
		}{
			"two that share":            {[]string{"https://mail.example", "https://wiki.example"}, http.StatusOK},
			"one twice":                 {[]string{"https://pay.example", "https://pay.example/"}, http.StatusOK},
			"two that are undeclared":   {[]string{"https://api.example", "https://other.example/"}, http.StatusOK},
			"one that does not share":   {[]string{"https://mail.example", "https://alone.example"}, http.StatusBadRequest},
			"one that does not, first":  {[]string{"https://alone.example", "https://mail.example"}, http.StatusBadRequest},
			"the same, alone":           {[]string{"https://alone.example"}, http.StatusOK},
			"one that must be alone":    {[]string{"https://mail.example", "https://pay.example"}, http.StatusBadRequest},
			"a declared and a plain":    {[]string{"https://pay.example", "https://api.example"}, http.StatusBadRequest},
			"two that differ by alg":    {[]string{"https://mail.example", "https://api.example"}, http.StatusBadRequest},
			"one that must be bound":    {[]string{"https://vault.example"}, http.StatusBadRequest},
			"one that is not for web":   {[]string{"https://mail.example", "https://nobody.example"}, http.StatusBadRequest},
			"all that the client knows": {[]string{"https://mail.example", "https://wiki.example", "https://pay.example", "https://vault.example"}, http.StatusBadRequest},
		} {
			form := url.Values{"grant_type": {"client_credentials"}, "resource": tc.resources}
			if p := s.PostForm("/oauth2/token", form); p.Status != tc.status {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}
		b := s.NewBrowser()
		code := b.Code(target("openid", "https://pay.example", "https://mail.example"))
		servertest.WantError(t, exchange(s, code), http.StatusBadRequest, "invalid_target")
	})
}

// A resource that requires it gets only tokens that are bound to a key of the client, through each grant
// type.
//
// Spec: RFC 9449 §5.
func TestResourceRequiresBoundTokens(t *testing.T) {
	eachResourceServer(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b, key := s.NewBrowser(), servertest.NewDPoPKey(s)
		credentials := url.Values{"grant_type": {"client_credentials"}, "resource": {"https://vault.example"}}
		servertest.WantError(t, s.PostForm("/oauth2/token", credentials), http.StatusBadRequest, "invalid_request")
		if p := key.PostForm("/oauth2/token", credentials); p.Status != http.StatusOK || p.JSON(t)["token_type"] != "DPoP" {
			t.Errorf("with a proof: %d %s", p.Status, p.Body)
		}
		code := b.Code(target("openid offline_access", "https://vault.example"))
		servertest.WantError(t, exchange(s, code), http.StatusBadRequest, "invalid_request")
		code = b.Code(target("openid offline_access", "https://vault.example"))
		p := key.PostForm("/oauth2/token", servertest.CodeExchange(code))
		if p.Status != http.StatusOK {
			t.Fatalf("exchange with a proof: %d %s", p.Status, p.Body)
		}
		refresh := servertest.Text(p.JSON(t)["refresh_token"])
		servertest.WantError(t, s.Refresh(refresh, "resource", "https://vault.example"), http.StatusBadRequest, "invalid_request")
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
		if p := key.PostForm("/oauth2/token", form); p.Status != http.StatusOK || p.JSON(t)["token_type"] != "DPoP" {
			t.Errorf("refresh with a proof: %d %s", p.Status, p.Body)
		}
	})
}

// A change of a resource is in force at once, for old grants too.
func TestChangedResourceIsInForceAtOnce(t *testing.T) {
	eachResourceServer(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		tokens := exchange(s, s.NewBrowser().Code(target("openid offline_access api", "https://mail.example"))).JSON(t)
		servertest.WantMembers(t, tokens, servertest.Object{"scope": "openid offline_access api", "expires_in": 7200.0})
		servertest.DeclareResource(s, `{"identifier":"https://mail.example/","name":"Mail","clients":["web"],"scopes":["email"],"access_token_format":"opaque"}`)
		refreshed := s.Refresh(tokens["refresh_token"]).JSON(t)
		servertest.WantMembers(t, refreshed, servertest.Object{"scope": ""})
		if got := audienceOf(s, refreshed["access_token"]); got != "https://mail.example/" {
			t.Errorf("audience %q", got)
		}
		servertest.DeclareResource(s, `{"identifier":"https://mail.example","name":"Mail"}`) // web may not request it any longer
		servertest.WantError(t, s.Refresh(refreshed["refresh_token"]), http.StatusBadRequest, "invalid_target")
		servertest.Must(t, s.Store.Resources.DeleteResource(t.Context(), "https://pay.example"))
		credentials := url.Values{"grant_type": {"client_credentials"}, "resource": {"https://pay.example"}}
		servertest.WantError(t, s.PostForm("/oauth2/token", credentials), http.StatusBadRequest, "invalid_target")
	})
}

// A device gets tokens for declared resources, and for names that are no URIs if its client registered
// them as audience, as with Ory Hydra.
//
// Spec: RFC 8628 §3.1, RFC 8707 §2.
func TestDeviceRequestsResources(t *testing.T) {
	eachResourceServer(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		s.ImportClient(`{"client_id": "box", "client_secret": "` + servertest.DeviceClientSecret + `", "token_endpoint_auth_method": "client_secret_post",
			"grant_types": ["` + servertest.DeviceGrant + `"], "scope": "openid api", "audience": ["my-api"], "skip_consent": true}`)
		for parameter, resource := range map[string]string{"resource": "https://pay.example", "audience": "my-api"} {
			form := servertest.DeviceClientForm("client_id", "box", "scope", "openid api", parameter, resource)
			d := servertest.AuthorizeDevice(s, form)
			b := s.NewBrowser()
			b.Code(servertest.AuthorizationRequest()) // signs in
			b.Follow(b.EnterUserCode(d, "continue"))
			s.Advance(5 * time.Second)
			p := s.PostForm("/oauth2/token", servertest.DeviceClientForm("client_id", "box", "grant_type", servertest.DeviceGrant, "device_code", d.DeviceCode))
			if p.Status != http.StatusOK {
				t.Errorf("%s: %d %s", resource, p.Status, p.Body)
			}
		}
	})
}

// A client that serves a declared resource sees the tokens for it and no others.
//
// Spec: RFC 7662 §4.
func TestResourceServerSeesOnlyItsTokens(t *testing.T) {
	eachResourceServer(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		seen := func(resources ...string) bool {
			t.Helper()
			form := url.Values{"grant_type": {"client_credentials"}, "resource": resources}
			token := servertest.Text(s.PostForm("/oauth2/token", form).JSON(t)["access_token"])
			p := s.PostForm("/oauth2/introspect", url.Values{"token": {token}, "client_id": {"post"}, "client_secret": {servertest.PostSecret}})
			return p.JSON(t)["active"] == true
		}
		for _, tc := range []struct {
			resources []string
			want      bool
		}{
			{[]string{"https://wiki.example"}, true},
			{[]string{"https://mail.example", "https://wiki.example"}, true},
			{[]string{"https://mail.example"}, false},
			{[]string{"https://pay.example"}, false},
			{[]string{"https://api.example"}, false},
			{nil, false}, // for this server
		} {
			if got := seen(tc.resources...); got != tc.want {
				t.Errorf("token for %v: active is %t", tc.resources, got)
			}
		}
		servertest.DeclareResource(s, `{"identifier":"https://wiki.example","name":"Wiki","clients":["web"]}`)
		if seen("https://wiki.example") || !seen() {
			t.Error("a client that serves no declared resource sees tokens of this server, and none of resources")
		}
	})
}

// The stored grant keeps what was granted.
func TestGrantKeepsItsResources(t *testing.T) {
	eachResourceServer(t, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		all := []string{"https://pay.example/", "https://mail.example", "https://wiki.example"}
		tokens := exchange(s, s.NewBrowser().Code(target("openid offline_access", all...)), "https://wiki.example").JSON(t)
		for _, one := range slices.Backward(all) {
			p := s.Refresh(tokens["refresh_token"], "resource", one)
			if tokens = p.JSON(t); p.Status != http.StatusOK {
				t.Fatalf("refresh for %s: %d %s", one, p.Status, p.Body)
			}
		}
	})
}
