package authorize_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// However a request for tokens is spelled, none gets into a query, which logs and
// histories keep (OAuth 2.0 Multiple Response Type Encoding Practices section 3).
func TestHostileNoTokenInQuery(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", ""))
	b := s.NewBrowser()
	b.Code(servertest.AuthorizationRequest()) // signs in
	for _, kind := range client.LegacyResponseTypes() {
		for _, spelled := range []string{kind, " " + kind + " ", strings.ReplaceAll(kind, " ", "\t"), strings.ReplaceAll(kind, " ", "  "), kind + "\n"} {
			for _, mode := range []string{"query", "QUERY", " query", "query\n", "query fragment", "jwt", "query.jwt", "fragment", ""} {
				form := servertest.AuthorizationRequest("client_id", "legacy", "response_type", spelled, "response_mode", mode)
				p := b.Get("/oauth2/auth?" + form.Encode())
				to, _, _ := strings.Cut(p.Header.Get("Location"), "#")
				if p.Status >= http.StatusInternalServerError || to != servertest.RedirectURI {
					t.Errorf("%q, mode %q: %d to %q", spelled, mode, p.Status, p.Header.Get("Location"))
				}
				_, got := servertest.AuthorizationResponse(t, p)
				isError := got.Has("error") || got.Has("response") && servertest.Claims(t, got.Get("response"))["error"] != nil
				if want := mode != "" && mode != "fragment" && mode != "jwt"; isError != want {
					t.Errorf("%q, mode %q: answered with %s", spelled, mode, names(got))
				}
			}
		}
	}
}

// Other parameters of a request do not change the tokens and are not returned.
func TestHostileParametersDoNotChangeTokens(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(servertest.LegacyClient("legacy", `, "id_token_signed_response_alg": "ES256"`))
	b := s.NewBrowser()
	subject := servertest.Text(servertest.Claims(t, s.ExchangeCode(b.Code(servertest.AuthorizationRequest()))["id_token"])["sub"])
	form := servertest.AuthorizationRequest(
		"client_id", "legacy", "response_type", "code id_token token", "grant_type", "refresh_token", "access_token", "mine", "id_token", "mine",
		"token_type", "mac", "expires_in", "999999", "iss", "https://evil.example", "sub", "root", "code", "mine", "c_hash", "x",
		"scope", "openid openid profile api api", "client_secret", servertest.OtherSecret,
	)
	_, got := servertest.AuthorizationResponse(t, b.Get("/oauth2/auth?"+form.Encode()))
	if names(got) != "access_token code expires_in id_token iss session_state state token_type" || got.Get("token_type") != "Bearer" ||
		got.Get("expires_in") != "600" || got.Get("iss") != s.URL {
		t.Fatalf("answered with %v", got)
	}
	checkIDToken(t, s, "all three", got, subject)
	if scope := servertest.Claims(t, got.Get("access_token"))["scope"]; scope != "openid profile api" {
		t.Errorf("scope %v", scope)
	}
	// Without a code, what concerns codes alone does no harm.
	where, got := servertest.AuthorizationResponse(t, b.Get("/oauth2/auth?"+servertest.AuthorizationRequest("client_id", "legacy", "response_type", "id_token", "code_challenge", "x", "code_challenge_method", "plain").Encode()))
	if where != "fragment" || names(got) != "id_token iss session_state state" {
		t.Errorf("PKCE without a code: %v in the %s", got, where)
	}
}

// A response that another app on the device could receive needs consent each time, since a
// client secret does not protect tokens in the response.
//
// Spec: RFC 8252 §8.6.
func TestHostileNativeAppNeedsConsentForTokens(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, storetest.New(t), servertest.LegacySettings())
	s.ImportClient(`{"client_id": "device", "client_secret": "` + servertest.OtherSecret + `", "application_type": "native",
		"redirect_uris": ["com.example.device:/cb", "` + servertest.RedirectURI + `"], "grant_types": ["authorization_code", "implicit"],
		"response_types": ["code", "id_token", "code token"], "scope": "openid"}`)
	b := s.NewBrowser()
	for _, uri := range []string{"com.example.device:/cb", servertest.RedirectURI} {
		b.Authorize(servertest.AuthorizationRequest("client_id", "device", "redirect_uri", uri, "scope", "openid")) // agrees
	}
	for kind, want := range map[string]map[string]string{
		"code":       {"com.example.device:/cb": "", servertest.RedirectURI: ""},
		"id_token":   {"com.example.device:/cb": "consent_required", servertest.RedirectURI: ""},
		"code token": {"com.example.device:/cb": "consent_required", servertest.RedirectURI: ""},
	} {
		for uri, code := range want {
			form := servertest.AuthorizationRequest("client_id", "device", "redirect_uri", uri, "scope", "openid", "response_type", kind, "prompt", "none")
			to := b.Get("/oauth2/auth?" + form.Encode()).Header.Get("Location")
			_, claims, found := strings.Cut(to, "#")
			if !found {
				_, claims, _ = strings.Cut(to, "?")
			}
			got, err := url.ParseQuery(claims)
			if err != nil || !strings.HasPrefix(to, uri) || got.Get("error") != code {
				t.Errorf("%s to %s: %q, want error %q", kind, uri, to, code)
			}
		}
	}
}
