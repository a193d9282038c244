package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A pairwise client hears of a person under one name wherever it looks, which is
// not the one that others hear (OpenID Connect Core section 8).
func TestAPairwiseClientKnowsAPersonUnderANameOfItsOwn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, legacy())
		const pairwise = `, "id_token_signed_response_alg": "ES256", "subject_type": "pairwise"`
		s.bring(legacyClient("pair", pairwise), legacyClient("sealing", pairwise+`, "access_token_strategy": "opaque"`),
			strings.ReplaceAll(legacyClient("far", pairwise), "https://client.example/", "https://far.example/"))
		b := s.browser()
		public := text(claims(t, s.tokens(b.code(asking()))["id_token"])["sub"])

		var own, session string
		for _, id := range []string{"pair", "sealing"} {
			as := []string{"client_id", id, "client_secret", otherSecret}
			_, got := answered(t, b.authorize(asking("client_id", id, "response_type", "code id_token token", "resource", "https://api.example")))
			if own == "" {
				own, session = text(claims(t, got.Get("id_token"))["sub"]), text(claims(t, got.Get("id_token"))["sid"])
			}
			first := s.call("/oauth2/token", exchanging(got.Get("code"), as...)).json(t)
			again := s.refresh(first["refresh_token"], as...).json(t)
			inspect := func(token any, more ...string) map[string]any {
				form := url.Values{"token": {text(token)}}
				for i := 0; i < len(more); i += 2 {
					form.Set(more[i], more[i+1])
				}
				return s.call("/oauth2/introspect", form).json(t)
			}
			for where, said := range map[string]map[string]any{
				"ID token of the answer":                    claims(t, got.Get("id_token")),
				"ID token of the token endpoint":            claims(t, first["id_token"]),
				"ID token of a refresh":                     claims(t, again["id_token"]),
				"userinfo":                                  s.userinfo(got.Get("access_token")).json(t),
				"introspection by the client":               inspect(got.Get("access_token"), as...),
				"introspection by the resource":             inspect(first["access_token"]),
				"introspection of the refresh token":        inspect(again["refresh_token"], as...),
				"introspection of the token of the refresh": inspect(again["access_token"]),
			} {
				if said["sub"] != own || own == public || own == "" || said["username"] != nil {
					t.Errorf("%s, %s: sub %v, username %v; want %s", id, where, said["sub"], said["username"], own)
				}
			}
			if id == "pair" && claims(t, got.Get("access_token"))["sub"] != own {
				t.Errorf("access token: sub %v, want %s", claims(t, got.Get("access_token"))["sub"], own)
			}
		}
		p := b.authorize(asking("client_id", "far", "response_type", "id_token", "redirect_uri", "https://far.example/callback?keep=1"))
		_, fragment, _ := strings.Cut(p.header.Get("Location"), "#")
		got, err := url.ParseQuery(fragment)
		if err != nil {
			t.Fatal(err)
		}
		if far := claims(t, got.Get("id_token"))["sub"]; far == own || far == public || far == nil {
			t.Errorf("another sector: sub %v, here %s, in public %s", far, own, public)
		}
		// By a sid that all know, sectors would know their people for the same.
		inPublic := claims(t, s.tokens(b.code(asking()))["id_token"])["sid"]
		if far := claims(t, got.Get("id_token"))["sid"]; far == session || far == inPublic || inPublic == session || far == nil || session == "" {
			t.Errorf("another sector: sid %v, here %s, in public %v", far, session, inPublic)
		}
		if ends := b.get("/oauth2/sessions/logout?" + url.Values{"id_token_hint": {got.Get("id_token")}}.Encode()); !strings.Contains(ends.body, "signed out") {
			t.Errorf("a hint with such a sid does not sign out: %d\n%s", ends.status, ends.body)
		}
	})
}

// Anybody can register a client with another's redirect URI. By the device grant its tokens
// come to it all the same: it must not learn under which names that sector knows people, nor
// by a refresh token after it has given the grant up.
func TestADeviceClientLearnsNoOtherSectorsSubjects(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := start(t, db, legacy())
		s.bring(legacyClient("pair", `, "subject_type": "pairwise"`))
		b := s.browser()
		code := b.code(asking("client_id", "pair"))
		victims := claims(t, s.call("/oauth2/token", asPost("pair", exchanging(code))).json(t)["id_token"])["sub"]

		members := object{
			"redirect_uris": []string{testCallback}, "grant_types": []string{"authorization_code", "refresh_token", deviceGrant},
			"subject_type": "pairwise", "token_endpoint_auth_method": "none", "scope": "openid offline_access", "subject_sector": "host",
		}
		made := s.send(t, http.MethodPost, "/connect/register", "", encoded(t, members)).json(t)
		id := text(made["client_id"])
		d := s.device(asForm("client_id", id, "scope", "openid offline_access"))
		if p := b.follow(b.enter(d, "continue")); p.status != http.StatusOK {
			t.Fatalf("the way ends at %d %s\n%s", p.status, p.location(), p.body)
		}
		tokens := d.poll().json(t)
		own := claims(t, tokens["id_token"])["sub"]
		if own == nil || own == victims {
			t.Errorf("the device's sub is %v, the other sector's %v", own, victims)
		}

		members["grant_types"] = []string{"authorization_code", "refresh_token"}
		members["client_id"] = id
		at := strings.TrimPrefix(text(made["registration_client_uri"]), s.url)
		if p := s.send(t, http.MethodPut, at, text(made["registration_access_token"]), encoded(t, members)); p.status != http.StatusOK {
			t.Fatalf("update: %d %s", p.status, p.body)
		}
		s.pass(3 * time.Second)
		later := s.call("/oauth2/token", asForm("client_id", id, "grant_type", "refresh_token", "refresh_token", text(tokens["refresh_token"]))).json(t)
		for where, sub := range map[string]any{
			"ID token": claims(t, later["id_token"])["sub"], "access token": claims(t, later["access_token"])["sub"],
			"userinfo": s.userinfo(tokens["access_token"]).json(t)["sub"],
		} {
			if sub != own {
				t.Errorf("%s after the grant was given up: sub %v, want still %v", where, sub, own)
			}
		}
	})
}

// encoded returns an object as JSON.
func encoded(tb testing.TB, o object) string {
	tb.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// What a pairwise client says of a person, it says under the name it knows.
func TestAPairwiseClientNamesAPersonAsItKnowsThem(t *testing.T) {
	t.Parallel()
	s := start(t, storetest.New(t), legacy())
	s.bring(legacyClient("pair", `, "subject_type": "pairwise"`), legacyClient("other", ""))
	b := s.browser()
	public := text(claims(t, s.tokens(b.code(asking()))["id_token"])["sub"])
	_, got := answered(t, b.authorize(asking("client_id", "pair", "response_type", "id_token")))
	hint := got.Get("id_token")
	own := text(claims(t, hint)["sub"])
	s.pass(time.Hour / 2) // the hint has expired, the session has not

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
		form := asking(append([]string{"client_id", "pair", "response_type", "id_token", "prompt", "none"}, tc.changes...)...)
		if _, got := answered(t, b.get("/oauth2/auth?"+form.Encode())); got.Get("error") != tc.want {
			t.Errorf("%s: error %q, want %q", name, got.Get("error"), tc.want)
		}
	}

	// Over the detour too: whoever else signs in is not who was asked for.
	page := b.get(b.get("/oauth2/auth?" + asking("client_id", "pair", "response_type", "id_token", "prompt", "login", "id_token_hint", hint).Encode()).header.Get("Location"))
	p := b.post(page.action(), url.Values{"request": {page.field("request")}, "username": {"bob"}, "password": {testPassword}})
	if p = b.get(p.header.Get("Location")); !strings.HasPrefix(p.header.Get("Location"), s.url+"/login") {
		t.Errorf("after somebody else signed in: %d to %q, want the sign-in page again", p.status, p.header.Get("Location"))
	}
	if _, got := answered(t, b.follow(p)); text(claims(t, got.Get("id_token"))["sub"]) != own {
		t.Errorf("after the right person signed in: %v", got)
	}
}
