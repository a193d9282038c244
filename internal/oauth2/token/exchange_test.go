package token_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const typeOf = servertest.TokenTypes

// exchangeServer is a server with the client svc, and the tokens of a user for the client web that are for the
// resource that svc serves.
func exchangeServer(t *testing.T, db *store.Store, policy string) (s *servertest.Server, b *servertest.Browser, user map[string]any) {
	t.Helper()
	s = servertest.Start(t, db, nil)
	servertest.AddExchangeClient(s, policy, "")
	b = s.NewBrowser()
	return s, b, userTokens(b, s)
}

func userTokens(b *servertest.Browser, s *servertest.Server, pairs ...string) map[string]any {
	s.TB.Helper()
	pairs = append([]string{"resource", "https://api.example", "scope", "openid profile offline_access api"}, pairs...)
	return s.PostForm("/oauth2/token", servertest.CodeExchange(b.Code(servertest.AuthorizationRequest(pairs...)))).JSON(s.TB)
}

func introspect(s *servertest.Server, token any) map[string]any {
	s.TB.Helper()
	return s.PostForm("/oauth2/introspect", servertest.AsPost("svc", url.Values{"token": {servertest.Text(token)}})).JSON(s.TB)
}

// wantExchanged returns the response to an exchange that must succeed.
func wantExchanged(t *testing.T, p servertest.Response) map[string]any {
	t.Helper()
	if p.Status != http.StatusOK {
		t.Fatalf("exchange: %d %s", p.Status, p.Body)
	}
	return p.JSON(t)
}

// A service gets a token for another service on behalf of the user, which says so everywhere.
func TestTokenExchange(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, _, user := exchangeServer(t, db, servertest.ExchangePolicy)
		ada := servertest.SubjectOf(t, s, "ada")
		p := s.Exchange(user["access_token"])
		got := wantExchanged(t, p)
		servertest.WantMembers(t, got, servertest.Object{
			"token_type": "Bearer", "issued_token_type": typeOf + "access_token", "scope": "profile api", "refresh_token": nil, "id_token": nil,
		})
		if p.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("the response may be cached: %q", p.Header.Get("Cache-Control"))
		}
		act := map[string]any{"sub": "svc"}
		servertest.WantMembers(t, servertest.Claims(t, got["access_token"]), servertest.Object{
			"sub": ada, "client_id": "svc", "aud": []any{"https://down.example"}, "act": act, "scope": "profile api", "acr": "1", "sid": nil,
		})
		claims := introspect(s, got["access_token"])
		servertest.WantMembers(t, claims, servertest.Object{"active": true, "sub": ada, "client_id": "svc", "act": act, "username": "ada"})

		// Narrower still, as a JWT by name, and shorter than the token that it came from.
		s.Advance(5 * time.Minute)
		got = wantExchanged(t, s.Exchange(user["access_token"], "scope", "api openid", "requested_token_type", typeOf+"jwt", "audience", "https://down.example"))
		servertest.WantMembers(t, got, servertest.Object{"scope": "api", "issued_token_type": typeOf + "jwt", "token_type": "Bearer"})
		if ends, before := servertest.Claims(t, got["access_token"])["exp"], servertest.Claims(t, user["access_token"])["exp"]; ends != before {
			t.Errorf("the new token ends at %v, the subject token at %v", ends, before)
		}

		// The audit log has one event of each.
		list, err := db.Audit.ListEvents(t.Context(), audit.Filter{Action: "token.exchange"}, "", 10)
		servertest.Must(t, err)
		if len(list) != 2 {
			t.Fatalf("%d audit events, want 2", len(list))
		}
		e := list[0]
		const want = "from: web; actors: svc; for: https://down.example; scope: api; dropped: openid profile offline_access"
		if e.Target != ada || e.Actor.ID != "svc" || e.Detail != want || e.Address == "" || e.RequestID == "" || e.Outcome != audit.Done {
			t.Errorf("audit event %+v, want %q about %s", e, want, ada)
		}
	})
}

// The table of wrong requests: each has its error, and issues nothing.
func TestTokenExchangeIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b, user := exchangeServer(t, db, servertest.ExchangePolicy)
		s.ImportClient(`{"client_id": "bare", "client_secret": "` + servertest.OtherSecret + `", "token_endpoint_auth_method": "client_secret_post",
			"grant_types": ["` + servertest.ExchangeGrant + `"], "scope": "api"}`)
		token := user["access_token"]
		elsewhere := userTokens(b, s, "resource", "https://other.example")["access_token"]
		forIssuer := userTokens(b, s, "resource", "")["access_token"]
		post := s.PostForm("/oauth2/token", servertest.AsPost("post", url.Values{"grant_type": {"client_credentials"}})).JSON(t)
		for name, tc := range map[string]struct {
			form url.Values
			code string
		}{
			"no subject token":              {servertest.ExchangeForm(token, "subject_token", ""), "invalid_request"},
			"no type":                       {servertest.ExchangeForm(token, "subject_token_type", ""), "invalid_request"},
			"a SAML assertion":              {servertest.ExchangeForm(token, "subject_token_type", typeOf+"saml2"), "invalid_request"},
			"an unknown type":               {servertest.ExchangeForm(token, "subject_token_type", "access_token"), "invalid_request"},
			"garbage":                       {servertest.ExchangeForm("garbage"), "invalid_request"},
			"a changed token":               {servertest.ExchangeForm(servertest.Text(token) + "x"), "invalid_request"},
			"a line break in it":            {servertest.ExchangeForm(strings.Replace(servertest.Text(token), ".", ".\n", 1)), "invalid_request"},
			"an ID token as access token":   {servertest.ExchangeForm(user["id_token"]), "invalid_request"},
			"an access token as ID token":   {servertest.ExchangeForm(token, "subject_token_type", typeOf+"id_token"), "invalid_request"},
			"a refresh token as access":     {servertest.ExchangeForm(user["refresh_token"]), "invalid_request"},
			"an access token as refresh":    {servertest.ExchangeForm(token, "subject_token_type", typeOf+"refresh_token"), "invalid_request"},
			"the refresh token of another":  {servertest.ExchangeForm(user["refresh_token"], "subject_token_type", typeOf+"refresh_token"), "invalid_request"},
			"the ID token of another":       {servertest.ExchangeForm(user["id_token"], "subject_token_type", typeOf+"id_token"), "invalid_request"},
			"a JWT of nobody":               {servertest.ExchangeForm("a.b.c", "subject_token_type", typeOf+"jwt"), "invalid_request"},
			"a token for another resource":  {servertest.ExchangeForm(elsewhere), "invalid_request"},
			"a token for the issuer":        {servertest.ExchangeForm(forIssuer), "invalid_request"},
			"a client that is not named":    {servertest.ExchangeForm(post["access_token"]), "invalid_request"},
			"another resource":              {servertest.ExchangeForm(token, "resource", "https://other.example"), "invalid_target"},
			"another audience":              {servertest.ExchangeForm(token, "audience", "web"), "invalid_target"},
			"one that is allowed, and one":  {with(servertest.ExchangeForm(token), "resource", "https://down.example", "https://other.example"), "invalid_target"},
			"more scope than the subject":   {servertest.ExchangeForm(userTokens(b, s, "scope", "openid profile")["access_token"], "scope", "api"), "invalid_scope"},
			"more scope than the client":    {servertest.ExchangeForm(token, "scope", "api email"), "invalid_scope"},
			"an unknown scope":              {servertest.ExchangeForm(token, "scope", "nothing"), "invalid_scope"},
			"a refresh token":               {servertest.ExchangeForm(token, "requested_token_type", typeOf+"refresh_token"), "invalid_request"},
			"an unknown requested type":     {servertest.ExchangeForm(token, "requested_token_type", "x"), "invalid_request"},
			"an actor type without a token": {servertest.ExchangeForm(token, "actor_token_type", typeOf+"access_token"), "invalid_request"},
			"an actor token without a type": {servertest.ExchangeForm(token, "actor_token", servertest.Text(token)), "invalid_request"},
			"an actor of another client":    {servertest.ExchangeForm(token, "actor_token", servertest.Text(token), "actor_token_type", typeOf+"access_token"), "invalid_request"},
			"two subject tokens":            {with(servertest.ExchangeForm(token), "subject_token", servertest.Text(token), "x"), "invalid_request"},
			"a client without a policy":     {servertest.ExchangeForm(token, "client_id", "bare"), "unauthorized_client"},
			"a wrong secret":                {servertest.ExchangeForm(token, "client_secret", "wrong"), "invalid_client"},
		} {
			p := s.PostForm("/oauth2/token", tc.form)
			status := http.StatusBadRequest
			if tc.code == "invalid_client" {
				status = http.StatusUnauthorized
			}
			if p.Status != status || p.JSON(t)["error"] != tc.code {
				t.Errorf("%s: %d %s, want %s", name, p.Status, p.Body, tc.code)
			}
		}
		servertest.WantError(t, s.PostForm("/oauth2/token", url.Values{"grant_type": {servertest.ExchangeGrant}, "subject_token": {servertest.Text(token)}}), 400, "unauthorized_client")
		list, err := db.Audit.ListEvents(t.Context(), audit.Filter{Action: "token.exchange"}, "", 10)
		if err != nil || len(list) > 0 {
			t.Errorf("%d audit events, %v, want none", len(list), err)
		}
		s.Advance(10 * time.Minute)
		servertest.WantError(t, s.Exchange(token), 400, "invalid_request")
	})
}
