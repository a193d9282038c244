package servertest

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// submit posts a form to the administrators' API.
func (s *AppServer) submit(path string, form url.Values) Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), http.MethodPost, s.AdminURL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.TB.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	p := Send(s.TB, http.DefaultClient, r)
	s.Document.Check(s.TB, http.MethodPost, path, p)
	return p
}

// ended deletes, which must go well.
func (s *AppServer) ended(path string) {
	s.TB.Helper()
	if p := s.CallAdmin(http.MethodDelete, path, ""); p.Status != http.StatusNoContent {
		s.TB.Errorf("DELETE %s: %d %s", path, p.Status, p.Body)
	}
}

func (s *AppServer) wantActive(what string, token any, want bool) {
	s.TB.Helper()
	p := s.submit("/admin/oauth2/introspect", url.Values{"token": {Text(token)}})
	if got := p.JSON(s.TB)["active"]; p.Status != http.StatusOK || got != want {
		s.TB.Errorf("%s is active: %v, want %v\n%s", what, got, want, p.Body)
	}
}

func TestConsentsAreListedAndRevokedByTheAPI(t *testing.T) {
	EachAppServer(t, func(t *testing.T, s *AppServer) {
		t.Helper()
		const list = "/admin/oauth2/auth/sessions/consent"
		if got := s.listed(list + "?subject=nobody"); len(got) != 0 {
			t.Errorf("nobody allows %v", got)
		}
		b := s.NewBrowser()
		once := s.ExchangeCode(CodeOf(t, b.AuthorizeByApps(s, AuthorizationRequest(), "jo")))
		got := s.listed(list + "?subject=jo")
		if len(got) != 1 {
			t.Fatalf("without remembering: %v", got)
		}
		WantMembers(t, got[0], Object{"remember": false, "grant_scope": []any{"openid", "offline_access", "api"}})
		WantMembers(t, got[0]["consent_request"].(Object), Object{"subject": "jo", "skip": false})
		session := Text(got[0]["consent_request"].(Object)["login_session_id"])

		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+AuthorizationRequest().Encode()), Object{"subject": "jo", "remember": true})
		kept := s.ExchangeCode(CodeOf(t, b.ConsentByApp(s, p, Object{
			"grant_scope": AllScopes, "remember": true, "remember_for": 3600, "session": Object{"id_token": Object{"a": 1}},
		})))
		got = s.listed(list + "?subject=jo")
		if len(got) != 1 {
			t.Fatalf("with remembering: %v", got)
		}
		WantMembers(t, got[0], Object{"remember": true, "remember_for": 3600.0})
		if claims := got[0]["session"].(Object)["id_token"].(Object); claims["a"] != 1.0 {
			t.Errorf("what is kept for ID tokens: %v", claims)
		}
		if got := s.listed(list + "?subject=jo&login_session_id=" + session); len(got) != 2 || got[0]["remember"] != false { // it is the same browser
			t.Errorf("in the first session: %v", got)
		}
		if got := s.listed(list + "?subject=jo&limit=1&offset=1"); len(got) != 0 {
			t.Errorf("after the first: %v", got)
		}
		s.ended(list + "?consent_request_id=" + Text(got[0]["consent_request_id"]))
		for what, tokens := range map[string]map[string]any{"of before": once, "of the remembered consent": kept} {
			s.wantActive("an access token "+what, tokens["access_token"], false)
			s.wantActive("a refresh token "+what, tokens["refresh_token"], false)
		}

		for _, choose := range []string{"?subject=jo&client=web", "?subject=jo&all=true"} {
			tokens := s.ExchangeCode(CodeOf(t, s.NewBrowser().AuthorizeByApps(s, AuthorizationRequest(), "jo")))
			others := s.ExchangeCode(CodeOf(t, s.NewBrowser().AuthorizeByApps(s, AuthorizationRequest(), "kim")))
			s.ended(list + choose)
			s.wantActive("what was revoked", tokens["access_token"], false)
			s.wantActive("what is another's", others["access_token"], true)
			s.ended(list + choose)
		}
		// By the request that the consent app answered, and by the challenge it had.
		for _, name := range []func(p Response) string{
			func(p Response) string { return s.ConsentChallenge(p)[:31] }, s.ConsentChallenge,
			func(Response) string { return "nothing" }, func(Response) string { return strings.Repeat("0", 32) },
			func(Response) string { return "c." + base64.RawURLEncoding.EncodeToString([]byte("jo\x00\x00")) }, // of all clients, as it were
		} {
			b := s.NewBrowser()
			p := b.SignInByApp(s, b.Get("/oauth2/auth?"+AuthorizationRequest().Encode()), Object{"subject": "jo"})
			id := name(p)
			tokens := s.ExchangeCode(CodeOf(t, b.ConsentByApp(s, p, Object{"grant_scope": AllScopes})))
			s.ended(list + "?consent_request_id=" + id)
			s.wantActive("of "+id, tokens["refresh_token"], id == "nothing" || strings.HasPrefix(id, "00000") || strings.HasPrefix(id, "c."))
		}
		for _, bad := range []string{"", "?client=web", "?subject=jo", "?subject=jo&client=web&all=true", "?all=true", "?subject=jo&consent_request_id=x", "?subject=jo&all=false"} {
			WantError(t, s.CallAdmin(http.MethodDelete, list+bad, ""), http.StatusBadRequest, "invalid_request")
		}
		for _, bad := range []string{"", "?subject=", "?subject=jo&page_token=x", "?subject=jo&offset=x", "?subject=jo&offset=10001"} {
			WantError(t, s.CallAdmin(http.MethodGet, list+bad, ""), http.StatusBadRequest, "invalid_request")
		}
	})
}

func TestConsentsAreListedInParts(t *testing.T) {
	EachAppServer(t, func(t *testing.T, s *AppServer) {
		t.Helper()
		for range 3 {
			s.NewBrowser().AuthorizeByApps(s, AuthorizationRequest(), "jo")
		}
		b := s.NewBrowser()
		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+AuthorizationRequest("client_id", "post").Encode()), Object{"subject": "jo"})
		b.ConsentByApp(s, p, Object{"grant_scope": []string{"openid"}, "remember": true})
		seen := map[any]bool{}
		pages := 0
		for at := "/oauth2/auth/sessions/consent?subject=jo&page_size=2"; at != ""; pages++ {
			p := s.CallAdmin(http.MethodGet, at, "")
			for _, one := range s.listed(at) {
				seen[one["consent_request_id"]] = true
			}
			at = ""
			for _, link := range p.Header.Values("Link") {
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
	EachAppServer(t, func(t *testing.T, s *AppServer) {
		t.Helper()
		const path = "/admin/oauth2/auth/sessions/login"
		var tokens []map[string]any
		for _, subject := range []string{"jo", "jo", "kim"} {
			tokens = append(tokens, s.ExchangeCode(CodeOf(t, s.NewBrowser().AuthorizeByApps(s, AuthorizationRequest(), subject))))
		}
		if got := s.listed(path); len(got) != 3 {
			t.Errorf("all sessions: %v", got)
		}
		all := s.listed(path + "?subject=jo")
		if len(all) != 2 || all[0]["subject"] != "jo" {
			t.Fatalf("sessions of jo: %v", all)
		}
		s.ended(path + "?sid=" + Text(all[0]["sid"]))
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
			WantError(t, s.CallAdmin(http.MethodDelete, path+bad, ""), http.StatusBadRequest, "invalid_request")
		}
	})
}

func TestAnyTokenIsIntrospectedByTheAPI(t *testing.T) {
	EachAppServer(t, func(t *testing.T, s *AppServer) {
		t.Helper()
		b := s.NewBrowser()
		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+AuthorizationRequest().Encode()), Object{"subject": "jo"})
		tokens := s.ExchangeCode(CodeOf(t, b.ConsentByApp(s, p, Object{"grant_scope": AllScopes, "session": Object{"access_token": Object{"tenant": 7}}})))
		const path = "/oauth2/introspect"
		said := s.submit(path, url.Values{"token": {Text(tokens["access_token"])}, "token_type_hint": {"refresh_token"}}).JSON(t)
		WantMembers(t, said, Object{
			"active": true, "token_use": "access_token", "token_type": "Bearer", "client_id": "web", "sub": "jo", "ext": Object{"tenant": 7.0},
		})
		WantMembers(t, s.submit(path, url.Values{"token": {Text(tokens["refresh_token"])}}).JSON(t), Object{
			"active": true, "token_use": "refresh_token", "token_type": "Bearer", "client_id": "web", "sub": "jo",
		})
		WantMembers(t, s.Userinfo(tokens["access_token"]).JSON(t), Object{"sub": "jo", "aud": []any{"web"}, "iss": nil})
		for scope, want := range map[string]bool{"openid api": true, "openid more": false} {
			if got := s.submit(path, url.Values{"token": {Text(tokens["access_token"])}, "scope": {scope}}).JSON(t)["active"]; got != want {
				t.Errorf("with the scopes %s: %v", scope, got)
			}
		}
		if p := s.submit("/admin"+path, url.Values{"token": {"garbage"}}); strings.TrimSpace(p.Body) != `{"active":false}` || p.Status != http.StatusOK {
			t.Errorf("garbage: %d %s", p.Status, p.Body)
		}
		WantError(t, s.submit(path, url.Values{}), http.StatusBadRequest, "invalid_request")
		WantError(t, s.CallAdmin(http.MethodPost, path, `{"token":"x"}`), http.StatusUnsupportedMediaType, "invalid_request")
		WantError(t, s.submit(path+"?token=x", url.Values{}), http.StatusBadRequest, "invalid_request")
	})
}

func TestTokensAreDeletedByTheAPI(t *testing.T) {
	EachAppServer(t, func(t *testing.T, s *AppServer) {
		t.Helper()
		const path = "/admin/oauth2/tokens"
		machine := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).JSON(t)["access_token"]
		by := func(subject string) (tokens map[string]any, session, grantID string) {
			t.Helper()
			tokens = s.ExchangeCode(CodeOf(t, s.NewBrowser().AuthorizeByApps(s, AuthorizationRequest(), subject)))
			list := s.listed("/oauth2/auth/sessions/consent?subject=" + subject)
			return tokens, Text(list[0]["consent_request"].(Object)["login_session_id"]), Text(list[0]["consent_request_id"])
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
		s.Advance(time.Second) // beyond the moment at which they were given
		s.ended(path + "?client_id=web")
		s.wantActive("of the client itself, afterwards", machine, false)
		s.wantActive("of the client", fourth["refresh_token"], false)
		s.ended(path + "?client_id=nobody")
		for _, bad := range []string{"", "?grant=x", "?client_id=web&grant=x", "?session=a&subject=b", "?client_id=web&client_id=web"} {
			WantError(t, s.CallAdmin(http.MethodDelete, path+bad, ""), http.StatusBadRequest, "invalid_request")
		}
		if p := s.CallAdmin(http.MethodPost, "/oauth2/flush", `{"notAfter":"2026-01-01T00:00:00Z"}`); p.Status != http.StatusNoContent {
			t.Errorf("flush: %d %s", p.Status, p.Body)
		}
	})
}
