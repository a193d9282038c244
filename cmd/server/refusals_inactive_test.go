package main

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
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// change changes the client web in the database.
func (s *server) change(edit func(*client.Client)) {
	s.tb.Helper()
	c, err := s.store.Client(s.tb.Context(), "web")
	if err == nil {
		edit(c)
		err = s.store.UpdateClient(s.tb.Context(), c)
	}
	if err != nil {
		s.tb.Fatal(err)
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

// Userinfo answers all inactive tokens alike. On record is why each of them is inactive.
func TestUserinfoExplainsInactiveTokens(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		rule     refusal.Rule
		clientID string
		act      func(t *testing.T, s *server, b *browser, tokens map[string]any) string // returns the token to present
	}{
		"nonsense":    {refusal.TokenMalformed, "", func(*testing.T, *server, *browser, map[string]any) string { return "nonsense" }},
		"an ID token": {refusal.TokenMalformed, "", func(_ *testing.T, _ *server, _ *browser, got map[string]any) string { return text(got["id_token"]) }},
		"another payload under the signature": {refusal.TokenSignature, "", func(_ *testing.T, _ *server, _ *browser, got map[string]any) string {
			token := text(got["access_token"])
			at := strings.LastIndexByte(token, '.')
			return token[:at-4] + "AAAA" + token[at:]
		}},
		"the key of another issuer": {refusal.TokenSignature, "", func(t *testing.T, _ *server, _ *browser, _ map[string]any) string {
			t.Helper()
			return foreignToken(t)
		}},
		"expired": {refusal.TokenExpired, "web", func(_ *testing.T, s *server, _ *browser, got map[string]any) string {
			s.pass(2 * time.Hour)
			return text(got["access_token"])
		}},
		"revoked by itself": {refusal.TokenRevoked, "web", func(_ *testing.T, s *server, _ *browser, got map[string]any) string {
			s.call("/oauth2/revoke", url.Values{"token": {text(got["access_token"])}})
			return text(got["access_token"])
		}},
		"of a revoked grant": {refusal.GrantRevoked, "web", func(_ *testing.T, s *server, _ *browser, got map[string]any) string {
			s.call("/oauth2/revoke", url.Values{"token": {text(got["refresh_token"])}})
			return text(got["access_token"])
		}},
		"of a session that was signed out": {refusal.SessionEnded, "web", func(t *testing.T, _ *server, b *browser, _ map[string]any) string {
			t.Helper()
			// Without offline_access, the grant ends with its session.
			token := text(b.s.tokens(b.code(asking("scope", "openid")))["access_token"])
			if _, err := b.s.store.EndSessionsOf(t.Context(), b.s.subject(t, "ada"), b.s.time()); err != nil {
				t.Fatal(err)
			}
			return token
		}},
		"of a disabled account": {refusal.AccountDisabled, "web", func(t *testing.T, s *server, _ *browser, got map[string]any) string {
			t.Helper()
			if err := s.store.SetDisabled(t.Context(), s.subject(t, "ada"), true, s.time()); err != nil {
				t.Fatal(err)
			}
			return text(got["access_token"])
		}},
		"of a deleted account": {refusal.AccountDisabled, "web", func(t *testing.T, s *server, _ *browser, got map[string]any) string {
			t.Helper()
			if err := s.store.DeleteAccount(t.Context(), s.subject(t, "ada"), s.time()); err != nil {
				t.Fatal(err)
			}
			return text(got["access_token"])
		}},
		"of a disabled client": {refusal.ClientDisabled, "web", func(_ *testing.T, s *server, _ *browser, got map[string]any) string {
			s.change(func(c *client.Client) { c.Disabled = true })
			return text(got["access_token"])
		}},
		"of a deleted client": {refusal.ClientUnknown, "web", func(t *testing.T, s *server, _ *browser, got map[string]any) string {
			t.Helper()
			if err := s.store.DeleteClient(t.Context(), "web"); err != nil {
				t.Fatal(err)
			}
			return text(got["access_token"])
		}},
		"for a resource elsewhere": {refusal.TokenAudience, "web", func(_ *testing.T, s *server, b *browser, _ map[string]any) string {
			return text(s.tokens(b.code(asking("scope", "api", "resource", "https://api.example")))["access_token"])
		}},
		"of the client itself": {refusal.TokenInactive, "web", func(_ *testing.T, s *server, _ *browser, _ map[string]any) string {
			return text(s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).json(s.tb)["access_token"])
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				var log logbook
				s := startLogging(t, db, map[string]string{"rate_limits": "off"}, slog.NewTextHandler(&log, nil))
				b := s.browser()
				token := tc.act(t, s, b, s.tokens(b.code(asking())))

				p := s.userinfo(token)
				if want := `{"error":"invalid_token","error_description":"The access token is not active.","status_code":401}`; p.status != http.StatusUnauthorized || strings.TrimSpace(p.body) != want {
					t.Errorf("userinfo: %d %s, want 401 %s", p.status, p.body, want)
				}
				got := s.reason(t, p)
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

// Introspection answers with active=false and 200. On record is why, at no further
// statement.
func TestIntrospectionExplainsInactiveTokens(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s := start(t, db, map[string]string{"rate_limits": "off"})
		got := s.tokens(s.browser().code(asking()))
		revoked := s.tokens(s.browser().code(asking()))
		s.call("/oauth2/revoke", url.Values{"token": {text(revoked["refresh_token"])}})
		others := s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {"post"}, "client_secret": {postSecret}}).json(t)
		old := got["refresh_token"]
		next := s.refresh(old).json(t)
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
			"neither one's own nor for it": {next["refresh_token"], url.Values{"client_id": {"post"}, "client_secret": {postSecret}}, refusal.TokenAudience, 1},
			"active":                       {others["access_token"], url.Values{"client_id": {"post"}, "client_secret": {postSecret}}, "", 1},
		} {
			form := url.Values{"token": {text(tc.token)}}
			maps.Copy(form, tc.as)
			before := s.store.Statements()
			p := s.call("/oauth2/introspect", form)
			if n := int(s.store.Statements() - before); n > tc.statements {
				t.Errorf("%s: %d statements, want at most %d", name, n, tc.statements)
			}
			id := p.header.Get("X-Request-Id")
			found, err := s.refusals.Find(id)
			if tc.rule == "" {
				if err == nil || p.json(t)["active"] != true {
					t.Errorf("%s: %d %s with the record %+v, want an active token and none", name, p.status, p.body, found)
				}
				continue
			}
			if p.status != http.StatusOK || strings.TrimSpace(p.body) != `{"active":false}` {
				t.Errorf("%s: %d %s", name, p.status, p.body)
			}
			if err != nil || found.Rule != tc.rule || found.Status != http.StatusOK {
				t.Errorf("%s: on record is %+v (%v), want the rule %s", name, found, err, tc.rule)
			}
		}
		s.pass(2 * time.Hour)
		p := s.call("/oauth2/introspect", url.Values{"token": {text(next["access_token"])}})
		if found := s.reason(t, p); found.Rule != refusal.TokenExpired || attributes(found)["expired_at"] == "" {
			t.Errorf("an expired token: on record is %+v", found)
		}
	})
}

// A successful response that lacks something of the request has a record that says what.
// It holds no name that is registered nowhere.
func TestDroppedScopesAreExplained(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		var log logbook
		s := startLogging(t, db, map[string]string{"rate_limits": "off"}, slog.NewTextHandler(&log, nil))
		want := func(what string, p reply, attrs map[string]string) {
			t.Helper()
			if p.status >= http.StatusBadRequest {
				t.Fatalf("%s: %d %s", what, p.status, p.body)
			}
			id := p.header.Get("X-Request-Id")
			if attrs == nil {
				if found, err := s.refusals.Find(id); err == nil {
					t.Errorf("%s: on record is %+v, want nothing", what, found)
				}
				return
			}
			got := s.reason(t, p)
			if got.Rule != refusal.ScopesDropped || got.Status != p.status || got.Code != "" || got.ClientID != "web" {
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
		b := s.browser()
		b.code(asking())

		want("everything", b.authorize(asking()), nil)
		want("scopes of others and of nobody", b.authorize(asking("scope", "openid phone address s3cret-scope an0ther")),
			map[string]string{"scopes_not_allowed": "phone address", "scopes_unknown": "2"})
		want("claims by name", b.authorize(asking("claims", `{"userinfo":{"phone_number":null,"s3cret-claim":null,"email":null},"id_token":{"acr":null}}`)),
			map[string]string{"claims_dropped": "phone_number"})

		p := b.authorize(asking("scope", "openid email offline_access api"))
		s.rescope("web", "openid offline_access api")
		exchange := s.call("/oauth2/token", exchanging(p.location().Query().Get("code")))
		want("a scope that the client has no longer", exchange, map[string]string{"scopes_not_allowed": "email"})
		refreshed := s.refresh(exchange.json(t)["refresh_token"])
		want("a refresh", refreshed, map[string]string{"scopes_not_allowed": "email"})
		want("a refresh for less", s.refresh(refreshed.json(t)["refresh_token"], "scope", "openid"), map[string]string{"scopes_not_allowed": "email"})

		want("a client for itself", s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"api"}}), nil)
		want("a client for itself, with a user's scope", s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"openid api"}}),
			map[string]string{"scopes_not_applicable": "openid"})
		for _, secret := range []string{"s3cret", "an0ther"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log has %s", secret)
			}
		}
		w := httptest.NewRecorder()
		s.metrics.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		if metrics := w.Body.String(); !strings.Contains(metrics, "ostiary_") || strings.Contains(metrics, `rule="scopes_dropped"`) {
			t.Error("the metric of refusals counts successful responses")
		}
	})
}
