package admin_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

// submit posts a form to the admin API.
func submit(s *servertest.AppServer, path string, form url.Values) servertest.Response {
	s.TB.Helper()
	r, err := http.NewRequestWithContext(s.TB.Context(), http.MethodPost, s.AdminURL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.TB.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	p := servertest.Send(s.TB, http.DefaultClient, r)
	s.Document.Check(s.TB, http.MethodPost, path, p)
	return p
}

// ended sends DELETE and requires success.
func ended(s *servertest.AppServer, path string) {
	s.TB.Helper()
	if p := s.CallAdmin(http.MethodDelete, path, ""); p.Status != http.StatusNoContent {
		s.TB.Errorf("DELETE %s: %d %s", path, p.Status, p.Body)
	}
}

func wantActive(s *servertest.AppServer, what string, token any, want bool) {
	s.TB.Helper()
	p := submit(s, "/admin/oauth2/introspect", url.Values{"token": {servertest.Text(token)}})
	if got := p.JSON(s.TB)["active"]; p.Status != http.StatusOK || got != want {
		s.TB.Errorf("%s is active: %v, want %v\n%s", what, got, want, p.Body)
	}
}

func TestListAndRevokeConsents(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		const list = "/admin/oauth2/auth/sessions/consent"
		if got := listed(s, list+"?subject=nobody"); len(got) != 0 {
			t.Errorf("nobody allows %v", got)
		}
		b := s.NewBrowser()
		once := s.ExchangeCode(servertest.CodeOf(t, b.AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")))
		got := listed(s, list+"?subject=jo")
		if len(got) != 1 {
			t.Fatalf("without remembering: %v", got)
		}
		servertest.WantMembers(t, got[0], servertest.Object{"remember": false, "grant_scope": []any{"openid", "offline_access", "api"}})
		servertest.WantMembers(t, got[0]["consent_request"].(servertest.Object), servertest.Object{"subject": "jo", "skip": false})
		session := servertest.Text(got[0]["consent_request"].(servertest.Object)["login_session_id"])

		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode()), servertest.Object{"subject": "jo", "remember": true})
		kept := s.ExchangeCode(servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{
			"grant_scope": servertest.AllScopes, "remember": true, "remember_for": 3600, "session": servertest.Object{"id_token": servertest.Object{"a": 1}},
		})))
		got = listed(s, list+"?subject=jo")
		if len(got) != 1 {
			t.Fatalf("with remembering: %v", got)
		}
		servertest.WantMembers(t, got[0], servertest.Object{"remember": true, "remember_for": 3600.0})
		if claims := got[0]["session"].(servertest.Object)["id_token"].(servertest.Object); claims["a"] != 1.0 {
			t.Errorf("what is kept for ID tokens: %v", claims)
		}
		if got := listed(s, list+"?subject=jo&login_session_id="+session); len(got) != 2 || got[0]["remember"] != false { // the same session
			t.Errorf("in the first session: %v", got)
		}
		if got := listed(s, list+"?subject=jo&limit=1&offset=1"); len(got) != 0 {
			t.Errorf("after the first: %v", got)
		}
		ended(s, list+"?consent_request_id="+servertest.Text(got[0]["consent_request_id"]))
		for what, tokens := range map[string]map[string]any{"of before": once, "of the remembered consent": kept} {
			wantActive(s, "an access token "+what, tokens["access_token"], false)
			wantActive(s, "a refresh token "+what, tokens["refresh_token"], false)
		}

		for _, choose := range []string{"?subject=jo&client=web", "?subject=jo&all=true"} {
			tokens := s.ExchangeCode(servertest.CodeOf(t, s.NewBrowser().AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")))
			others := s.ExchangeCode(servertest.CodeOf(t, s.NewBrowser().AuthorizeByApps(s, servertest.AuthorizationRequest(), "kim")))
			ended(s, list+choose)
			wantActive(s, "what was revoked", tokens["access_token"], false)
			wantActive(s, "what is another's", others["access_token"], true)
			ended(s, list+choose)
		}
		// By the ID of the request that the consent app answered, and by its consent
		// challenge.
		for _, name := range []func(p servertest.Response) string{
			func(p servertest.Response) string { return s.ConsentChallenge(p)[:31] }, s.ConsentChallenge,
			func(servertest.Response) string { return "nothing" }, func(servertest.Response) string { return strings.Repeat("0", 32) },
			func(servertest.Response) string {
				return "c." + base64.RawURLEncoding.EncodeToString([]byte("jo\x00\x00"))
			}, // an invalid ID, with no client
		} {
			b := s.NewBrowser()
			p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode()), servertest.Object{"subject": "jo"})
			id := name(p)
			tokens := s.ExchangeCode(servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{"grant_scope": servertest.AllScopes})))
			ended(s, list+"?consent_request_id="+id)
			wantActive(s, "of "+id, tokens["refresh_token"], id == "nothing" || strings.HasPrefix(id, "00000") || strings.HasPrefix(id, "c."))
		}
		for _, bad := range []string{"", "?client=web", "?subject=jo", "?subject=jo&client=web&all=true", "?all=true", "?subject=jo&consent_request_id=x", "?subject=jo&all=false"} {
			servertest.WantError(t, s.CallAdmin(http.MethodDelete, list+bad, ""), http.StatusBadRequest, "invalid_request")
		}
		for _, bad := range []string{"", "?subject=", "?subject=jo&page_token=x", "?subject=jo&offset=x", "?subject=jo&offset=10001"} {
			servertest.WantError(t, s.CallAdmin(http.MethodGet, list+bad, ""), http.StatusBadRequest, "invalid_request")
		}
	})
}

func TestConsentListPaging(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		for range 3 {
			s.NewBrowser().AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")
		}
		b := s.NewBrowser()
		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest("client_id", "post").Encode()), servertest.Object{"subject": "jo"})
		b.ConsentByApp(s, p, servertest.Object{"grant_scope": []string{"openid"}, "remember": true})
		seen := map[any]bool{}
		pages := 0
		for at := "/oauth2/auth/sessions/consent?subject=jo&page_size=2"; at != ""; pages++ {
			p := s.CallAdmin(http.MethodGet, at, "")
			for _, one := range listed(s, at) {
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

func TestListAndRevokeSessions(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		const path = "/admin/oauth2/auth/sessions/login"
		var tokens []map[string]any
		for _, subject := range []string{"jo", "jo", "kim"} {
			tokens = append(tokens, s.ExchangeCode(servertest.CodeOf(t, s.NewBrowser().AuthorizeByApps(s, servertest.AuthorizationRequest(), subject))))
		}
		if got := listed(s, path); len(got) != 3 {
			t.Errorf("all sessions: %v", got)
		}
		all := listed(s, path+"?subject=jo")
		if len(all) != 2 || all[0]["subject"] != "jo" {
			t.Fatalf("sessions of jo: %v", all)
		}
		ended(s, path+"?sid="+servertest.Text(all[0]["sid"]))
		if got := listed(s, path+"?subject=jo"); len(got) != 1 {
			t.Errorf("after one has ended: %v", got)
		}
		ended(s, path+"?subject=jo")
		ended(s, path+"?subject=nobody")
		ended(s, path+"?sid=none")
		wantActive(s, "a token of the first session", tokens[0]["access_token"], false)
		wantActive(s, "a token of the second session", tokens[1]["refresh_token"], false)
		wantActive(s, "somebody else's", tokens[2]["access_token"], true)
		for _, bad := range []string{"", "?subject=jo&sid=x", "?subject="} {
			servertest.WantError(t, s.CallAdmin(http.MethodDelete, path+bad, ""), http.StatusBadRequest, "invalid_request")
		}
	})
}

func TestIntrospectAnyToken(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		b := s.NewBrowser()
		p := b.SignInByApp(s, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest().Encode()), servertest.Object{"subject": "jo"})
		tokens := s.ExchangeCode(servertest.CodeOf(t, b.ConsentByApp(s, p, servertest.Object{"grant_scope": servertest.AllScopes, "session": servertest.Object{"access_token": servertest.Object{"tenant": 7}}})))
		const path = "/oauth2/introspect"
		response := submit(s, path, url.Values{"token": {servertest.Text(tokens["access_token"])}, "token_type_hint": {"refresh_token"}}).JSON(t)
		servertest.WantMembers(t, response, servertest.Object{
			"active": true, "token_use": "access_token", "token_type": "Bearer", "client_id": "web", "sub": "jo", "ext": servertest.Object{"tenant": 7.0},
		})
		servertest.WantMembers(t, submit(s, path, url.Values{"token": {servertest.Text(tokens["refresh_token"])}}).JSON(t), servertest.Object{
			"active": true, "token_use": "refresh_token", "token_type": "Bearer", "client_id": "web", "sub": "jo",
		})
		servertest.WantMembers(t, s.Userinfo(tokens["access_token"]).JSON(t), servertest.Object{"sub": "jo", "aud": []any{"web"}, "iss": nil})
		for scope, want := range map[string]bool{"openid api": true, "openid more": false} {
			if got := submit(s, path, url.Values{"token": {servertest.Text(tokens["access_token"])}, "scope": {scope}}).JSON(t)["active"]; got != want {
				t.Errorf("with the scopes %s: %v", scope, got)
			}
		}
		if p := submit(s, "/admin"+path, url.Values{"token": {"garbage"}}); strings.TrimSpace(p.Body) != `{"active":false}` || p.Status != http.StatusOK {
			t.Errorf("garbage: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, submit(s, path, url.Values{}), http.StatusBadRequest, "invalid_request")
		servertest.WantError(t, s.CallAdmin(http.MethodPost, path, `{"token":"x"}`), http.StatusUnsupportedMediaType, "invalid_request")
		servertest.WantError(t, submit(s, path+"?token=x", url.Values{}), http.StatusBadRequest, "invalid_request")
	})
}

func TestDeleteClientTokens(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		const path = "/admin/oauth2/tokens"
		machine := s.PostForm("/oauth2/token", url.Values{"grant_type": {"client_credentials"}}).JSON(t)["access_token"]
		by := func(subject string) (tokens map[string]any, session, grantID string) {
			t.Helper()
			tokens = s.ExchangeCode(servertest.CodeOf(t, s.NewBrowser().AuthorizeByApps(s, servertest.AuthorizationRequest(), subject)))
			list := listed(s, "/oauth2/auth/sessions/consent?subject="+subject)
			return tokens, servertest.Text(list[0]["consent_request"].(servertest.Object)["login_session_id"]), servertest.Text(list[0]["consent_request_id"])
		}
		first, session, _ := by("jo")
		second, _, grantID := by("kim")
		third, _, _ := by("lu")
		fourth, _, _ := by("mo")
		ended(s, path+"?session="+session)
		wantActive(s, "in the session", first["access_token"], false)
		ended(s, path+"?grant="+grantID)
		wantActive(s, "under the grant", second["refresh_token"], false)
		ended(s, path+"?subject=lu&client_id=post")
		wantActive(s, "of another client", third["access_token"], true)
		ended(s, path+"?subject=lu")
		wantActive(s, "of the person", third["access_token"], false)
		wantActive(s, "of the client itself", machine, true)
		wantActive(s, "of somebody else", fourth["refresh_token"], true)
		s.Advance(time.Second) // later than the grants were created
		ended(s, path+"?client_id=web")
		wantActive(s, "of the client itself, afterwards", machine, false)
		wantActive(s, "of the client", fourth["refresh_token"], false)
		ended(s, path+"?client_id=nobody")
		for _, bad := range []string{"", "?grant=x", "?client_id=web&grant=x", "?session=a&subject=b", "?client_id=web&client_id=web"} {
			servertest.WantError(t, s.CallAdmin(http.MethodDelete, path+bad, ""), http.StatusBadRequest, "invalid_request")
		}
		if p := s.CallAdmin(http.MethodPost, "/oauth2/flush", `{"notAfter":"2026-01-01T00:00:00Z"}`); p.Status != http.StatusNoContent {
			t.Errorf("flush: %d %s", p.Status, p.Body)
		}
	})
}
