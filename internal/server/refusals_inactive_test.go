package server_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// change changes the client web in the database.
func change(s *servertest.Server, edit func(*client.Client)) {
	s.TB.Helper()
	c, err := s.Store.Clients.Client(s.TB.Context(), "web")
	if err == nil {
		edit(c)
		err = s.Store.Clients.UpdateClient(s.TB.Context(), c)
	}
	if err != nil {
		s.TB.Fatal(err)
	}
}

// foreignToken is an access token that another issuer signed.
func foreignToken(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	signed := part(`{"alg":"EdDSA","kid":"foreign","typ":"at+jwt"}`) + "." + part(`{"iss":"https://other.example","sub":"x"}`)
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(signed)))
}

// Userinfo responds to all inactive tokens alike. The record contains the reason.
func TestUserinfoExplainsInactiveTokens(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule     refusal.Rule
		clientID string
		act      func(t *testing.T, s *servertest.Server, b *servertest.Browser, tokens map[string]any) string // returns the token to present
	}{
		"nonsense": {refusal.TokenMalformed, "", func(*testing.T, *servertest.Server, *servertest.Browser, map[string]any) string { return "nonsense" }},
		"an ID token": {refusal.TokenMalformed, "", func(_ *testing.T, _ *servertest.Server, _ *servertest.Browser, got map[string]any) string {
			return servertest.Text(got["id_token"])
		}},
		"another payload under the signature": {refusal.TokenSignature, "", func(_ *testing.T, _ *servertest.Server, _ *servertest.Browser, got map[string]any) string {
			token := servertest.Text(got["access_token"])
			at := strings.LastIndexByte(token, '.')
			return token[:at-4] + "AAAA" + token[at:]
		}},
		"the key of another issuer": {refusal.TokenSignature, "", func(t *testing.T, _ *servertest.Server, _ *servertest.Browser, _ map[string]any) string {
			t.Helper()
			return foreignToken(t)
		}},
		"expired": {refusal.TokenExpired, "web", func(_ *testing.T, s *servertest.Server, _ *servertest.Browser, got map[string]any) string {
			s.Advance(2 * time.Hour)
			return servertest.Text(got["access_token"])
		}},
		"revoked by itself": {refusal.TokenRevoked, "web", func(_ *testing.T, s *servertest.Server, _ *servertest.Browser, got map[string]any) string {
			s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(got["access_token"])}})
			return servertest.Text(got["access_token"])
		}},
		"of a revoked grant": {refusal.GrantRevoked, "web", func(_ *testing.T, s *servertest.Server, _ *servertest.Browser, got map[string]any) string {
			s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(got["refresh_token"])}})
			return servertest.Text(got["access_token"])
		}},
		"of a session that was signed out": {refusal.SessionEnded, "web", func(t *testing.T, _ *servertest.Server, b *servertest.Browser, _ map[string]any) string {
			t.Helper()
			// Without offline_access, the grant ends with its session.
			token := servertest.Text(b.Server.ExchangeCode(b.Code(servertest.AuthorizationRequest("scope", "openid")))["access_token"])
			if _, err := b.Server.Store.Sessions.EndSessionsOf(t.Context(), servertest.SubjectOf(t, b.Server, "ada"), b.Server.Time()); err != nil {
				t.Fatal(err)
			}
			return token
		}},
		"of a disabled account": {refusal.AccountDisabled, "web", func(t *testing.T, s *servertest.Server, _ *servertest.Browser, got map[string]any) string {
			t.Helper()
			if err := s.Store.Accounts.SetDisabled(t.Context(), servertest.SubjectOf(t, s, "ada"), true, s.Time()); err != nil {
				t.Fatal(err)
			}
			return servertest.Text(got["access_token"])
		}},
		"of a deleted account": {refusal.AccountDisabled, "web", func(t *testing.T, s *servertest.Server, _ *servertest.Browser, got map[string]any) string {
			t.Helper()
			if err := s.Store.Accounts.DeleteAccount(t.Context(), servertest.SubjectOf(t, s, "ada"), s.Time()); err != nil {
				t.Fatal(err)
			}
			return servertest.Text(got["access_token"])
		}},
		"of a disabled client": {refusal.ClientDisabled, "web", func(_ *testing.T, s *servertest.Server, _ *servertest.Browser, got map[string]any) string {
			change(s, func(c *client.Client) { c.Disabled = true })
			return servertest.Text(got["access_token"])
		}},
		"of a deleted client": {refusal.ClientUnknown, "web", func(t *testing.T, s *servertest.Server, _ *servertest.Browser, got map[string]any) string {
			t.Helper()
			if err := s.Store.Clients.DeleteClient(t.Context(), "web"); err != nil {
				t.Fatal(err)
			}
			return servertest.Text(got["access_token"])
		}},
		"for a resource elsewhere": {refusal.TokenAudience, "web", func(_ *testing.T, s *servertest.Server, b *servertest.Browser, _ map[string]any) string {
			return servertest.Text(s.ExchangeCode(b.Code(servertest.AuthorizationRequest("scope", "api", "resource", "https://api.example")))["access_token"])
		}},
		"of the client itself": {refusal.TokenInactive, "web", func(_ *testing.T, s *servertest.Server, _ *servertest.Browser, _ map[string]any) string {
			return servertest.Text(s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).JSON(s.TB)["access_token"])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				var log servertest.LogBuffer
				s := servertest.StartWithLog(t, db, map[string]string{"rate_limits": "off"}, slog.NewTextHandler(&log, nil))
				b := s.NewBrowser()
				token := tc.act(t, s, b, s.ExchangeCode(b.Code(servertest.AuthorizationRequest())))

				p := s.Userinfo(token)
				if want := `{"error":"invalid_token","error_description":"The access token is not active.","status_code":401}`; p.Status != http.StatusUnauthorized || strings.TrimSpace(p.Body) != want {
					t.Errorf("userinfo: %d %s, want 401 %s", p.Status, p.Body, want)
				}
				got := reason(t, s, p)
				if got.Rule != tc.rule || got.ClientID != tc.clientID || got.Cause == "" {
					t.Errorf("on record: %+v, want the rule %s of client %q", got, tc.rule, tc.clientID)
				}
				line := logLine(log.String(), got.RequestID, "userinfo refused")
				if !strings.Contains(line, "rule="+string(tc.rule)) || strings.Contains(log.String(), token) && token != "nonsense" {
					t.Errorf("the log lacks the rule, or has the token: %s", line)
				}
			})
		})
	}
}

// Introspection responds with active=false and 200. The record contains the reason, without an
// additional SQL statement.
func TestIntrospectionExplainsInactiveTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := servertest.Start(t, db, map[string]string{"rate_limits": "off"})
		got := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
		revoked := s.ExchangeCode(s.NewBrowser().Code(servertest.AuthorizationRequest()))
		s.PostForm("/oauth2/revoke", url.Values{"token": {servertest.Text(revoked["refresh_token"])}})
		others := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {servertest.PostSecret}}).JSON(t)
		old := got["refresh_token"]
		next := s.Refresh(old).JSON(t)
		for name, tc := range map[string]struct {
			token      any
			as         url.Values
			rule       refusal.Rule
			statements int
		}{
			"nonsense":                     {"nonsense", nil, refusal.TokenMalformed, 0},
			"of another issuer":            {foreignToken(t), nil, refusal.TokenSignature, 0},
			"of a revoked grant":           {revoked["access_token"], nil, refusal.TokenInactive, 1},
			"refresh of a revoked grant":   {revoked["refresh_token"], nil, refusal.TokenInactive, 1},
			"rotated refresh token":        {old, nil, refusal.TokenInactive, 1},
			"neither one's own nor for it": {next["refresh_token"], url.Values{"client_id": {"post"}, "client_secret": {servertest.PostSecret}}, refusal.TokenAudience, 1},
			"active":                       {others["access_token"], url.Values{"client_id": {"post"}, "client_secret": {servertest.PostSecret}}, "", 1},
		} {
			form := url.Values{"token": {servertest.Text(tc.token)}}
			maps.Copy(form, tc.as)
			before := s.Store.Statements()
			p := s.PostForm("/oauth2/introspect", form)
			if n := int(s.Store.Statements() - before); n > tc.statements {
				t.Errorf("%s: %d statements, want at most %d", name, n, tc.statements)
			}
			id := p.Header.Get("X-Request-Id")
			found, err := s.App.Refusals.Find(id)
			if tc.rule == "" {
				if err == nil || p.JSON(t)["active"] != true {
					t.Errorf("%s: %d %s with the record %+v, want an active token and none", name, p.Status, p.Body, found)
				}
				continue
			}
			if p.Status != http.StatusOK || strings.TrimSpace(p.Body) != `{"active":false}` {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
			if err != nil || found.Rule != tc.rule || found.Status != http.StatusOK {
				t.Errorf("%s: on record is %+v (%v), want the rule %s", name, found, err, tc.rule)
			}
		}
		s.Advance(2 * time.Hour)
		p := s.PostForm("/oauth2/introspect", url.Values{"token": {servertest.Text(next["access_token"])}})
		if found := reason(t, s, p); found.Rule != refusal.TokenExpired || attributes(found)["expired_at"] == "" {
			t.Errorf("an expired token: on record is %+v", found)
		}
	})
}

// A successful response that lacks a requested scope or claim has a record that lists it. The
// record omits unregistered names.
func TestDroppedScopesAreExplained(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		var log servertest.LogBuffer
		s := servertest.StartWithLog(t, db, map[string]string{"rate_limits": "off"}, slog.NewTextHandler(&log, nil))
		want := func(what string, p servertest.Response, attrs map[string]string) {
			t.Helper()
			if p.Status >= http.StatusBadRequest {
				t.Fatalf("%s: %d %s", what, p.Status, p.Body)
			}
			id := p.Header.Get("X-Request-Id")
			if attrs == nil {
				if found, err := s.App.Refusals.Find(id); err == nil {
					t.Errorf("%s: on record is %+v, want nothing", what, found)
				}
				return
			}
			got := reason(t, s, p)
			if got.Rule != refusal.ScopesDropped || got.Status != p.Status || got.Code != "" || got.ClientID != "web" {
				t.Errorf("%s: on record is %+v", what, got)
			}
			has := attributes(got)
			delete(has, "client_scopes")
			if fmt.Sprint(has) != fmt.Sprint(attrs) {
				t.Errorf("%s: attributes %v, want %v", what, has, attrs)
			}
			if line := logLine(log.String(), id, "scopes dropped"); !strings.Contains(line, "level=INFO") || !strings.Contains(line, "rule=scopes_dropped") {
				t.Errorf("%s: the line is %q", what, line)
			}
		}
		b := s.NewBrowser()
		b.Code(servertest.AuthorizationRequest())

		want("everything", b.Authorize(servertest.AuthorizationRequest()), nil)
		want("disallowed and unknown scopes", b.Authorize(servertest.AuthorizationRequest("scope", "openid phone address s3cret-scope an0ther")),
			map[string]string{"scopes_not_allowed": "phone address", "scopes_unknown": "2"})
		want("claims by name", b.Authorize(servertest.AuthorizationRequest("claims", `{"userinfo":{"phone_number":null,"s3cret-claim":null,"email":null},"id_token":{"acr":null}}`)),
			map[string]string{"claims_dropped": "phone_number"})

		p := b.Authorize(servertest.AuthorizationRequest("scope", "openid email offline_access api"))
		servertest.SetClientScope(s, "web", "openid offline_access api")
		exchange := s.PostForm("/oauth2/token", servertest.CodeExchange(p.Location().Query().Get("code")))
		want("a scope that the client has no longer", exchange, map[string]string{"scopes_not_allowed": "email"})
		refreshed := s.Refresh(exchange.JSON(t)["refresh_token"])
		want("a refresh", refreshed, map[string]string{"scopes_not_allowed": "email"})
		want("a refresh for less", s.Refresh(refreshed.JSON(t)["refresh_token"], "scope", "openid"), map[string]string{"scopes_not_allowed": "email"})

		want("a client for itself", s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"api"}}), nil)
		want("a client for itself, with a user's scope", s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"openid api"}}),
			map[string]string{"scopes_not_applicable": "openid"})
		for _, secret := range []string{"s3cret", "an0ther"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log has %s", secret)
			}
		}
		w := httptest.NewRecorder()
		s.App.Metrics.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		if metrics := w.Body.String(); !strings.Contains(metrics, "ostiary_") || strings.Contains(metrics, `rule="scopes_dropped"`) {
			t.Error("the metric of refusals counts successful responses")
		}
	})
}
