package server_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// reason returns the stored record of the request that got the response p.
func reason(t *testing.T, s *servertest.Server, p servertest.Response) *refusal.Record {
	t.Helper()
	s.App.Refusals.Flush(t.Context(), time.Minute)
	id := p.Header.Get("X-Request-Id")
	found, err := s.Store.Refusals.Refusal(t.Context(), id)
	if err != nil {
		t.Fatalf("request %s was answered with %d %s, and has no record: %v", id, p.Status, p.Body, err)
	}
	return found
}

func attributes(r *refusal.Record) map[string]string {
	all := map[string]string{}
	for _, a := range r.Attrs {
		all[a.Name] = a.Value
	}
	return all
}

// The token response for every invalid code is the same invalid_grant. The record contains the
// reason.
func TestEachRejectedCodeIsExplained(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule refusal.Rule
		act  func(s *servertest.Server, code string) servertest.Response
		attr map[string]string
	}{
		"malformed": {refusal.CodeMalformed, func(s *servertest.Server, _ string) servertest.Response {
			return s.PostForm("/oauth2/token", servertest.CodeExchange("nonsense"))
		}, nil},
		"of a system secret that is not ours": {refusal.CodeMalformed, func(s *servertest.Server, code string) servertest.Response {
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code[:len(code)-2]+"zz"))
		}, nil},
		"without a verifier": {refusal.VerifierMissing, func(s *servertest.Server, code string) servertest.Response {
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code, "code_verifier", ""))
		}, nil},
		"with a wrong verifier": {refusal.VerifierMismatch, func(s *servertest.Server, code string) servertest.Response {
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code, "code_verifier", strings.Repeat("a", 43)))
		}, nil},
		"with another redirect URI": {refusal.RedirectURIMismatch, func(s *servertest.Server, code string) servertest.Response {
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code, "redirect_uri", "https://client.example/other?x=1"))
		}, map[string]string{"expected_redirect_uri": servertest.RedirectURI, "received_redirect_uri": "https://client.example/other?x=***"}},
		"without a redirect URI": {refusal.RedirectURIMissing, func(s *servertest.Server, code string) servertest.Response {
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code, "redirect_uri", ""))
		}, map[string]string{"expected_redirect_uri": servertest.RedirectURI}},
		"of another client": {refusal.CodeOtherClient, func(s *servertest.Server, code string) servertest.Response {
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code, "client_id", "post", "client_secret", servertest.PostSecret))
		}, map[string]string{"issued_to": "web"}},
		"expired": {refusal.CodeExpired, func(s *servertest.Server, code string) servertest.Response {
			s.Advance(2 * time.Minute)
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code))
		}, nil},
		"twice at once": {refusal.CodeSpent, func(s *servertest.Server, code string) servertest.Response {
			s.ExchangeCode(code)
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code))
		}, nil},
		"replayed": {refusal.CodeReplayed, func(s *servertest.Server, code string) servertest.Response {
			s.ExchangeCode(code)
			s.Advance(time.Minute)
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code))
		}, nil},
		"of a revoked grant": {refusal.GrantRevoked, func(s *servertest.Server, code string) servertest.Response {
			s.ExchangeCode(code)
			s.Advance(time.Minute)
			s.PostForm("/oauth2/token", servertest.CodeExchange(code))
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code))
		}, map[string]string{"revoked_why": "code_reuse"}},
		"of a disabled account": {refusal.AccountDisabled, func(s *servertest.Server, code string) servertest.Response {
			if err := s.Store.Accounts.SetDisabled(s.TB.Context(), servertest.SubjectOf(s.TB.(*testing.T), s, "ada"), true, s.Time()); err != nil {
				s.TB.Fatal(err)
			}
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				var log servertest.LogBuffer
				s := servertest.StartWithLog(t, db, map[string]string{"rate_limits": "off"}, slog.NewTextHandler(&log, nil))
				code := s.NewBrowser().Code(servertest.AuthorizationRequest())
				p := tc.act(s, code)
				servertest.WantError(t, p, 400, "invalid_grant")
				if strings.Contains(p.Body, string(tc.rule)) {
					t.Errorf("the response tells the cause: %s", p.Body)
				}

				got := reason(t, s, p)
				if got.Rule != tc.rule || got.Status != 400 || got.Code != "invalid_grant" || got.Route != "/oauth2/token" || got.Cause == "" {
					t.Errorf("on record: %+v, want the rule %s", got, tc.rule)
				}
				wantClient := "web"
				if tc.rule == refusal.CodeOtherClient {
					wantClient = "post"
				}
				if got.ClientID != wantClient || got.Network != "127.0.0.1/32" {
					t.Errorf("on record: client %q at %q, want %q at 127.0.0.1/32", got.ClientID, got.Network, wantClient)
				}
				if has := attributes(got); tc.attr != nil {
					for name, want := range tc.attr {
						if has[name] != want {
							t.Errorf("attribute %s = %q, want %q", name, has[name], want)
						}
					}
				}
				line := logLine(log.String(), got.RequestID, "request refused")
				for _, want := range []string{"rule=" + string(tc.rule), "client_id=" + wantClient, "network=127.0.0.1/32"} {
					if !strings.Contains(line, want) {
						t.Errorf("the log lacks %s: %s", want, line)
					}
				}
				if warned := strings.Contains(line, "level=WARN") && strings.Contains(line, "grant_id="); warned != (tc.rule == refusal.CodeReplayed) {
					t.Errorf("a warning with the grant: %v\n%s", warned, line)
				}
			})
		})
	}
}

// logLine returns the line of a request with a message.
func logLine(log, requestID, message string) string {
	for line := range strings.Lines(log) {
		if strings.Contains(line, "request_id="+requestID) && strings.Contains(line, `msg="`+message+`"`) {
			return line
		}
	}
	return ""
}

func TestEachRejectedRefreshTokenIsExplained(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule refusal.Rule
		act  func(s *servertest.Server, token any) servertest.Response
	}{
		"malformed": {refusal.RefreshMalformed, func(s *servertest.Server, _ any) servertest.Response { return s.Refresh("nonsense") }},
		"of another client": {refusal.RefreshOtherClient, func(s *servertest.Server, token any) servertest.Response {
			return s.Refresh(token, "client_id", "post", "client_secret", servertest.PostSecret)
		}},
		"of another client, for less": {refusal.RefreshOtherClient, func(s *servertest.Server, token any) servertest.Response {
			return s.Refresh(token, "client_id", "post", "client_secret", servertest.PostSecret, "scope", "openid")
		}},
		"expired": {refusal.RefreshExpired, func(s *servertest.Server, token any) servertest.Response {
			s.Advance(31 * 24 * time.Hour)
			return s.Refresh(token)
		}},
		"replayed": {refusal.RefreshReplayed, func(s *servertest.Server, token any) servertest.Response {
			s.Refresh(token)
			s.Advance(time.Minute)
			return s.Refresh(token)
		}},
		"revoked": {refusal.GrantRevoked, func(s *servertest.Server, token any) servertest.Response {
			s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(token)}})
			return s.Refresh(token)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				var log servertest.LogBuffer
				s := servertest.StartWithLog(t, db, map[string]string{"rate_limits": "off"}, slog.NewTextHandler(&log, nil))
				p := tc.act(s, s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))["refresh_token"])
				servertest.WantError(t, p, 400, "invalid_grant")
				got := reason(t, s, p)
				if got.Rule != tc.rule || got.Cause == "" {
					t.Errorf("on record: %+v, want the rule %s", got, tc.rule)
				}
				line := logLine(log.String(), got.RequestID, "request refused")
				if warned := strings.Contains(line, "level=WARN") && strings.Contains(line, "grant_id="); warned != (tc.rule == refusal.RefreshReplayed) {
					t.Errorf("a warning with the grant: %v\n%s", warned, line)
				}
			})
		})
	}
}

// Every rejected request has a record with a rule, whether a handler or middleware rejects it.
func TestEveryEndpointExplainsRejections(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		a := servertest.StartWithApps(t, db, map[string]string{"login_url": "", "consent_url": "", "sign_up": "on", "admin_auth": "token"})
		s, b := a.Server, a.NewBrowser()
		b.Code(servertest.AuthorizationRequest())
		form := func(values ...string) url.Values {
			f := url.Values{}
			for i := 0; i < len(values); i += 2 {
				f.Set(values[i], values[i+1])
			}
			return f
		}
		login := b.Get(s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Header.Get("Location"))
		signIn := func() servertest.Response {
			other := s.NewBrowser()
			page := other.Get(other.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Header.Get("Location"))
			return other.Post(page.FormAction(), form("request", page.HiddenField("request"), "username", "ada", "password", "wr0ng-passw0rd-0f-ada"))
		}
		for name, tc := range map[string]struct {
			got    servertest.Response
			rule   refusal.Rule
			client string
		}{
			"an unregistered redirect URI": {b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("redirect_uri", "https://evil.example/<b>").Encode()), refusal.RedirectURIMismatch, "web"},
			"an unknown client":            {b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "nobody").Encode()), refusal.ClientUnknown, ""},
			"an unsupported response type": {b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("response_type", "nonsense").Encode()), refusal.ResponseTypeUnsupported, "web"},
			"nobody signed in":             {s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "none").Encode()), refusal.LoginRequired, "web"},
			"a request of another browser": {login, refusal.WrongBrowser, ""},
			"a wrong password":             {signIn(), refusal.SignInPassword, "web"},
			"a wrong secret":               {s.PostForm("/oauth2/token", form("grant_type", "client_credentials", "client_id", "post", "client_secret", strings.Repeat("x", 40))), refusal.SecretMismatch, "post"},
			"another auth method":          {s.PostForm("/oauth2/token", form("grant_type", "client_credentials", "client_id", "web", "client_secret", "web-secret-web-secret-web-secret-")), refusal.AuthMethodMismatch, "web"},
			"no such client":               {s.PostForm("/oauth2/token", form("grant_type", "client_credentials", "client_id", "nobody", "client_secret", servertest.PostSecret)), refusal.ClientUnknown, ""},
			"a grant type of others":       {s.PostForm("/oauth2/token", form("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", "x")), refusal.GrantTypeNotRegistered, "web"},
			"a missing parameter":          {s.PostForm("/oauth2/token", form("grant_type", "authorization_code")), refusal.ParameterMissing, "web"},
			"introspection of nothing":     {s.PostForm("/oauth2/introspect", form("x", "y")), refusal.ParameterInvalid, "web"},
			"revocation by nobody":         {s.PostForm("/oauth2/revoke", form("token", "x", "client_id", "nobody")), refusal.ClientUnknown, ""},
			"userinfo without a token":     {b.Get("/userinfo"), refusal.TokenMissing, ""},
			"userinfo with nonsense":       {s.Userinfo("nonsense"), refusal.TokenMalformed, ""},
			"a device of nobody":           {s.PostForm("/oauth2/device/auth", form("client_id", "nobody")), refusal.ClientUnknown, ""},
			"a user code of nobody":        {b.Get("/device?user_code=BCDF-GHJK"), "", ""},
			"registration of nonsense":     {s.Call(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["nonsense"]}`), refusal.MetadataInvalid, ""},
			"management without a token":   {s.Call(t, http.MethodGet, "/connect/register/web", "nonsense", ""), refusal.RegistrationToken, "web"},
			"sign-out to elsewhere":        {b.Get("/oauth2/sessions/logout?client_id=web&post_logout_redirect_uri=" + url.QueryEscape("https://evil.example/")), refusal.LogoutInvalid, "web"},
			"a path without an endpoint":   {b.Get("/nonsense"), refusal.NotFound, ""},
			"a method without an endpoint": {b.Get("/oauth2/token"), refusal.MethodNotAllowed, ""},
			"a malformed form":             {s.PostForm("/oauth2/token", form("grant_type", "a\x00b")), refusal.RequestMalformed, ""},
			"no PKCE of a public client":   {b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "app", "redirect_uri", "com.example.app:/cb", "code_challenge", "", "code_challenge_method", "").Encode()), refusal.ChallengeMissing, "app"},
			"a hint of nobody":             {b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("request", "nonsense").Encode()), refusal.RequestObject, "web"},
			"the admin API without a key":  {a.CallAdminWithKey("", http.MethodGet, "/clients", ""), refusal.TokenMissing, ""},
			"an unknown page of the API":   {a.CallAdminWithKey("", http.MethodGet, "/nonsense", ""), refusal.NotFound, ""},
		} {
			if tc.rule == "" {
				continue
			}
			got := reason(t, s, tc.got)
			if got.Rule != tc.rule || got.ClientID != tc.client || got.Cause == "" {
				t.Errorf("%s (%d): on record is %s %q of client %q, want %s of %q", name, tc.got.Status, got.Rule, got.Cause, got.ClientID, tc.rule, tc.client)
			}
		}
	})
}

func TestRedirectURIErrorPageShowsReceivedURI(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), nil)
	received := "https://ada:pw@evil.example/<script>\"x\"?token=secret&" + strings.Repeat("y", 300)
	p := s.NewBrowser().Get("/oauth2/auth?" + servertest.AuthorizationRequest("redirect_uri", received).Encode())
	for _, want := range []string{"https://***@evil.example/&lt;script&gt;", "client web", p.Header.Get("X-Request-Id")} {
		if !strings.Contains(p.Body, want) {
			t.Errorf("the page lacks %s:\n%s", want, p.Body)
		}
	}
	for _, not := range []string{"pw@", "<script>", "token=secret", strings.Repeat("y", 220), servertest.RedirectURI} {
		if strings.Contains(p.Body, not) {
			t.Errorf("the page has %s", not)
		}
	}
	got := attributes(reason(t, s, p))
	if !strings.Contains(got["registered_redirect_uris"], servertest.RedirectURI) || !strings.HasPrefix(got["received_redirect_uri"], "https://***@evil.example/") {
		t.Errorf("on record: %v", got)
	}
}

func TestRejectedSignInRecordsNetworkAndAccount(t *testing.T) {
	t.Parallel()
	var log servertest.LogBuffer
	s := servertest.StartWithLog(t, storetest.New(t), map[string]string{"rate_limits": "off"}, slog.NewTextHandler(&log, nil))
	digests := map[string]string{}
	for _, typed := range []string{"ada", "Ada", "bob", "n0body"} {
		b := s.NewBrowser()
		page := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("prompt", "login").Encode()).Header.Get("Location"))
		p := b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {typed}, "password": {"wr0ng-passw0rd"}})
		line := logLine(log.String(), p.Header.Get("X-Request-Id"), "sign-in refused")
		for _, want := range []string{"level=INFO", "network=127.0.0.1/32 rule=sign_in_", "client_id=web", "account_digest="} {
			if !strings.Contains(line, want) {
				t.Errorf("%s: the line lacks %s: %s", typed, want, line)
			}
		}
		digests[typed] = attributes(reason(t, s, p))["account_digest"]
		if strings.Contains(log.String(), "n0body") {
			t.Error("the log has what was typed")
		}
	}
	if digests["ada"] != digests["Ada"] || digests["ada"] == digests["bob"] || digests["n0body"] == "" || len(digests["ada"]) != 16 {
		t.Errorf("digests %v: one account has one, others have others", digests)
	}
}

func TestRejectionsInAdminAPI(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		a := servertest.StartWithApps(t, db, nil)
		p := a.PostForm("/oauth2/token", servertest.CodeExchange("nonsense"))
		id := p.Header.Get("X-Request-Id")

		// Before the record is in the database, the process that rejected the request has it in memory.
		for _, path := range []string{"/refusals/", "/admin/refusals/"} {
			one := a.CallAdmin(http.MethodGet, path+id, "")
			if got := one.JSON(t); one.Status != http.StatusOK || got["rule"] != "code_malformed" || got["client_id"] != "web" || got["error"] != "invalid_grant" {
				t.Errorf("%s: %d %v", path, one.Status, got)
			}
		}
		if none := a.CallAdmin(http.MethodGet, "/refusals/nonsense", ""); none.Status != http.StatusNotFound {
			t.Errorf("an unknown request id: %d", none.Status)
		}
		a.App.Refusals.Flush(t.Context(), time.Minute)
		for query, want := range map[string]int{"?client_id=web": 1, "?rule=code_malformed": 1, "?client_id=web&rule=code_expired": 0, "?since=2000-01-01T00:00:00Z&client_id=web": 1} {
			list := a.CallAdmin(http.MethodGet, "/refusals"+query, "")
			if got := strings.Count(list.Body, `"request_id"`); list.Status != http.StatusOK || got != want {
				t.Errorf("%s lists %d, want %d: %s", query, got, want, list.Body)
			}
		}
		if wrong := a.CallAdmin(http.MethodGet, "/refusals?since=yesterday", ""); wrong.Status != http.StatusBadRequest {
			t.Errorf("since=yesterday: %d", wrong.Status)
		}
	})
}
