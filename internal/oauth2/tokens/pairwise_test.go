package tokens_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A pairwise client gets the same sub for a user everywhere, and other clients another one.
//
// Spec: OpenID Connect Core §8.
func TestPairwiseSubject(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.LegacySettings())
		const pairwise = `, "id_token_signed_response_alg": "ES256", "subject_type": "pairwise"`
		s.ImportClient(servertest.LegacyClient("pair", pairwise), servertest.LegacyClient("sealing", pairwise+`, "access_token_strategy": "opaque"`),
			strings.ReplaceAll(servertest.LegacyClient("far", pairwise), "https://client.example/", "https://far.example/"))
		b := s.NewBrowser()
		public := servertest.Text(servertest.Claims(t, s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["id_token"])["sub"])

		var own, session string
		for _, id := range []string{"pair", "sealing"} {
			as := []string{"client_id", id, "client_secret", servertest.OtherSecret}
			_, got := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", id, "response_type", "code id_token token", "resource", "https://api.example")))
			if own == "" {
				own, session = servertest.Text(servertest.Claims(t, got.Get("id_token"))["sub"]), servertest.Text(servertest.Claims(t, got.Get("id_token"))["sid"])
			}
			first := s.PostForm("/oauth2/token", servertest.CodeExchange(got.Get("code"), as...)).JSON(t)
			again := s.Refresh(first["refresh_token"], as...).JSON(t)
			inspect := func(token any, more ...string) map[string]any {
				form := url.Values{"token": {servertest.Text(token)}}
				for i := 0; i < len(more); i += 2 {
					form.Set(more[i], more[i+1])
				}
				return s.PostForm("/oauth2/introspect", form).JSON(t)
			}
			for where, said := range map[string]map[string]any{
				"ID token of the answer":                    servertest.Claims(t, got.Get("id_token")),
				"ID token of the token endpoint":            servertest.Claims(t, first["id_token"]),
				"ID token of a refresh":                     servertest.Claims(t, again["id_token"]),
				"userinfo":                                  s.Userinfo(got.Get("access_token")).JSON(t),
				"introspection by the client":               inspect(got.Get("access_token"), as...),
				"introspection by the resource":             inspect(first["access_token"]),
				"introspection of the refresh token":        inspect(again["refresh_token"], as...),
				"introspection of the token of the refresh": inspect(again["access_token"]),
			} {
				if said["sub"] != own || own == public || own == "" || said["username"] != nil {
					t.Errorf("%s, %s: sub %v, username %v; want %s", id, where, said["sub"], said["username"], own)
				}
			}
			if id == "pair" && servertest.Claims(t, got.Get("access_token"))["sub"] != own {
				t.Errorf("access token: sub %v, want %s", servertest.Claims(t, got.Get("access_token"))["sub"], own)
			}
		}
		p := b.Authorize(servertest.AuthorizationRequest("client_id", "far", "response_type", "id_token", "redirect_uri", "https://far.example/callback?keep=1"))
		_, fragment, _ := strings.Cut(p.Header.Get("Location"), "#")
		got, err := url.ParseQuery(fragment)
		if err != nil {
			t.Fatal(err)
		}
		if far := servertest.Claims(t, got.Get("id_token"))["sub"]; far == own || far == public || far == nil {
			t.Errorf("another sector: sub %v, here %s, in public %s", far, own, public)
		}
		// By a sid that all know, sectors would know their people for the same.
		inPublic := servertest.Claims(t, s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["id_token"])["sid"]
		if far := servertest.Claims(t, got.Get("id_token"))["sid"]; far == session || far == inPublic || inPublic == session || far == nil || session == "" {
			t.Errorf("another sector: sid %v, here %s, in public %v", far, session, inPublic)
		}
		if ends := b.Get("/oauth2/sessions/logout?" + url.Values{"id_token_hint": {got.Get("id_token")}}.Encode()); !strings.Contains(ends.Body, "signed out") {
			t.Errorf("a hint with such a sid does not sign out: %d\n%s", ends.Status, ends.Body)
		}
	})
}

// An attacker can register a client with the redirect URI of another sector, and get tokens by
// the device grant. These must not contain the subjects of that sector, and neither must the
// refreshed tokens after the client has removed the grant type.
func TestDeviceClientCannotLearnOtherSectorSubjects(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, servertest.LegacySettings())
		s.ImportClient(servertest.LegacyClient("pair", `, "subject_type": "pairwise"`))
		b := s.NewBrowser()
		code := b.Code(servertest.AuthorizationRequest("client_id", "pair"))
		victims := servertest.Claims(t, s.PostForm("/oauth2/token", servertest.AsPost("pair", servertest.CodeExchange(code))).JSON(t)["id_token"])["sub"]

		members := servertest.Object{
			"redirect_uris": []string{servertest.RedirectURI}, "grant_types": []string{"authorization_code", "refresh_token", servertest.DeviceGrant},
			"subject_type": "pairwise", "token_endpoint_auth_method": "none", "scope": "openid offline_access", "subject_sector": "host",
		}
		made := s.Call(t, http.MethodPost, "/connect/register", "", encoded(t, members)).JSON(t)
		id := servertest.Text(made["client_id"])
		d := servertest.AuthorizeDevice(s, servertest.Form("client_id", id, "scope", "openid offline_access"))
		if p := b.Follow(b.EnterUserCode(d, "continue")); p.Status != http.StatusOK {
			t.Fatalf("the way ends at %d %s\n%s", p.Status, p.Location(), p.Body)
		}
		tokens := d.Poll().JSON(t)
		own := servertest.Claims(t, tokens["id_token"])["sub"]
		if own == nil || own == victims {
			t.Errorf("the device's sub is %v, the other sector's %v", own, victims)
		}

		members["grant_types"] = []string{"authorization_code", "refresh_token"}
		members["client_id"] = id
		at := strings.TrimPrefix(servertest.Text(made["registration_client_uri"]), s.URL)
		if p := s.Call(t, http.MethodPut, at, servertest.Text(made["registration_access_token"]), encoded(t, members)); p.Status != http.StatusOK {
			t.Fatalf("update: %d %s", p.Status, p.Body)
		}
		s.Advance(3 * time.Second)
		later := s.PostForm("/oauth2/token", servertest.Form("client_id", id, "grant_type", "refresh_token", "refresh_token", servertest.Text(tokens["refresh_token"]))).JSON(t)
		for where, sub := range map[string]any{
			"ID token": servertest.Claims(t, later["id_token"])["sub"], "access token": servertest.Claims(t, later["access_token"])["sub"],
			"userinfo": s.Userinfo(tokens["access_token"]).JSON(t)["sub"],
		} {
			if sub != own {
				t.Errorf("%s after the grant was given up: sub %v, want still %v", where, sub, own)
			}
		}
	})
}

// encoded returns an object as JSON.
func encoded(tb testing.TB, o servertest.Object) string {
	tb.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// id_token_hint and requested sub values of a pairwise client are its own subjects.
func TestPairwiseSubjectInHintAndClaimsParameter(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("pair", `, "subject_type": "pairwise"`), servertest.LegacyClient("other", ""))
	b := s.NewBrowser()
	public := servertest.Text(servertest.Claims(t, s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["id_token"])["sub"])
	_, got := servertest.AuthorizationResponse(t, b.Authorize(servertest.AuthorizationRequest("client_id", "pair", "response_type", "id_token")))
	hint := got.Get("id_token")
	own := servertest.Text(servertest.Claims(t, hint)["sub"])
	s.Advance(time.Hour / 2) // the hint has expired, the session has not

	sub := func(value string) string { return `{"id_token":{"sub":{"value":"` + value + `"}}}` }
	for name, tc := range map[string]struct {
		changes []string
		want    string
	}{
		"what only we write":           {[]string{"ostiary_subject", "bob", "ostiary_consent", "openid"}, ""},
		"a hint":                       {[]string{"id_token_hint", hint}, ""},
		"its own name for the person":  {[]string{"claims", sub(own)}, ""},
		"the name that others know":    {[]string{"claims", sub(public)}, "login_required"},
		"the hint of another client":   {[]string{"client_id", "other", "id_token_hint", hint}, "invalid_request"},
		"the name of another client's": {[]string{"client_id", "other", "claims", sub(own)}, "login_required"},
	} {
		form := servertest.AuthorizationRequest(append([]string{"client_id", "pair", "response_type", "id_token", "prompt", "none"}, tc.changes...)...)
		if _, got := servertest.AuthorizationResponse(t, b.Get("/oauth2/auth?"+form.Encode())); got.Get("error") != tc.want {
			t.Errorf("%s: error %q, want %q", name, got.Get("error"), tc.want)
		}
	}

	// Another user who signs in on the login page does not satisfy the hint either.
	page := b.Get(b.Get("/oauth2/auth?" + servertest.AuthorizationRequest("client_id", "pair", "response_type", "id_token", "prompt", "login", "id_token_hint", hint).Encode()).Header.Get("Location"))
	p := b.Post(page.FormAction(), url.Values{"request": {page.HiddenField("request")}, "username": {"bob"}, "password": {servertest.Password}})
	if p = b.Get(p.Header.Get("Location")); !strings.HasPrefix(p.Header.Get("Location"), s.URL+"/login") {
		t.Errorf("after somebody else signed in: %d to %q, want the sign-in page again", p.Status, p.Header.Get("Location"))
	}
	if _, got := servertest.AuthorizationResponse(t, b.Follow(p)); servertest.Text(servertest.Claims(t, got.Get("id_token"))["sub"]) != own {
		t.Errorf("after the right person signed in: %v", got)
	}
}
