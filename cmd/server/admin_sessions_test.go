package main

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// submit posts a form to the administrators' API.
func (s *apart) submit(path string, form url.Values) reply {
	s.tb.Helper()
	r, err := http.NewRequestWithContext(s.tb.Context(), http.MethodPost, s.operator+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.tb.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	p := send(s.tb, http.DefaultClient, r)
	s.document.check(s.tb, http.MethodPost, path, p)
	return p
}

// ended deletes, which must go well.
func (s *apart) ended(path string) {
	s.tb.Helper()
	if p := s.ask(http.MethodDelete, path, ""); p.status != http.StatusNoContent {
		s.tb.Errorf("DELETE %s: %d %s", path, p.status, p.body)
	}
}

func (s *apart) wantActive(what string, token any, want bool) {
	s.tb.Helper()
	p := s.submit("/admin/oauth2/introspect", url.Values{"token": {text(token)}})
	if got := p.json(s.tb)["active"]; p.status != http.StatusOK || got != want {
		s.tb.Errorf("%s is active: %v, want %v\n%s", what, got, want, p.body)
	}
}

func TestConsentsAreListedAndRevokedByTheAPI(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		const list = "/admin/oauth2/auth/sessions/consent"
		if got := s.listed(list + "?subject=nobody"); len(got) != 0 {
			t.Errorf("nobody allows %v", got)
		}
		b := s.browser()
		once := s.tokens(codeOf(t, b.through(s, asking(), "jo")))
		got := s.listed(list + "?subject=jo")
		if len(got) != 1 {
			t.Fatalf("without remembering: %v", got)
		}
		wantMembers(t, got[0], object{"remember": false, "grant_scope": []any{"openid", "offline_access", "api"}})
		wantMembers(t, got[0]["consent_request"].(object), object{"subject": "jo", "skip": false})
		session := text(got[0]["consent_request"].(object)["login_session_id"])

		p := b.signIn(s, b.get("/oauth2/auth?"+asking().Encode()), object{"subject": "jo", "remember": true})
		kept := s.tokens(codeOf(t, b.agree(s, p, object{
			"grant_scope": allScopes, "remember": true, "remember_for": 3600, "session": object{"id_token": object{"a": 1}},
		})))
		got = s.listed(list + "?subject=jo")
		if len(got) != 1 {
			t.Fatalf("with remembering: %v", got)
		}
		wantMembers(t, got[0], object{"remember": true, "remember_for": 3600.0})
		if claims := got[0]["session"].(object)["id_token"].(object); claims["a"] != 1.0 {
			t.Errorf("what is kept for ID tokens: %v", claims)
		}
		if got := s.listed(list + "?subject=jo&login_session_id=" + session); len(got) != 2 || got[0]["remember"] != false { // it is the same browser
			t.Errorf("in the first session: %v", got)
		}
		if got := s.listed(list + "?subject=jo&limit=1&offset=1"); len(got) != 0 {
			t.Errorf("after the first: %v", got)
		}
		s.ended(list + "?consent_request_id=" + text(got[0]["consent_request_id"]))
		for what, tokens := range map[string]map[string]any{"of before": once, "of the remembered consent": kept} {
			s.wantActive("an access token "+what, tokens["access_token"], false)
			s.wantActive("a refresh token "+what, tokens["refresh_token"], false)
		}

		for _, choose := range []string{"?subject=jo&client=web", "?subject=jo&all=true"} {
			tokens := s.tokens(codeOf(t, s.browser().through(s, asking(), "jo")))
			others := s.tokens(codeOf(t, s.browser().through(s, asking(), "kim")))
			s.ended(list + choose)
			s.wantActive("what was revoked", tokens["access_token"], false)
			s.wantActive("what is another's", others["access_token"], true)
			s.ended(list + choose)
		}
		// By the request that the consent app answered, and by the challenge it had.
		for _, name := range []func(p reply) string{
			func(p reply) string { return s.consent(p)[:31] }, s.consent,
			func(reply) string { return "nothing" }, func(reply) string { return strings.Repeat("0", 32) },
			func(reply) string { return "c." + base64.RawURLEncoding.EncodeToString([]byte("jo\x00\x00")) }, // of all clients, as it were
		} {
			b := s.browser()
			p := b.signIn(s, b.get("/oauth2/auth?"+asking().Encode()), object{"subject": "jo"})
			id := name(p)
			tokens := s.tokens(codeOf(t, b.agree(s, p, object{"grant_scope": allScopes})))
			s.ended(list + "?consent_request_id=" + id)
			s.wantActive("of "+id, tokens["refresh_token"], id == "nothing" || strings.HasPrefix(id, "00000") || strings.HasPrefix(id, "c."))
		}
		for _, bad := range []string{"", "?client=web", "?subject=jo", "?subject=jo&client=web&all=true", "?all=true", "?subject=jo&consent_request_id=x", "?subject=jo&all=false"} {
			wantError(t, s.ask(http.MethodDelete, list+bad, ""), http.StatusBadRequest, "invalid_request")
		}
		for _, bad := range []string{"", "?subject=", "?subject=jo&page_token=x", "?subject=jo&offset=x", "?subject=jo&offset=10001"} {
			wantError(t, s.ask(http.MethodGet, list+bad, ""), http.StatusBadRequest, "invalid_request")
		}
	})
}

func TestConsentsAreListedInParts(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		for range 3 {
			s.browser().through(s, asking(), "jo")
		}
		b := s.browser()
		p := b.signIn(s, b.get("/oauth2/auth?"+asking("client_id", "post").Encode()), object{"subject": "jo"})
		b.agree(s, p, object{"grant_scope": []string{"openid"}, "remember": true})
		seen := map[any]bool{}
		pages := 0
		for at := "/oauth2/auth/sessions/consent?subject=jo&page_size=2"; at != ""; pages++ {
			p := s.ask(http.MethodGet, at, "")
			for _, one := range s.listed(at) {
				seen[one["consent_request_id"]] = true
			}
			at = ""
			for _, link := range p.header.Values("Link") {
				if to, ok := strings.CutSuffix(link, `>; rel="next"`); ok {
					at = to[1:]
				}
			}
		}
		if len(seen) != 4 || pages != 3 && pages != 2 {
			t.Errorf("%d of 4 are in %d pages", len(seen), pages)
		}
	})
}

func TestSessionsAreListedAndEndedByTheAPI(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		const path = "/admin/oauth2/auth/sessions/login"
		var tokens []map[string]any
		for _, subject := range []string{"jo", "jo", "kim"} {
			tokens = append(tokens, s.tokens(codeOf(t, s.browser().through(s, asking(), subject))))
		}
		if got := s.listed(path); len(got) != 3 {
			t.Errorf("all sessions: %v", got)
		}
		all := s.listed(path + "?subject=jo")
		if len(all) != 2 || all[0]["subject"] != "jo" {
			t.Fatalf("sessions of jo: %v", all)
		}
		s.ended(path + "?sid=" + text(all[0]["sid"]))
		if got := s.listed(path + "?subject=jo"); len(got) != 1 {
			t.Errorf("after one has ended: %v", got)
		}
		s.ended(path + "?subject=jo")
		s.ended(path + "?subject=nobody")
		s.ended(path + "?sid=none")
		s.wantActive("a token of the first session", tokens[0]["access_token"], false)
		s.wantActive("a token of the second session", tokens[1]["refresh_token"], false)
		s.wantActive("somebody else's", tokens[2]["access_token"], true)
		for _, bad := range []string{"", "?subject=jo&sid=x", "?subject="} {
			wantError(t, s.ask(http.MethodDelete, path+bad, ""), http.StatusBadRequest, "invalid_request")
		}
	})
}

func TestAnyTokenIsIntrospectedByTheAPI(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		b := s.browser()
		p := b.signIn(s, b.get("/oauth2/auth?"+asking().Encode()), object{"subject": "jo"})
		tokens := s.tokens(codeOf(t, b.agree(s, p, object{"grant_scope": allScopes, "session": object{"access_token": object{"tenant": 7}}})))
		const path = "/oauth2/introspect"
		said := s.submit(path, url.Values{"token": {text(tokens["access_token"])}, "token_type_hint": {"refresh_token"}}).json(t)
		wantMembers(t, said, object{
			"active": true, "token_use": "access_token", "token_type": "Bearer", "client_id": "web", "sub": "jo", "ext": object{"tenant": 7.0},
		})
		wantMembers(t, s.submit(path, url.Values{"token": {text(tokens["refresh_token"])}}).json(t), object{
			"active": true, "token_use": "refresh_token", "token_type": "Bearer", "client_id": "web", "sub": "jo",
		})
		wantMembers(t, s.userinfo(tokens["access_token"]).json(t), object{"sub": "jo", "aud": []any{"web"}, "iss": nil})
		for scope, want := range map[string]bool{"openid api": true, "openid more": false} {
			if got := s.submit(path, url.Values{"token": {text(tokens["access_token"])}, "scope": {scope}}).json(t)["active"]; got != want {
				t.Errorf("with the scopes %s: %v", scope, got)
			}
		}
		if p := s.submit("/admin"+path, url.Values{"token": {"garbage"}}); strings.TrimSpace(p.body) != `{"active":false}` || p.status != http.StatusOK {
			t.Errorf("garbage: %d %s", p.status, p.body)
		}
		wantError(t, s.submit(path, url.Values{}), http.StatusBadRequest, "invalid_request")
		wantError(t, s.ask(http.MethodPost, path, `{"token":"x"}`), http.StatusUnsupportedMediaType, "invalid_request")
		wantError(t, s.submit(path+"?token=x", url.Values{}), http.StatusBadRequest, "invalid_request")
	})
}

func TestTokensAreDeletedByTheAPI(t *testing.T) {
	eachApart(t, func(t *testing.T, s *apart) {
		t.Helper()
		const path = "/admin/oauth2/tokens"
		machine := s.call("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).json(t)["access_token"]
		by := func(subject string) (tokens map[string]any, session, grantID string) {
			t.Helper()
			tokens = s.tokens(codeOf(t, s.browser().through(s, asking(), subject)))
			list := s.listed("/oauth2/auth/sessions/consent?subject=" + subject)
			return tokens, text(list[0]["consent_request"].(object)["login_session_id"]), text(list[0]["consent_request_id"])
		}
		first, session, _ := by("jo")
		second, _, grantID := by("kim")
		third, _, _ := by("lu")
		fourth, _, _ := by("mo")
		s.ended(path + "?session=" + session)
		s.wantActive("in the session", first["access_token"], false)
		s.ended(path + "?grant=" + grantID)
		s.wantActive("under the grant", second["refresh_token"], false)
		s.ended(path + "?subject=lu&client_id=post")
		s.wantActive("of another client", third["access_token"], true)
		s.ended(path + "?subject=lu")
		s.wantActive("of the person", third["access_token"], false)
		s.wantActive("of the client itself", machine, true)
		s.wantActive("of somebody else", fourth["refresh_token"], true)
		s.pass(time.Second) // beyond the moment at which they were given
		s.ended(path + "?client_id=web")
		s.wantActive("of the client itself, afterwards", machine, false)
		s.wantActive("of the client", fourth["refresh_token"], false)
		s.ended(path + "?client_id=nobody")
		for _, bad := range []string{"", "?grant=x", "?client_id=web&grant=x", "?session=a&subject=b", "?client_id=web&client_id=web"} {
			wantError(t, s.ask(http.MethodDelete, path+bad, ""), http.StatusBadRequest, "invalid_request")
		}
		if p := s.ask(http.MethodPost, "/oauth2/flush", `{"notAfter":"2026-01-01T00:00:00Z"}`); p.status != http.StatusNoContent {
			t.Errorf("flush: %d %s", p.status, p.body)
		}
	})
}
