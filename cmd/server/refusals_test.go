package main

import (
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// reason returns what is on record of the request that p answers, from the database.
func (s *server) reason(t *testing.T, p reply) *refusal.Record {
	t.Helper()
	s.refusals.Flush(t.Context(), time.Minute)
	id := p.header.Get("X-Request-Id")
	found, err := s.store.Refusal(t.Context(), id)
	if err != nil {
		t.Fatalf("request %s was answered with %d %s, and nothing is on record: %v", id, p.status, p.body, err)
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

// invalid_grant is one phrase on the wire. On record is what was wrong with the code.
func TestEachRefusedCodeIsExplained(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule refusal.Rule
		act  func(s *server, code string) reply
		attr map[string]string
	}{
		"malformed": {refusal.CodeMalformed, func(s *server, _ string) reply { return s.call("/oauth2/token", exchanging("nonsense")) }, nil},
		"of a system secret that is not ours": {refusal.CodeMalformed, func(s *server, code string) reply {
			return s.call("/oauth2/token", exchanging(code[:len(code)-2]+"zz"))
		}, nil},
		"without a verifier": {refusal.VerifierMissing, func(s *server, code string) reply {
			return s.call("/oauth2/token", exchanging(code, "code_verifier", ""))
		}, nil},
		"with a wrong verifier": {refusal.VerifierMismatch, func(s *server, code string) reply {
			return s.call("/oauth2/token", exchanging(code, "code_verifier", strings.Repeat("a", 43)))
		}, nil},
		"with another redirect URI": {refusal.RedirectURIMismatch, func(s *server, code string) reply {
			return s.call("/oauth2/token", exchanging(code, "redirect_uri", "https://client.example/other?x=1"))
		}, map[string]string{"expected_redirect_uri": testCallback, "received_redirect_uri": "https://client.example/other?x=***"}},
		"without a redirect URI": {refusal.RedirectURIMissing, func(s *server, code string) reply {
			return s.call("/oauth2/token", exchanging(code, "redirect_uri", ""))
		}, map[string]string{"expected_redirect_uri": testCallback}},
		"of another client": {refusal.CodeOtherClient, func(s *server, code string) reply {
			return s.call("/oauth2/token", exchanging(code, "client_id", "post", "client_secret", postSecret))
		}, map[string]string{"issued_to": "web"}},
		"expired": {refusal.CodeExpired, func(s *server, code string) reply {
			s.pass(2 * time.Minute)
			return s.call("/oauth2/token", exchanging(code))
		}, nil},
		"twice at once": {refusal.CodeSpent, func(s *server, code string) reply {
			s.tokens(code)
			return s.call("/oauth2/token", exchanging(code))
		}, nil},
		"replayed": {refusal.CodeReplayed, func(s *server, code string) reply {
			s.tokens(code)
			s.pass(time.Minute)
			return s.call("/oauth2/token", exchanging(code))
		}, nil},
		"of a revoked grant": {refusal.GrantRevoked, func(s *server, code string) reply {
			s.tokens(code)
			s.pass(time.Minute)
			s.call("/oauth2/token", exchanging(code))
			return s.call("/oauth2/token", exchanging(code))
		}, map[string]string{"revoked_why": "code_reuse"}},
		"of a disabled account": {refusal.AccountDisabled, func(s *server, code string) reply {
			if err := s.store.SetDisabled(s.tb.Context(), s.subject(s.tb.(*testing.T), "ada"), true, s.time()); err != nil {
				s.tb.Fatal(err)
			}
			return s.call("/oauth2/token", exchanging(code))
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				var log logbook
				s := startLogging(t, db, map[string]string{"rate_limits": "off"}, slog.NewTextHandler(&log, nil))
				code := s.browser().code(asking())
				p := tc.act(s, code)
				wantError(t, p, 400, "invalid_grant")
				if strings.Contains(p.body, string(tc.rule)) {
					t.Errorf("the response tells the cause: %s", p.body)
				}

				got := s.reason(t, p)
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

func TestEachRefusedRefreshTokenIsExplained(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule refusal.Rule
		act  func(s *server, token any) reply
	}{
		"malformed": {refusal.RefreshMalformed, func(s *server, _ any) reply { return s.refresh("nonsense") }},
		"of another client": {refusal.RefreshOtherClient, func(s *server, token any) reply {
			return s.refresh(token, "client_id", "post", "client_secret", postSecret)
		}},
		"of another client, for less": {refusal.RefreshOtherClient, func(s *server, token any) reply {
			return s.refresh(token, "client_id", "post", "client_secret", postSecret, "scope", "openid")
		}},
		"expired": {refusal.RefreshExpired, func(s *server, token any) reply {
			s.pass(31 * 24 * time.Hour)
			return s.refresh(token)
		}},
		"replayed": {refusal.RefreshReplayed, func(s *server, token any) reply {
			s.refresh(token)
			s.pass(time.Minute)
			return s.refresh(token)
		}},
		"revoked": {refusal.GrantRevoked, func(s *server, token any) reply {
			s.call("/oauth2/revoke", url.Values{"token": {text(token)}})
			return s.refresh(token)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				var log logbook
				s := startLogging(t, db, map[string]string{"rate_limits": "off"}, slog.NewTextHandler(&log, nil))
				p := tc.act(s, s.tokens(s.browser().code(asking()))["refresh_token"])
				wantError(t, p, 400, "invalid_grant")
				got := s.reason(t, p)
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

// Whatever refuses a request, in any handler or before it, leaves a record with a rule.
func TestEveryEndpointExplainsItsRefusals(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		a := startApart(t, db, map[string]string{"login_url": "", "consent_url": "", "sign_up": "on", "admin_auth": "token"})
		s, b := a.server, a.browser()
		b.code(asking())
		form := func(values ...string) url.Values {
			f := url.Values{}
			for i := 0; i < len(values); i += 2 {
				f.Set(values[i], values[i+1])
			}
			return f
		}
		login := b.get(s.browser().get("/oauth2/auth?" + asking("prompt", "login").Encode()).header.Get("Location"))
		signIn := func() reply {
			other := s.browser()
			page := other.get(other.get("/oauth2/auth?" + asking("prompt", "login").Encode()).header.Get("Location"))
			return other.post(page.action(), form("request", page.field("request"), "username", "ada", "password", "wr0ng-passw0rd-0f-ada"))
		}
		for name, tc := range map[string]struct {
			got    reply
			rule   refusal.Rule
			client string
		}{
			"an unregistered redirect URI": {b.get("/oauth2/auth?" + asking("redirect_uri", "https://evil.example/<b>").Encode()), refusal.RedirectURIMismatch, "web"},
			"an unknown client":            {b.get("/oauth2/auth?" + asking("client_id", "nobody").Encode()), refusal.ClientUnknown, ""},
			"an unsupported response type": {b.get("/oauth2/auth?" + asking("response_type", "nonsense").Encode()), refusal.ResponseTypeUnsupported, "web"},
			"nobody signed in":             {s.browser().get("/oauth2/auth?" + asking("prompt", "none").Encode()), refusal.LoginRequired, "web"},
			"a request of another browser": {login, refusal.WrongBrowser, ""},
			"a wrong password":             {signIn(), refusal.SignInPassword, "web"},
			"a wrong secret":               {s.call("/oauth2/token", form("grant_type", "client_credentials", "client_id", "post", "client_secret", strings.Repeat("x", 40))), refusal.SecretMismatch, "post"},
			"another auth method":          {s.call("/oauth2/token", form("grant_type", "client_credentials", "client_id", "web", "client_secret", "web-secret-web-secret-web-secret-")), refusal.AuthMethodMismatch, "web"},
			"no such client":               {s.call("/oauth2/token", form("grant_type", "client_credentials", "client_id", "nobody", "client_secret", postSecret)), refusal.ClientUnknown, ""},
			"a grant type of others":       {s.call("/oauth2/token", form("grant_type", "urn:ietf:params:oauth:grant-type:device_code", "device_code", "x")), refusal.GrantTypeNotRegistered, "web"},
			"a missing parameter":          {s.call("/oauth2/token", form("grant_type", "authorization_code")), refusal.ParameterMissing, "web"},
			"introspection of nothing":     {s.call("/oauth2/introspect", form("x", "y")), refusal.ParameterInvalid, "web"},
			"revocation by nobody":         {s.call("/oauth2/revoke", form("token", "x", "client_id", "nobody")), refusal.ClientUnknown, ""},
			"userinfo without a token":     {b.get("/userinfo"), refusal.TokenMissing, ""},
			"userinfo with nonsense":       {s.userinfo("nonsense"), refusal.TokenMalformed, ""},
			"a device of nobody":           {s.call("/oauth2/device/auth", form("client_id", "nobody")), refusal.ClientUnknown, ""},
			"a user code of nobody":        {b.get("/device?user_code=BCDF-GHJK"), "", ""},
			"registration of nonsense":     {s.send(t, http.MethodPost, "/connect/register", "", `{"redirect_uris":["nonsense"]}`), refusal.MetadataInvalid, ""},
			"management without a token":   {s.send(t, http.MethodGet, "/connect/register/web", "nonsense", ""), refusal.RegistrationToken, "web"},
			"sign-out to elsewhere":        {b.get("/oauth2/sessions/logout?client_id=web&post_logout_redirect_uri=" + url.QueryEscape("https://evil.example/")), refusal.LogoutInvalid, "web"},
			"a path without an endpoint":   {b.get("/nonsense"), refusal.NotFound, ""},
			"a method without an endpoint": {b.get("/oauth2/token"), refusal.MethodNotAllowed, ""},
			"a malformed form":             {s.call("/oauth2/token", form("grant_type", "a\x00b")), refusal.RequestMalformed, ""},
			"no PKCE of a public client":   {b.get("/oauth2/auth?" + asking("client_id", "app", "redirect_uri", "com.example.app:/cb", "code_challenge", "", "code_challenge_method", "").Encode()), refusal.ChallengeMissing, "app"},
			"a hint of nobody":             {b.get("/oauth2/auth?" + asking("request", "nonsense").Encode()), refusal.RequestObject, "web"},
			"the admin API without a key":  {a.askWith("", http.MethodGet, "/clients", ""), refusal.APIKeyInvalid, ""},
			"an unknown page of the API":   {a.askWith("", http.MethodGet, "/nonsense", ""), refusal.NotFound, ""},
		} {
			if tc.rule == "" {
				continue
			}
			got := s.reason(t, tc.got)
			if got.Rule != tc.rule || got.ClientID != tc.client || got.Cause == "" {
				t.Errorf("%s (%d): on record is %s %q of client %q, want %s of %q", name, tc.got.status, got.Rule, got.Cause, got.ClientID, tc.rule, tc.client)
			}
		}
	})
}

func TestRedirectURIErrorPageNamesTheReceivedAddress(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), nil)
	received := "https://ada:pw@evil.example/<script>\"x\"?token=secret&" + strings.Repeat("y", 300)
	p := s.browser().get("/oauth2/auth?" + asking("redirect_uri", received).Encode())
	for _, want := range []string{"https://***@evil.example/&lt;script&gt;", "client web", p.header.Get("X-Request-Id")} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %s:\n%s", want, p.body)
		}
	}
	for _, not := range []string{"pw@", "<script>", "token=secret", strings.Repeat("y", 220), testCallback} {
		if strings.Contains(p.body, not) {
			t.Errorf("the page has %s", not)
		}
	}
	got := attributes(s.reason(t, p))
	if !strings.Contains(got["registered_redirect_uris"], testCallback) || !strings.HasPrefix(got["received_redirect_uri"], "https://***@evil.example/") {
		t.Errorf("on record: %v", got)
	}
}

func TestSignInRefusedNamesNetworkAndAccount(t *testing.T) {
	t.Parallel()
	var log logbook
	s := startLogging(t, storetest.New(t), map[string]string{"rate_limits": "off"}, slog.NewTextHandler(&log, nil))
	digests := map[string]string{}
	for _, typed := range []string{"ada", "Ada", "bob", "n0body"} {
		b := s.browser()
		page := b.get(b.get("/oauth2/auth?" + asking("prompt", "login").Encode()).header.Get("Location"))
		p := b.post(page.action(), url.Values{"request": {page.field("request")}, "username": {typed}, "password": {"wr0ng-passw0rd"}})
		line := logLine(log.String(), p.header.Get("X-Request-Id"), "sign-in refused")
		for _, want := range []string{"level=INFO", "network=127.0.0.1/32 rule=sign_in_", "client_id=web", "account_digest="} {
			if !strings.Contains(line, want) {
				t.Errorf("%s: the line lacks %s: %s", typed, want, line)
			}
		}
		digests[typed] = attributes(s.reason(t, p))["account_digest"]
		if strings.Contains(log.String(), "n0body") {
			t.Error("the log has what was typed")
		}
	}
	if digests["ada"] != digests["Ada"] || digests["ada"] == digests["bob"] || digests["n0body"] == "" || len(digests["ada"]) != 16 {
		t.Errorf("digests %v: one account has one, others have others", digests)
	}
}

func TestRefusalsInTheAPIAndOnTheCommandLine(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		a := startApart(t, db, nil)
		p := a.call("/oauth2/token", exchanging("nonsense"))
		id := p.header.Get("X-Request-Id")

		// Before it is in the database, the process that refused it knows.
		for _, path := range []string{"/refusals/", "/admin/refusals/"} {
			one := a.ask(http.MethodGet, path+id, "")
			if got := one.json(t); one.status != http.StatusOK || got["rule"] != "code_malformed" || got["client_id"] != "web" || got["error"] != "invalid_grant" {
				t.Errorf("%s: %d %v", path, one.status, got)
			}
		}
		if none := a.ask(http.MethodGet, "/refusals/nonsense", ""); none.status != http.StatusNotFound {
			t.Errorf("an unknown request id: %d", none.status)
		}
		a.refusals.Flush(t.Context(), time.Minute)
		for query, want := range map[string]int{"?client_id=web": 1, "?rule=code_malformed": 1, "?client_id=web&rule=code_expired": 0, "?since=2000-01-01T00:00:00Z&client_id=web": 1} {
			list := a.ask(http.MethodGet, "/refusals"+query, "")
			if got := strings.Count(list.body, `"request_id"`); list.status != http.StatusOK || got != want {
				t.Errorf("%s lists %d, want %d: %s", query, got, want, list.body)
			}
		}
		if wrong := a.ask(http.MethodGet, "/refusals?since=yesterday", ""); wrong.status != http.StatusBadRequest {
			t.Errorf("since=yesterday: %d", wrong.status)
		}
	})
}

func TestExplainCommand(t *testing.T) {
	t.Parallel()
	sh := newShell(t)
	record := &refusal.Record{
		ID: refusal.FirstID(time.Now()) + "x", At: time.Now(), RequestID: "q1", Method: "POST", Route: "/oauth2/token", Status: 400, Code: "invalid_grant",
		Rule: refusal.CodeExpired, Cause: "the code has expired", ClientID: "web", Attrs: []refusal.Attr{refusal.At("code_expired_at", time.Unix(0, 0))},
	}
	db := storetest.Open(t, "sqlite:"+filepath.Join(sh.dir, "test.db"))
	if err := db.InsertRefusals(t.Context(), []*refusal.Record{record}); err != nil {
		t.Fatal(err)
	}
	db.Close()
	out := sh.must("explain", "q1")
	for _, want := range []string{"code_expired", "the code has expired", "web", "POST /oauth2/token", "400 invalid_grant", "1970-01-01T00:00:00Z"} {
		if !strings.Contains(out, want) {
			t.Errorf("the explanation lacks %q:\n%s", want, out)
		}
	}
	var got refusalView
	sh.json(&got, "explain", "q1")
	if want := (map[string]string{"code_expired_at": "1970-01-01T00:00:00Z"}); got.Rule != "code_expired" || !maps.Equal(got.Attributes, want) {
		t.Errorf("as JSON: %+v", got)
	}
	for _, format := range [][]string{nil, {"--json"}} {
		message := sh.refused(append([]string{"explain", "q2"}, format...)...)
		if !strings.Contains(message, `no record of the request "q2"`) || strings.Count(message, "\n") != 1 {
			t.Errorf("an unknown request id: %q", message)
		}
	}
}
