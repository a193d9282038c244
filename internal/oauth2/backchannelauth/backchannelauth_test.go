package backchannelauth_test

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// eachServer runs a test on a server over each engine, with the clients bank and other.
func eachServer(t *testing.T, settings map[string]string, test func(t *testing.T, s *servertest.AppServer)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		all := map[string]string{"login_url": "", "consent_url": ""}
		maps.Copy(all, settings)
		s := servertest.StartWithApps(t, db, all)
		servertest.AddBackchannelClients(s.Server)
		test(t, s)
	})
}

// decide accepts or rejects a request by the admin API.
func decide(s *servertest.AppServer, authReqID, decision, body string) servertest.Response {
	s.TB.Helper()
	return s.CallAdmin(http.MethodPost, "/ciba/"+authReqID+"/"+decision, body)
}

// Spec: CIBA Core §7, §10.1, §11.
func TestPollMode(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		p := s.PostForm("/oauth2/ciba", servertest.BackchannelForm("scope", "openid email offline_access api", "resource", "https://api.example"))
		response := p.JSON(t)
		servertest.WantMembers(t, response, servertest.Object{"expires_in": 120.0, "interval": 5.0})
		id := servertest.Text(response["auth_req_id"])
		if p.Status != http.StatusOK || p.Header.Get("Cache-Control") != "no-store" || len(id) < 60 || strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		servertest.WantError(t, servertest.PollBackchannel(s.Server, id), 400, "authorization_pending")
		s.Advance(-4 * time.Second)
		servertest.WantError(t, servertest.PollBackchannel(s.Server, id), 400, "slow_down")
		servertest.WantError(t, servertest.PollBackchannel(s.Server, id, "client_id", "other"), 400, "invalid_grant")
		servertest.WantError(t, servertest.PollBackchannel(s.Server, id+"A"), 400, "invalid_grant")
		s.Advance(time.Minute)

		list := s.CallAdmin(http.MethodGet, "/ciba", "")
		servertest.Contains(t, list.Body, `"client_id":"bank"`, `"binding_message":"1234"`, `"requested_scope":["openid","email","offline_access","api"]`)
		servertest.Lacks(t, list.Body, id)
		if p := decide(s, id, "accept", `{"grant_scope": ["openid", "email", "offline_access"], "acr": "phr", "amr": ["hwk", "user"]}`); p.Status != http.StatusNoContent {
			t.Fatalf("accept: %d %s", p.Status, p.Body)
		}
		if p := s.CallAdmin(http.MethodGet, "/ciba", ""); p.Body != "[]\n" && p.Body != "[]" {
			t.Errorf("a decided request is listed: %s", p.Body)
		}
		tokens := servertest.PollBackchannel(s.Server, id).JSON(t)
		servertest.WantMembers(t, tokens, servertest.Object{"token_type": "Bearer", "scope": "openid email offline_access"})
		servertest.WantMembers(t, servertest.Claims(t, tokens["id_token"]), servertest.Object{
			"aud": "bank", "sub": servertest.SubjectOf(t, s.Server, "ada"), "acr": "phr", "amr": []any{"hwk", "user"}, "sid": nil, "nonce": nil,
			"urn:openid:params:jwt:claim:auth_req_id": id,
		})
		servertest.WantMembers(t, servertest.Claims(t, tokens["access_token"]), servertest.Object{"client_id": "bank", "aud": []any{"https://api.example", s.URL}})

		// It is spent; the tokens stay valid, and the refresh token works.
		servertest.WantError(t, servertest.PollBackchannel(s.Server, id), 400, "invalid_grant")
		if p := s.Userinfo(tokens["access_token"]); p.Status != http.StatusOK {
			t.Errorf("userinfo: %d %s", p.Status, p.Body)
		}
		refresh := servertest.BackchannelForm("grant_type", "refresh_token", "refresh_token", servertest.Text(tokens["refresh_token"]), "scope", "", "login_hint", "", "binding_message", "")
		refreshed := s.PostForm("/oauth2/token", refresh).JSON(t)
		servertest.WantMembers(t, servertest.Claims(t, refreshed["id_token"]), servertest.Object{"acr": "phr", "urn:openid:params:jwt:claim:auth_req_id": nil})
	})
}

func TestDecisionsAreFinal(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		denied := servertest.BeginBackchannel(s.Server, servertest.BackchannelForm())
		if p := decide(s, denied, "reject", ""); p.Status != http.StatusNoContent {
			t.Fatalf("reject: %d %s", p.Status, p.Body)
		}
		for _, decision := range []string{"accept", "reject"} {
			if p := decide(s, denied, decision, ""); p.Status != http.StatusNotFound {
				t.Errorf("%s of a rejected request: %d", decision, p.Status)
			}
		}
		servertest.WantError(t, servertest.PollBackchannel(s.Server, denied), 400, "access_denied")
		servertest.WantError(t, servertest.PollBackchannel(s.Server, denied), 400, "access_denied")

		expired := servertest.BeginBackchannel(s.Server, servertest.BackchannelForm("requested_expiry", "10"))
		s.Advance(11 * time.Second)
		if p := decide(s, expired, "accept", ""); p.Status != http.StatusNotFound {
			t.Errorf("accept of an expired request: %d", p.Status)
		}
		servertest.WantError(t, servertest.PollBackchannel(s.Server, expired), 400, "expired_token")

		id := servertest.BeginBackchannel(s.Server, servertest.BackchannelForm("scope", "openid"))
		for name, body := range map[string]string{
			"a scope that was not requested": `{"grant_scope": ["openid", "email"]}`, "no openid": `{"grant_scope": []}`,
			"an amr with a space": `{"amr": ["a b"]}`, "a long acr": `{"acr": "` + strings.Repeat("a", 256) + `"}`,
		} {
			if p := decide(s, id, "accept", body); p.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}
		if p := decide(s, "made-up", "accept", ""); p.Status != http.StatusNotFound {
			t.Errorf("a made-up auth_req_id: %d", p.Status)
		}
		if p := decide(s, id, "accept", ""); p.Status != http.StatusNoContent {
			t.Errorf("accept without a body: %d %s", p.Status, p.Body)
		}
		servertest.WantMembers(t, servertest.PollBackchannel(s.Server, id).JSON(t), servertest.Object{"scope": "openid"})
	})
}

// Of any number of decisions one counts, and of any number of token requests one has tokens.
func TestRequestsAreDecidedAndRedeemedOnce(t *testing.T) {
	eachServer(t, nil, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		id := servertest.BeginBackchannel(s.Server, servertest.BackchannelForm())
		count := func(attempts int, try func(i int) bool) (succeeded int) {
			var wait sync.WaitGroup
			var mu sync.Mutex
			for i := range attempts {
				wait.Go(func() {
					ok := try(i)
					mu.Lock()
					defer mu.Unlock()
					if ok {
						succeeded++
					}
				})
			}
			wait.Wait()
			return succeeded
		}
		if n := count(8, func(int) bool { return decide(s, id, "accept", "").Status == http.StatusNoContent }); n != 1 {
			t.Errorf("%d acceptances, want 1", n)
		}
		form := servertest.BackchannelForm("grant_type", servertest.CIBAGrant, "auth_req_id", id)
		if n := count(16, func(int) bool { return s.PostForm("/oauth2/token", form).Status == http.StatusOK }); n != 1 {
			t.Errorf("%d responses have tokens, want 1", n)
		}
		both := servertest.BeginBackchannel(s.Server, servertest.BackchannelForm())
		if n := count(8, func(i int) bool {
			return decide(s, both, []string{"accept", "reject"}[i%2], "").Status == http.StatusNoContent
		}); n != 1 {
			t.Errorf("%d decisions, want 1", n)
		}
	})
}

// Spec: CIBA Core §7.1, §7.2, §13.
func TestRejectedRequests(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	servertest.AddBackchannelClients(s)
	s.ImportClient(`{"client_id": "pairwise", "client_secret": "` + servertest.OtherSecret + `", "token_endpoint_auth_method": "client_secret_post", "scope": "openid",
		"grant_types": ["` + servertest.CIBAGrant + `"], "subject_type": "pairwise"}`)
	for name, tc := range map[string]struct {
		changes []string
		status  int
		code    string
	}{
		"no hint":                       {[]string{"login_hint", ""}, 400, "invalid_request"},
		"two hints":                     {[]string{"id_token_hint", "a.b.c"}, 400, "invalid_request"},
		"an ID token that is none":      {[]string{"login_hint", "", "id_token_hint", "a.b.c"}, 400, "invalid_request"},
		"a hint token that is none":     {[]string{"login_hint", "", "login_hint_token", "a.b.c"}, 400, "invalid_request"},
		"a long hint":                   {[]string{"login_hint", strings.Repeat("a", 513)}, 400, "invalid_request"},
		"no scope":                      {[]string{"scope", ""}, 400, "invalid_scope"},
		"no openid":                     {[]string{"scope", "email"}, 400, "invalid_scope"},
		"a malformed scope":             {[]string{"scope", `openid "`}, 400, "invalid_scope"},
		"a resource of others":          {[]string{"resource", "https://evil.example"}, 400, "invalid_target"},
		"a long message":                {[]string{"binding_message", strings.Repeat("é", 65)}, 400, "invalid_binding_message"},
		"a message with a line break":   {[]string{"binding_message", "1\n2"}, 400, "invalid_binding_message"},
		"a message that turns its text": {[]string{"binding_message", "1\u202e2"}, 400, "invalid_binding_message"},
		"a message of spaces":           {[]string{"binding_message", "  "}, 400, "invalid_binding_message"},
		"no expiry":                     {[]string{"requested_expiry", "0"}, 400, "invalid_request"},
		"a negative expiry":             {[]string{"requested_expiry", "-1"}, 400, "invalid_request"},
		"a long expiry":                 {[]string{"requested_expiry", "601"}, 400, "invalid_request"},
		"an expiry in words":            {[]string{"requested_expiry", "soon"}, 400, "invalid_request"},
		"a user code":                   {[]string{"user_code", "1234"}, 400, "invalid_request"},
		"a request_uri":                 {[]string{"request_uri", "https://client.example/r"}, 400, "invalid_request"},
		"a request that is none":        {[]string{"request", "a.b.c"}, 400, "invalid_request"},
		"a pairwise client's ID token":  {[]string{"client_id", "pairwise", "login_hint", "", "id_token_hint", "a.b.c"}, 400, "invalid_request"},
		"a client without the grant":    {[]string{"client_id", "post", "client_secret", "post-secret-post-secret-post-sec"}, 400, "unauthorized_client"},
		"a public client":               {[]string{"client_id", "app", "client_secret", ""}, 400, "unauthorized_client"},
		"a wrong secret":                {[]string{"client_secret", "wrong-secret-wrong-secret-wrong-s"}, 401, "invalid_client"},
	} {
		p := s.PostForm("/oauth2/ciba", servertest.BackchannelForm(tc.changes...))
		// CIBA Core §13 has no other members.
		if got := p.JSON(t); p.Status != tc.status || got["error"] != tc.code || len(got) != 2 {
			t.Errorf("%s: %d %s, want %d %s with a description", name, p.Status, p.Body, tc.status, tc.code)
		}
	}
	if p := s.Call(t, http.MethodGet, "/oauth2/ciba", "", ""); p.Status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", p.Status)
	}
	for name, changes := range map[string][]string{
		"other scripts":       {"binding_message", "Überweisung 振込 №7 " + strings.Repeat("é", 44)},
		"no message":          {"binding_message", ""},
		"an address":          {"login_hint", "ada@example.com", "binding_message", ""},
		"a subject":           {"login_hint", servertest.SubjectOf(t, s, "ada")},
		"a token that polls":  {"client_notification_token", "unused"},
		"levels":              {"acr_values", "2 phr gold"},
		"a pairwise client's": {"client_id", "pairwise"},
	} {
		s.Advance(time.Hour) // out of the limits
		servertest.BeginBackchannel(s, servertest.BackchannelForm(changes...))
		_ = name
	}
}

// Spec: CIBA Core §7.1 (id_token_hint, login_hint_token).
func TestHints(t *testing.T) {
	eachServer(t, map[string]string{"ciba_reveal_users": "on"}, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		first := servertest.BeginBackchannel(s.Server, servertest.BackchannelForm())
		decide(s, first, "accept", "")
		idToken := servertest.Text(servertest.PollBackchannel(s.Server, first).JSON(t)["id_token"])
		form := servertest.BackchannelForm("login_hint", "", "id_token_hint", idToken)
		s.Advance(2 * time.Hour) // it may have expired
		again := servertest.BeginBackchannel(s.Server, form)
		decide(s, again, "accept", "")
		servertest.WantMembers(t, servertest.Claims(t, servertest.PollBackchannel(s.Server, again).JSON(t)["id_token"]), servertest.Object{"sub": servertest.SubjectOf(t, s.Server, "ada")})
		form.Set("client_id", "other")
		servertest.WantError(t, s.PostForm("/oauth2/ciba", form), 400, "invalid_request")
		servertest.WantError(t, s.PostForm("/oauth2/ciba", servertest.BackchannelForm("login_hint", "nobody")), 400, "unknown_user_id")

		signer := servertest.AddBackchannelSigner(s.Server, "signing", servertest.Object{"backchannel_authentication_request_signing_alg": ""})
		ada := servertest.SubjectOf(t, s.Server, "ada")
		token := func(claims servertest.Object) string {
			all := servertest.Object{"iss": "signing", "aud": s.URL, "exp": s.Time().Add(time.Minute).Unix()}
			maps.Copy(all, claims)
			return signer.Sign(all)
		}
		for name, tc := range map[string]struct {
			claims servertest.Object
			code   string // empty for success
		}{
			"a subject":           {servertest.Object{"sub": ada}, ""},
			"iss_sub":             {servertest.Object{"sub_id": servertest.Object{"format": "iss_sub", "iss": s.URL, "sub": ada}}, ""},
			"email":               {servertest.Object{"sub_id": servertest.Object{"format": "email", "email": "ada@example.com"}}, ""},
			"opaque":              {servertest.Object{"sub_id": servertest.Object{"format": "opaque", "id": "ada"}}, ""},
			"expired":             {servertest.Object{"sub": ada, "exp": s.Time().Add(-time.Second).Unix()}, "expired_login_hint_token"},
			"without an end":      {servertest.Object{"sub": ada, "exp": "soon"}, "invalid_request"},
			"without a user":      {servertest.Object{}, "invalid_request"},
			"of another issuer":   {servertest.Object{"sub_id": servertest.Object{"format": "iss_sub", "iss": "https://evil.example", "sub": ada}}, "invalid_request"},
			"for another server":  {servertest.Object{"sub": ada, "aud": "https://evil.example"}, "invalid_request"},
			"of another client":   {servertest.Object{"sub": ada, "iss": "bank"}, "invalid_request"},
			"for an unknown user": {servertest.Object{"sub": "nobody"}, "unknown_user_id"},
		} {
			p := s.PostForm("/oauth2/ciba", signer.Authenticated(url.Values{"scope": {"openid"}, "login_hint_token": {token(tc.claims)}}))
			if got := servertest.Text(p.JSON(t)["error"]); got != tc.code {
				t.Errorf("%s: %d %s, want %q", name, p.Status, p.Body, tc.code)
			}
		}
	})
}
