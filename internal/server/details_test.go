package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func eachServerWithDetails(t *testing.T, settings map[string]string, test func(t *testing.T, s *servertest.Server)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.Start(t, db, settings)
		servertest.DeclareDetails(s)
		test(t, s)
	})
}

// list returns a JSON array of details.
func list(details ...string) string { return "[" + strings.Join(details, ",") + "]" }

// wantDetails checks authorization details in a decoded response.
func wantDetails(tb testing.TB, where string, got any, want ...string) {
	tb.Helper()
	var expected any
	if len(want) > 0 {
		if err := json.Unmarshal([]byte(list(want...)), &expected); err != nil {
			tb.Fatal(err)
		}
	}
	if diff := cmp.Diff(expected, got); diff != "" {
		tb.Errorf("%s (-want +got):\n%s", where, diff)
	}
}

// shopRequest is an authorization request of the client shop.
func shopRequest(changes ...string) url.Values {
	return servertest.AuthorizationRequest(append([]string{"client_id", "shop", "scope", "openid offline_access"}, changes...)...)
}

// shopForm is a form in which the client shop authenticates.
func shopForm(changes ...string) url.Values {
	return servertest.Form(append([]string{"client_id", "shop", "client_secret", servertest.ShopSecret}, changes...)...)
}

// consentPage follows the redirects of p up to the consent page.
func consentPage(b *servertest.Browser, p servertest.Response) servertest.Response {
	b.Server.TB.Helper()
	for range 8 {
		to := p.Header.Get("Location")
		switch {
		case strings.HasPrefix(to, b.Server.URL+"/login"):
			form := b.Get(to)
			p = b.Post(form.FormAction(), servertest.Form("request", form.HiddenField("request"), "username", "ada", "password", servertest.Password))
		case strings.HasPrefix(to, b.Server.URL+"/consent"):
			return b.Get(to)
		case strings.HasPrefix(to, b.Server.URL):
			p = b.Get(to)
		default:
			b.Server.TB.Fatalf("no consent page: %d to %q\n%s", p.Status, to, p.Body)
		}
	}
	b.Server.TB.Fatal("no end of redirects")
	return p
}

// accept accepts on a consent page with the boxes of some details.
func accept(b *servertest.Browser, page servertest.Response, boxes ...string) url.Values {
	b.Server.TB.Helper()
	form := servertest.Form("request", page.HiddenField("request"), "decision", "accept")
	for _, box := range boxes {
		form.Set(box, "on")
	}
	return b.Follow(b.Post(page.FormAction(), form)).Location().Query()
}

// sentences returns the sentences for details on a page, without markup.
func sentences(page servertest.Response) (all []string) {
	for _, found := range regexp.MustCompile(`(?s)id="detail-\d+-text">(.*?)</p>`).FindAllStringSubmatch(page.Body, -1) {
		all = append(all, html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(found[1], "")))
	}
	return all
}

// Spec: RFC 9396 §2, §6, §7, §9.
func TestAuthorizationDetails(t *testing.T) {
	eachServerWithDetails(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		request := shopRequest("authorization_details", list(servertest.Payment, servertest.AccountData))
		page := consentPage(b, b.Get("/oauth2/auth?"+request.Encode()))
		want := []string{
			"Pay 120.50 EUR to Rosa Weber. The application may start the payment, see its status.",
			"See balance and transactions of DE02120300000000202051 for 90 days.",
		}
		if diff := cmp.Diff(want, sentences(page)); diff != "" || strings.Contains(page.Body, `{"`) || strings.Contains(page.Body, "{&#34;") {
			t.Fatalf("the page differs (-want +got):\n%s\n%s", diff, page.Body)
		}
		response := accept(b, page, "detail 0", "detail 1")
		tokens := s.PostForm("/oauth2/token", servertest.CodeExchange(response.Get("code"), "client_id", "shop", "client_secret", servertest.ShopSecret)).JSON(t)
		wantDetails(t, "token response", tokens["authorization_details"], servertest.Payment, servertest.AccountData)
		claims := servertest.Claims(t, tokens["access_token"])
		wantDetails(t, "access token", claims["authorization_details"], servertest.Payment, servertest.AccountData)
		if audience, _ := claims["aud"].([]any); !slices.Contains(audience, any("https://api.example")) {
			t.Errorf("the audience is %v, without the resource of the type", claims["aud"])
		}
		introspect := func(token any, form url.Values) map[string]any {
			form.Set("token", servertest.Text(token))
			return s.PostForm("/oauth2/introspect", form).JSON(t)
		}
		wantDetails(t, "introspection", introspect(tokens["access_token"], shopForm())["authorization_details"], servertest.Payment, servertest.AccountData)
		wantDetails(t, "introspection by the resource server", introspect(tokens["access_token"], url.Values{})["authorization_details"], servertest.Payment, servertest.AccountData)
		wantDetails(t, "introspection of the refresh token", introspect(tokens["refresh_token"], shopForm())["authorization_details"], servertest.Payment, servertest.AccountData)

		refresh := func(details string) servertest.Response {
			return s.PostForm("/oauth2/token", shopForm("grant_type", "refresh_token", "refresh_token", servertest.Text(tokens["refresh_token"]), "authorization_details", details))
		}
		for name, details := range map[string]string{
			"more":            list(strings.Replace(servertest.Payment, "120.50", "120.51", 1)),
			"another action":  list(strings.Replace(servertest.Payment, "status", "cancel", 1)),
			"another account": list(strings.Replace(servertest.AccountData, "DE02", "DE03", 1)),
			"less days":       list(strings.Replace(servertest.AccountData, "90", "30", 1)), // equality is the default
			"no JSON":         "payment",
			"unknown":         `[{"type":"other"}]`,
		} {
			servertest.WantError(t, refresh(details), http.StatusBadRequest, "invalid_authorization_details")
			if t.Failed() {
				t.Fatal(name)
			}
		}
		less := strings.Replace(strings.Replace(servertest.Payment, "120.50", "20.00", 1), `"initiate",`, "", 1)
		narrowed := refresh(list(less)).JSON(t)
		wantDetails(t, "narrowed", narrowed["authorization_details"], less)
		wantDetails(t, "narrowed access token", servertest.Claims(t, narrowed["access_token"])["authorization_details"], less)
		tokens = narrowed
		wantDetails(t, "the next ones are whole", refresh("").JSON(t)["authorization_details"], servertest.Payment, servertest.AccountData)
	})
}

func TestUserTakesDetailsAway(t *testing.T) {
	eachServerWithDetails(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		request := shopRequest("authorization_details", list(servertest.Payment, servertest.AccountData))
		exchange := func(response url.Values) map[string]any {
			t.Helper()
			return s.PostForm("/oauth2/token", servertest.CodeExchange(response.Get("code"), "client_id", "shop", "client_secret", servertest.ShopSecret)).JSON(t)
		}
		page := consentPage(b, b.Get("/oauth2/auth?"+request.Encode()))
		wantDetails(t, "one", exchange(accept(b, page, "detail 1"))["authorization_details"], servertest.AccountData)
		// The consent of the session has one of the two, so the page shows both again.
		page = consentPage(b, b.Get("/oauth2/auth?"+request.Encode()))
		if got := exchange(accept(b, page)); got["authorization_details"] != nil || got["scope"] != "openid offline_access" {
			t.Errorf("none: %v", got)
		}
		page = consentPage(b, b.Get("/oauth2/auth?"+request.Encode()))
		wantDetails(t, "both", exchange(accept(b, page, "detail 0", "detail 1"))["authorization_details"], servertest.Payment, servertest.AccountData)
		// Now the session remembers both, and asks for another one.
		if got := b.Get("/oauth2/auth?" + request.Encode()).Location().Query(); got.Get("code") == "" {
			t.Errorf("remembered: %v", got)
		}
		request.Set("authorization_details", list(strings.Replace(servertest.Payment, "120.50", "1.00", 1)))
		request.Set("prompt", "none")
		if got := b.Get("/oauth2/auth?" + request.Encode()).Location().Query(); got.Get("error") != "consent_required" {
			t.Errorf("another payment: %v", got)
		}
		// Without a scope, nothing is left.
		request = shopRequest("scope", "", "authorization_details", list(strings.Replace(servertest.Payment, "120.50", "2.00", 1)))
		page = consentPage(b, b.Get("/oauth2/auth?"+request.Encode()))
		if got := accept(b, page); got.Get("error") != "access_denied" {
			t.Errorf("nothing: %v", got)
		}
		applications := b.Get("/account/applications")
		for _, want := range []string{"Payment", "Rosa Weber", "DE02120300000000202051"} {
			if !strings.Contains(applications.Body, want) {
				t.Errorf("the list of applications lacks %q", want)
			}
		}
	})
}

func TestInvalidAuthorizationDetails(t *testing.T) {
	eachServerWithDetails(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		s.ImportClient(`{"client_id": "plain", "client_secret": "` + servertest.ShopSecret + `", "token_endpoint_auth_method": "client_secret_post",
			"redirect_uris": ["` + servertest.RedirectURI + `"], "grant_types": ["authorization_code", "client_credentials"], "scope": "openid"},
			{"client_id": "elsewhere", "client_secret": "` + servertest.ShopSecret + `", "token_endpoint_auth_method": "client_secret_post",
			"redirect_uris": ["` + servertest.RedirectURI + `"], "grant_types": ["authorization_code", "client_credentials"], "scope": "openid", "authorization_details_types": ["payment"]}`)
		b := s.NewBrowser()
		many := make([]string, 21)
		for i := range many {
			many[i] = strings.Replace(servertest.AccountData, "DE02", "DE"+string(rune('a'+i)), 1)
		}
		for name, tc := range map[string]struct{ client, details, code string }{
			"unknown type":           {"shop", `[{"type":"other"}]`, "invalid_authorization_details"},
			"not JSON":               {"shop", `payment`, "invalid_authorization_details"},
			"an object":              {"shop", servertest.Payment, "invalid_authorization_details"},
			"21 elements":            {"shop", list(many...), "invalid_authorization_details"},
			"17 KiB":                 {"shop", list(strings.Replace(servertest.Payment, "Rosa", strings.Repeat("a", 17<<10), 1)), "invalid_authorization_details"},
			"deep nesting":           {"shop", strings.Repeat("[", 3000), "invalid_authorization_details"},
			"a member twice":         {"shop", list(strings.Replace(servertest.Payment, `"currency"`, `"amount":"1.00","currency"`, 1)), "invalid_authorization_details"},
			"a huge number":          {"shop", list(strings.Replace(servertest.AccountData, "90", "1e999999", 1)), "invalid_authorization_details"},
			"an unknown member":      {"shop", list(strings.Replace(servertest.Payment, `"amount"`, `"debtor":"x","amount"`, 1)), "invalid_authorization_details"},
			"an unknown value":       {"shop", list(strings.Replace(servertest.Payment, "EUR", "XXX", 1)), "invalid_authorization_details"},
			"markup out of sight":    {"shop", list(strings.Replace(servertest.Payment, "Rosa", "\u202eRosa", 1)), "invalid_authorization_details"},
			"a client without types": {"plain", list(servertest.Payment), "invalid_authorization_details"},
			"a foreign resource":     {"elsewhere", list(servertest.Payment), "invalid_target"},
		} {
			form := shopRequest("client_id", tc.client, "authorization_details", tc.details)
			pushed := s.PostForm("/oauth2/par", with(form, "client_secret", servertest.ShopSecret))
			servertest.WantError(t, pushed, http.StatusBadRequest, tc.code)
			servertest.WantError(t, s.PostForm("/oauth2/token", servertest.Form("grant_type", "client_credentials", "client_id", tc.client,
				"client_secret", servertest.ShopSecret, "authorization_details", tc.details)), http.StatusBadRequest, tc.code)
			if len(tc.details) < 8<<10 {
				if got := b.Get("/oauth2/auth?" + form.Encode()).Location().Query(); got.Get("error") != tc.code || got.Get("state") != "a state" {
					t.Errorf("%s: %v", name, got)
				}
			}
			if t.Failed() {
				t.Fatal(name)
			}
		}
	})
}

// with returns a copy of a form with changes.
func with(form url.Values, changes ...string) url.Values {
	changed := maps.Clone(form)
	for i := 0; i < len(changes); i += 2 {
		changed.Set(changes[i], changes[i+1])
	}
	return changed
}

func TestPushedAuthorizationDetails(t *testing.T) {
	eachServerWithDetails(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		// 20 elements of nearly 16 KiB together.
		var many []string
		for i := range 20 {
			many = append(many, `{"type":"account_data","accounts":["`+strings.Repeat("é ü", 50)+`","`+strings.Repeat(`<"`, 90)+string(rune('a'+i))+`"]}`)
		}
		for name, details := range map[string][]string{"two": {servertest.Payment, servertest.AccountData}, "20": many} {
			b := s.NewBrowser()
			raw := list(details...)
			if name == "20" {
				raw = strings.ReplaceAll(raw, `<"`, `<\"`)
			}
			p := s.PostForm("/oauth2/par", with(shopRequest("authorization_details", raw), "client_secret", servertest.ShopSecret))
			if p.Status != http.StatusCreated {
				t.Fatalf("push %s of %d bytes: %d %s", name, len(raw), p.Status, p.Body)
			}
			// Nothing of the front channel is merged.
			page := consentPage(b, b.Get("/oauth2/auth?"+servertest.Form("client_id", "shop", "request_uri", servertest.Text(p.JSON(t)["request_uri"]),
				"authorization_details", list(strings.Replace(servertest.Payment, "120.50", "999.00", 1))).Encode()))
			if strings.Contains(page.Body, "999.00") || len(sentences(page)) != len(details) {
				t.Fatalf("%s: the page has %d details", name, len(sentences(page)))
			}
			response := accept(b, page, "detail 0", "detail 1")
			tokens := s.PostForm("/oauth2/token", servertest.CodeExchange(response.Get("code"), "client_id", "shop", "client_secret", servertest.ShopSecret)).JSON(t)
			if got, _ := tokens["authorization_details"].([]any); len(got) != 2 {
				t.Errorf("%s: granted are %v", name, tokens["authorization_details"])
			}
		}
	})
}

func TestDetailsOfDevicesAndServices(t *testing.T) {
	eachServerWithDetails(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		d := servertest.AuthorizeDevice(s, shopForm("scope", "openid", "authorization_details", list(servertest.Payment)))
		b := s.NewBrowser()
		page := consentPage(b, b.EnterUserCode(d, "continue"))
		if got := sentences(page); len(got) != 1 || !strings.Contains(got[0], "Rosa Weber") {
			t.Fatalf("the page has %q", got)
		}
		b.Follow(b.Post(page.FormAction(), servertest.Form("request", page.HiddenField("request"), "decision", "accept", "detail 0", "on")))
		tokens := s.PostForm("/oauth2/token", shopForm("grant_type", servertest.DeviceGrant, "device_code", d.DeviceCode)).JSON(t)
		wantDetails(t, "device", tokens["authorization_details"], servertest.Payment)

		own := s.PostForm("/oauth2/token", shopForm("grant_type", "client_credentials", "authorization_details", list(servertest.AccountData, servertest.Payment))).JSON(t)
		wantDetails(t, "client credentials", own["authorization_details"], servertest.AccountData, servertest.Payment)
		servertest.WantMembers(t, servertest.Claims(t, own["access_token"]), servertest.Object{"aud": []any{"https://api.example"}})
	})
}

// Types end with their declaration, and with the member of the client.
func TestDetailsOfTypesThatEnd(t *testing.T) {
	eachServerWithDetails(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		metadata := func() any {
			return s.NewBrowser().Get("/.well-known/oauth-authorization-server").JSON(t)["authorization_details_types_supported"]
		}
		if diff := cmp.Diff([]any{"account_data", "payment"}, metadata()); diff != "" {
			t.Errorf("metadata (-want +got):\n%s", diff)
		}
		b := s.NewBrowser()
		page := consentPage(b, b.Get("/oauth2/auth?"+shopRequest("authorization_details", list(servertest.Payment, servertest.AccountData)).Encode()))
		if err := s.Store.DetailTypes.DeleteDetailType(t.Context(), "payment"); err != nil {
			t.Fatal(err)
		}
		if got := accept(b, page, "detail 0", "detail 1"); got.Get("error") != "invalid_authorization_details" {
			t.Errorf("a type that ended on the page: %v", got)
		}
		page = consentPage(b, b.Get("/oauth2/auth?"+shopRequest("prompt", "consent", "authorization_details", list(servertest.AccountData)).Encode()))
		tokens := s.PostForm("/oauth2/token", servertest.CodeExchange(accept(b, page, "detail 0").Get("code"), "client_id", "shop", "client_secret", servertest.ShopSecret)).JSON(t)
		wantDetails(t, "before", tokens["authorization_details"], servertest.AccountData)
		if err := s.Store.DetailTypes.DeleteDetailType(t.Context(), "account_data"); err != nil {
			t.Fatal(err)
		}
		refreshed := s.PostForm("/oauth2/token", shopForm("grant_type", "refresh_token", "refresh_token", servertest.Text(tokens["refresh_token"]))).JSON(t)
		if refreshed["access_token"] == nil || refreshed["authorization_details"] != nil {
			t.Errorf("after: %v", refreshed)
		}
		if got := metadata(); got != nil {
			t.Errorf("metadata without types: %v", got)
		}
	})
}

// Details cost no statement.
func TestStatementsWithDetails(t *testing.T) {
	eachServerWithDetails(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		b := s.NewBrowser()
		request := shopRequest("authorization_details", list(servertest.Payment, servertest.AccountData))
		warm := accept(b, consentPage(b, b.Get("/oauth2/auth?"+request.Encode())), "detail 0", "detail 1")
		s.PostForm("/oauth2/token", servertest.CodeExchange(warm.Get("code"), "client_id", "shop", "client_secret", servertest.ShopSecret))
		expect := func(name string, want int64, act func() servertest.Response) servertest.Response {
			t.Helper()
			before := s.Store.Statements()
			p := act()
			if got := s.Store.Statements() - before; got != want || p.Status >= http.StatusBadRequest {
				t.Errorf("%s: %d %d statements, want %d %s", name, p.Status, got, want, p.Body)
			}
			return p
		}
		pushed := expect("push", 1, func() servertest.Response {
			return s.PostForm("/oauth2/par", with(request, "client_secret", servertest.ShopSecret))
		}).JSON(t)
		code := expect("authorize", 2, func() servertest.Response {
			return b.Get("/oauth2/auth?" + servertest.Form("client_id", "shop", "request_uri", servertest.Text(pushed["request_uri"])).Encode())
		}).Location().Query().Get("code")
		tokens := expect("code", 1, func() servertest.Response {
			return s.PostForm("/oauth2/token", servertest.CodeExchange(code, "client_id", "shop", "client_secret", servertest.ShopSecret))
		}).JSON(t)
		expect("introspection", 1, func() servertest.Response {
			return s.PostForm("/oauth2/introspect", shopForm("token", servertest.Text(tokens["access_token"])))
		})
		expect("refresh", 1, func() servertest.Response {
			return s.PostForm("/oauth2/token", shopForm("grant_type", "refresh_token", "refresh_token", servertest.Text(tokens["refresh_token"])))
		})
		expect("client credentials", 0, func() servertest.Response {
			return s.PostForm("/oauth2/token", shopForm("grant_type", "client_credentials", "authorization_details", list(servertest.AccountData)))
		})
	})
}

// In a request object, the details are JSON or a text with JSON.
func TestDetailsInRequestObjects(t *testing.T) {
	eachServerWithDetails(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		key := jose.JSONWebKey{Key: private, KeyID: "k", Algorithm: string(jose.ES256)}
		public, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.Public()}})
		if err != nil {
			t.Fatal(err)
		}
		s.ImportClient(`{"client_id": "signing", "client_secret": "` + servertest.ShopSecret + `", "token_endpoint_auth_method": "client_secret_post",
			"redirect_uris": ["` + servertest.RedirectURI + `"], "scope": "openid", "audience": ["https://api.example"], "request_object_signing_alg": "ES256",
			"authorization_details_types": ["payment", "account_data"], "jwks": ` + string(public) + `}`)
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, tc := range map[string]struct {
			details any
			code    string
		}{
			"JSON":           {json.RawMessage(list(servertest.Payment)), ""},
			"a text":         {list(servertest.Payment), ""},
			"a member twice": {json.RawMessage(`[{"type":"account_data","accounts":["a"],"accounts":["b"]}]`), "invalid_"}, // of the object or of the details
			"an object":      {json.RawMessage(servertest.Payment), "invalid_request_object"},
			"a number":       {7, "invalid_authorization_details"},
		} {
			claims := servertest.Object{"iss": "signing", "aud": s.URL, "client_id": "signing", "authorization_details": tc.details}
			for name, values := range servertest.AuthorizationRequest("client_id", "signing", "scope", "openid") {
				claims[name] = values[0]
			}
			payload, err := json.Marshal(claims)
			if err != nil {
				t.Fatal(err)
			}
			signed, err := signer.Sign(payload)
			if err != nil {
				t.Fatal(err)
			}
			compact, err := signed.CompactSerialize()
			if err != nil {
				t.Fatal(err)
			}
			form := servertest.Form("client_id", "signing", "client_secret", servertest.ShopSecret, "request", compact)
			p := s.PostForm("/oauth2/par", form)
			form.Set("redirect_uri", servertest.RedirectURI)
			form.Del("client_secret")
			b := s.NewBrowser()
			answer := b.Get("/oauth2/auth?" + form.Encode())
			if tc.code == "" {
				if page := consentPage(b, answer); p.Status != http.StatusCreated || len(sentences(page)) != 1 {
					t.Errorf("%s: %d %s, and %d details on the page", name, p.Status, p.Body, len(sentences(page)))
				}
				continue
			}
			if got := answer.Location().Query().Get("error"); p.Status != http.StatusBadRequest || !strings.HasPrefix(servertest.Text(p.JSON(t)["error"]), tc.code) || !strings.HasPrefix(got, tc.code) {
				t.Errorf("%s: %d %s, and %s at the authorization endpoint", name, p.Status, p.Body, got)
			}
		}
	})
}
