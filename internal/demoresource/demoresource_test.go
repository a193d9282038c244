package demoresource_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const path = "/demo/resource"

func start(t *testing.T, db *store.Store) *servertest.Server {
	t.Helper()
	return servertest.Start(t, db, map[string]string{"demo_resource": "on"})
}

// The resource accepts tokens of any scope, with and without a user, in both formats, and tells what
// they say.
//
// Spec: RFC 6750 §2.1, §3, RFC 9449 §7.1, §7.2.
func TestDemoResource(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db)
		key, other := servertest.NewDPoPKey(s), servertest.NewDPoPKey(s)
		service := url.Values{"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {"post-secret-post-secret-post-sec"}}
		users := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
		bearer := servertest.Text(users["access_token"])
		opaque := servertest.Text(s.PostForm("/oauth2/token", service).JSON(t)["access_token"])
		bound := servertest.Text(key.PostForm("/oauth2/token", service).JSON(t)["access_token"])
		elsewhere := servertest.Text(s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest("resource", "https://api.example", "scope", "offline_access api")))["access_token"])
		proof := func(changes ...servertest.Object) string { return key.Proof(http.MethodGet, path, bound, changes...) }
		const basic = "Basic cG9zdDp4"
		get := func(authorization string, proofs ...string) servertest.Response {
			return servertest.CallResource(s, http.MethodGet, path, authorization, proofs...)
		}

		subject := servertest.Claims(t, users["id_token"])["sub"]
		now := float64(s.Time().Unix())
		p := get("bEARER " + bearer)
		servertest.WantMembers(t, p.JSON(t), servertest.Object{
			"sub": subject, "client_id": "web", "scope": "openid offline_access api", "token_type": "Bearer", "auth_time": now, "acr": "1",
		})
		if p.Status != http.StatusOK || p.Header.Get("Date") == "" || p.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("bearer: %d %v %s", p.Status, p.Header, p.Body)
		}
		servertest.WantMembers(t, get("Bearer "+opaque).JSON(t), servertest.Object{"sub": "post", "client_id": "post", "token_type": "Bearer", "auth_time": nil})
		servertest.WantMembers(t, get("dPOP "+bound, proof()).JSON(t), servertest.Object{"client_id": "post", "token_type": "DPoP"})
		if p := get("DPoP "+bound, proof(servertest.Object{"htu": strings.ToUpper(s.URL) + path + "?x=y#z"})); p.Status != http.StatusOK {
			t.Errorf("htu in upper case, with query and fragment: %d %s", p.Status, p.Body)
		}
		if p := servertest.CallResource(s, http.MethodHead, path, "DPoP "+bound, key.Proof(http.MethodHead, path, bound)); p.Status != http.StatusOK {
			t.Errorf("HEAD: %d", p.Status)
		}

		used := proof()
		get("DPoP "+bound, used)
		for name, tc := range map[string]struct {
			p         servertest.Response
			status    int
			challenge string
		}{
			"no token":                    {get(""), 401, `Bearer realm="` + s.URL + `"`},
			"another scheme":              {get(basic), 401, `Bearer realm=`},
			"an unknown token":            {get("Bearer x"), 401, `error="invalid_token"`},
			"an ID token":                 {get("Bearer " + servertest.Text(users["id_token"])), 401, `error="invalid_token"`},
			"a refresh token":             {get("Bearer " + servertest.Text(users["refresh_token"])), 401, `error="invalid_token"`},
			"a token for another API":     {get("Bearer " + elsewhere), 401, `error="invalid_token"`},
			"in the query":                {servertest.CallResource(s, http.MethodGet, path+"?access_token="+bearer, ""), 400, `error="invalid_request"`},
			"in query and header":         {servertest.CallResource(s, http.MethodGet, path+"?access_token="+bearer, "Bearer "+bearer), 400, `error="invalid_request"`},
			"bound, as a bearer token":    {get("Bearer "+bound, proof()), 401, `DPoP realm=`},
			"bound, without a proof":      {get("DPoP " + bound), 401, `error="invalid_dpop_proof"`},
			"bound, with two proofs":      {get("DPoP "+bound, proof(), proof()), 401, `error="invalid_dpop_proof"`},
			"bound, another key":          {get("DPoP "+bound, other.Proof(http.MethodGet, path, bound)), 401, `error="invalid_token"`},
			"bound, no ath":               {get("DPoP "+bound, key.Proof(http.MethodGet, path, "")), 401, `error="invalid_dpop_proof"`},
			"bound, of another token":     {get("DPoP "+bound, key.Proof(http.MethodGet, path, bearer)), 401, `error="invalid_dpop_proof"`},
			"bound, of userinfo":          {get("DPoP "+bound, key.Proof(http.MethodGet, "/userinfo", bound)), 401, `error="invalid_dpop_proof"`},
			"bound, of POST":              {get("DPoP "+bound, key.Proof(http.MethodPost, path, bound)), 401, `error="invalid_dpop_proof"`},
			"bound, of an hour ago":       {get("DPoP "+bound, proof(servertest.Object{"iat": s.Time().Add(-time.Hour).Unix()})), 401, `error="invalid_dpop_proof"`},
			"bound, a proof used before":  {get("DPoP "+bound, used), 401, `error="invalid_dpop_proof"`},
			"a bearer token, with proof":  {get("DPoP "+bearer, key.Proof(http.MethodGet, path, bearer)), 401, `error="invalid_token"`},
			"another method":              {servertest.CallResource(s, http.MethodPost, path, "Bearer "+bearer), 405, ""},
			"an authentication of no age": {servertest.CallResource(s, http.MethodGet, path+"?max_age=-1", "Bearer "+bearer), 400, `error="invalid_request"`},
			"an acr that breaks a header": {servertest.CallResource(s, http.MethodGet, path+"?acr_values=%22a", "Bearer "+bearer), 400, `error="invalid_request"`},
		} {
			challenge := tc.p.Header.Get("WWW-Authenticate")
			if tc.p.Status != tc.status || !strings.Contains(challenge, tc.challenge) || (challenge == "") != (tc.challenge == "") {
				t.Errorf("%s: %d %q %s, want %d with %q", name, tc.p.Status, challenge, tc.p.Body, tc.status, tc.challenge)
			}
		}

		if p := s.PostForm("/oauth2/revoke", url.Values{"token": {bearer}}); p.Status != http.StatusOK {
			t.Fatalf("revoke: %d %s", p.Status, p.Body)
		}
		if p := get("Bearer " + bearer); p.Status != http.StatusUnauthorized {
			t.Errorf("a revoked token: %d %s", p.Status, p.Body)
		}
	})
}

// Proofs need nonces as at userinfo, and every response has one for the next proof.
//
// Spec: RFC 9449 §9.
func TestNonces(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), map[string]string{"demo_resource": "on", "dpop_nonces": "on"})
	key := servertest.NewDPoPKey(s)
	form := url.Values{"grant_type": {"client_credentials"}}
	key.Nonce = key.PostForm("/oauth2/token", form).Header.Get("DPoP-Nonce")
	token := servertest.Text(key.PostForm("/oauth2/token", form).JSON(t)["access_token"])
	key.Nonce = ""
	p := servertest.CallResource(s, http.MethodGet, path, "DPoP "+token, key.Proof(http.MethodGet, path, token))
	if key.Nonce = p.Header.Get("DPoP-Nonce"); p.Status != http.StatusUnauthorized || key.Nonce == "" ||
		!strings.HasPrefix(p.Header.Get("WWW-Authenticate"), "DPoP ") || !strings.Contains(p.Header.Get("WWW-Authenticate"), `error="use_dpop_nonce"`) {
		t.Fatalf("without a nonce: %d %v %s", p.Status, p.Header, p.Body)
	}
	if p := servertest.CallResource(s, http.MethodGet, path, "DPoP "+token, key.Proof(http.MethodGet, path, token)); p.Status != http.StatusOK || p.Header.Get("DPoP-Nonce") == "" {
		t.Errorf("with the nonce: %d %v %s", p.Status, p.Header, p.Body)
	}
}

// A client finds out what authentication the resource requires.
//
// Spec: RFC 9470 §3.
func TestStepUp(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t))
	token := servertest.Text(s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))["access_token"])
	s.Advance(time.Minute)
	for query, want := range map[string]string{
		"acr_values=1":                "",
		"max_age=60":                  "",
		"acr_values=1+2&max_age=3600": "",
		"acr_values=2":                `acr_values="2"`,
		"max_age=59":                  `max_age="59"`,
		"acr_values=phr+2&max_age=59": `acr_values="phr 2", max_age="59"`,
	} {
		p := servertest.CallResource(s, http.MethodGet, path+"?"+query, "Bearer "+token)
		challenge := p.Header.Get("WWW-Authenticate")
		switch {
		case want == "" && p.Status != http.StatusOK:
			t.Errorf("%s: %d %q %s", query, p.Status, challenge, p.Body)
		case want != "" && (p.Status != http.StatusUnauthorized || !strings.Contains(challenge, `error="insufficient_user_authentication"`) || !strings.Contains(challenge, want)):
			t.Errorf("%s: %d %q, want 401 with %s", query, p.Status, challenge, want)
		}
	}
}

// The response repeats the interaction ID of FAPI, or has a new one.
//
// Spec: FAPI 1.0 Baseline §6.2.1.
func TestInteractionID(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t))
	const uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
	for id, want := range map[string]string{
		"c770aef3-6784-41F7-8e0e-ff5f97bddb3a": "c770aef3-6784-41F7-8e0e-ff5f97bddb3a", "": uuid, "<script>": uuid, strings.Repeat("a", 129): uuid,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		servertest.Must(t, err)
		r.Header.Set("X-Fapi-Interaction-Id", id)
		if got := servertest.Send(t, http.DefaultClient, r).Header.Get("X-Fapi-Interaction-Id"); !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("%q: %q, want %q", id, got, want)
		}
	}
}

// Without the setting there is no resource.
func TestOffByDefault(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	if p := servertest.CallResource(s, http.MethodGet, path, ""); p.Status != http.StatusNotFound {
		t.Errorf("%d %s", p.Status, p.Body)
	}
}
