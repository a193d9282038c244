package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// credentials requests an access token with the client credentials grant.
func credentials(s *servertest.Server, id, secret string) servertest.Response {
	s.TB.Helper()
	return s.PostForm("/oauth2/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret},
	})
}

func TestClientLifecycle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		made := s.CreateClient(`{
			"client_id": "shop", "client_name": "Shop", "client_name#ja": "店", "owner": "team", "metadata": {"a": [1]},
			"redirect_uris": ["https://shop.example/cb"], "grant_types": ["authorization_code", "client_credentials"],
			"token_endpoint_auth_method": "client_secret_post", "allowed_cors_origins": ["https://shop.example"], "skip_consent": true,
			"skip_logout_consent": true, "client_credentials_grant_access_token_lifespan": "90s", "userinfo_signed_response_alg": "none",
			"nobody_knows_this": {"x": 1}, "created_at": "2001-01-01T00:00:00Z"}`)
		secret := servertest.Text(made["client_secret"])
		if secret == "" || made["owner"] != "team" || made["skip_logout_consent"] != true || made["client_name#ja"] != "店" ||
			made["client_credentials_grant_access_token_lifespan"] != "1m30s" || made["implicit_grant_id_token_lifespan"] != nil {
			t.Errorf("made: %v", made)
		}
		if p := credentials(s.Server, "shop", secret); p.Status != http.StatusOK {
			t.Errorf("its secret: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/clients", `{"client_id":"shop","redirect_uris":["https://shop.example/cb"]}`), http.StatusConflict, "Conflict")

		got := s.CallAdmin(http.MethodGet, "/clients/shop", "")
		shown := got.JSON(t)
		if _, there := shown["client_secret"]; there {
			t.Error("client_secret is shown again")
		}
		delete(made, "client_secret")
		if diff := cmp.Diff(made, shown); diff != "" {
			t.Errorf("shown (-made +shown):\n%s", diff)
		}

		// PUT accepts the body that GET returns, and changes nothing then.
		s.Advance(time.Hour)
		put := s.CallAdmin(http.MethodPut, "/clients/shop", got.Body)
		again := put.JSON(t)
		if put.Status != http.StatusOK || again["updated_at"] == shown["updated_at"] {
			t.Fatalf("put: %d %s", put.Status, put.Body)
		}
		again["updated_at"] = shown["updated_at"]
		if diff := cmp.Diff(shown, again); diff != "" {
			t.Errorf("put of what was shown (-shown +put):\n%s", diff)
		}
		if p := credentials(s.Server, "shop", secret); p.Status != http.StatusOK {
			t.Errorf("its secret after a put: %d %s", p.Status, p.Body)
		}

		// PUT replaces all metadata; absent members are reset.
		put = s.CallAdmin(http.MethodPut, "/clients/shop", `{"client_id":"other","client_secret":"another secret","redirect_uris":["https://shop.example/cb"],
			"grant_types":["client_credentials","authorization_code"],"token_endpoint_auth_method":"client_secret_post"}`)
		reset := put.JSON(t)
		if reset["client_id"] != "shop" || reset["owner"] != "" || reset["client_credentials_grant_access_token_lifespan"] != nil || reset["client_name"] != nil {
			t.Errorf("put: %s", put.Body)
		}
		if p := credentials(s.Server, "shop", secret); p.Status != http.StatusUnauthorized {
			t.Errorf("the secret of before: %d", p.Status)
		}
		if p := credentials(s.Server, "shop", "another secret"); p.Status != http.StatusOK {
			t.Errorf("the secret that was put: %d %s", p.Status, p.Body)
		}

		if p := s.CallAdmin(http.MethodDelete, "/clients/shop", ""); p.Status != http.StatusNoContent || p.Body != "" {
			t.Errorf("delete: %d %s", p.Status, p.Body)
		}
		for method, path := range map[string]string{
			http.MethodGet: "/clients/shop", http.MethodPut: "/clients/shop", http.MethodDelete: "/clients/shop", http.MethodPost: "/clients/shop/secrets/rotate",
		} {
			servertest.WantError(t, s.CallAdmin(method, path, `{"redirect_uris":["https://shop.example/cb"]}`), http.StatusNotFound, "Not Found")
		}

		var log []string
		for _, e := range listed(s, "/audit?page_size=20") {
			log = append(log, fmt.Sprintf("%v %v %v %v", e["action"], e["target"], e["outcome"], e["status_code"]))
		}
		want := []string{ // the clock has the same time for all of them
			"client.create shop done 201", "client.create shop refused 409", "client.delete shop done 204", "client.delete shop refused 404",
			"client.secret.rotate shop refused 404", "client.update shop done 200", "client.update shop done 200", "client.update shop refused 404",
		}
		slices.Sort(log)
		if !slices.Equal(log, want) {
			t.Errorf("the audit log has %q, want %q", log, want)
		}
	})
}

func listed(s *servertest.AppServer, path string) []servertest.Object {
	s.TB.Helper()
	p := s.CallAdmin(http.MethodGet, path, "")
	var list []servertest.Object
	if err := json.Unmarshal([]byte(p.Body), &list); err != nil || p.Status != http.StatusOK {
		s.TB.Fatalf("%s: %d %s", path, p.Status, p.Body)
	}
	return list
}

func TestInvalidClientsAreRejected(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithApps(t, storetest.New(t), nil)
	for body, want := range map[string]string{
		`[]`:                    "invalid_request",
		`"x"`:                   "invalid_request",
		`null`:                  "invalid_request",
		`{"redirect_uris": 17}`: "invalid_redirect_uri",
		`{"redirect_uris": ["https://a.example/#x"]}`:                                                                                "invalid_redirect_uri",
		`{"client_id": 5, "redirect_uris": ["https://a.example/"]}`:                                                                  "invalid_client_metadata",
		`{"client_id": "a b", "redirect_uris": ["https://a.example/"]}`:                                                              "invalid_client_metadata",
		`{"client_secret": "short", "redirect_uris": ["https://a.example/"]}`:                                                        "invalid_client_metadata",
		`{"client_secret": 123456789, "redirect_uris": ["https://a.example/"]}`:                                                      "invalid_client_metadata",
		`{"redirect_uris": ["https://a.example/"], "implicit_grant_access_token_lifespan": "soon"}`:                                  "invalid_client_metadata",
		`{"redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "private_key_jwt"}`:                                 "invalid_client_metadata",
		`{"redirect_uris": ["https://a.example/"], "jwks": {"keys": [{"kty": "RSA"}]}}`:                                              "invalid_client_metadata",
		`{"redirect_uris": ["https://a.example/"], "post_logout_redirect_uris": [{}]}`:                                               "invalid_client_metadata",
		`{"redirect_uris": ["https://a.example/"], "allowed_cors_origins": ["*"]}`:                                                   "invalid_client_metadata",
		`{"redirect_uris": ["https://a.example/"], "grant_types": ["password"]}`:                                                     "invalid_client_metadata",
		`{"redirect_uris": ["https://a.example/"], "client_name": "` + strings.Repeat("x", 300) + `"}`:                               "invalid_client_metadata",
		`{"redirect_uris": ["https://a.example/"], "subject_type": "pairwise", "sector_identifier_uri": "https://nowhere.invalid/"}`: "invalid_client_metadata",
	} {
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/clients", body), http.StatusBadRequest, want)
		s.CreateClient(`{"client_id":"x","redirect_uris":["https://a.example/"]}`)
		if !strings.Contains(body, "client_id") {
			servertest.WantError(t, s.CallAdmin(http.MethodPut, "/clients/x", body), http.StatusBadRequest, want)
		}
		s.CallAdmin(http.MethodDelete, "/clients/x", "")
	}
}

func TestClientListPaging(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		for i := range 7 {
			s.CreateClient(fmt.Sprintf(`{"client_id":"p%d","client_name":"part","owner":"o%d","redirect_uris":["https://a.example/"]}`, i, i%2))
		}
		next := regexp.MustCompile(`<([^>]*)>; rel="next"`)
		walk := func(from string, size int) (ids []string) {
			t.Helper()
			for at := from; at != ""; {
				p := s.CallAdmin(http.MethodGet, at, "")
				var list []servertest.Object
				if err := json.Unmarshal([]byte(p.Body), &list); err != nil || len(list) > size || p.Header.Get("X-Total-Count") == "" {
					t.Fatalf("%s: %d %s", at, p.Status, p.Body)
				}
				for _, one := range list {
					ids = append(ids, servertest.Text(one["client_id"]))
				}
				at = ""
				if to := next.FindStringSubmatch(strings.Join(p.Header.Values("Link"), ", ")); to != nil {
					at = to[1]
				}
			}
			return ids
		}
		all := []string{"p0", "p1", "p2", "p3", "p4", "p5", "p6"}
		for from, want := range map[string][]string{
			"/admin/clients?client_name=part&page_size=3":          all,
			"/clients?client_name=part&page_size=7":                all,
			"/clients?client_name=part&page_size=3&page_token=1":   all,
			"/clients?client_name=part&limit=3":                    all,
			"/clients?client_name=part&limit=3&offset=2":           all[2:],
			"/clients?client_name=part&owner=o1&page_size=2":       {"p1", "p3", "p5"},
			"/clients?owner=o0&limit=2&offset=0":                   {"p0", "p2", "p4", "p6"},
			"/clients?client_name=nobody":                          nil,
			"/clients?client_name=part&page_size=0&limit=&offset=": all,
		} {
			if got := walk(from, 250); !cmp.Equal(got, want) {
				t.Errorf("%s lists %v, want %v", from, got, want)
			}
		}
		if p := s.CallAdmin(http.MethodGet, "/clients?client_name=part&limit=2&offset=4", ""); p.Header.Get("X-Total-Count") != "7" ||
			!strings.Contains(strings.Join(p.Header.Values("Link"), ","), `offset=2>; rel="prev"`) ||
			!strings.Contains(strings.Join(p.Header.Values("Link"), ","), `offset=6>; rel="last"`) {
			t.Errorf("count %q, links %q", p.Header.Get("X-Total-Count"), p.Header.Values("Link"))
		}
		// A page token is valid only for the list that returned it.
		p := s.CallAdmin(http.MethodGet, "/clients?client_name=part&page_size=3", "")
		to := next.FindStringSubmatch(strings.Join(p.Header.Values("Link"), ", "))[1]
		servertest.WantError(t, s.CallAdmin(http.MethodGet, strings.Replace(to, "client_name=part", "client_name=other", 1), ""), http.StatusBadRequest, "invalid_request")
		for _, bad := range []string{"page_size=x", "page_size=-1", "page_token=!!", "page_token=YQ", "limit=x", "offset=-1", "offset=9999999999999999999", "limit=1e3"} {
			servertest.WantError(t, s.CallAdmin(http.MethodGet, "/clients?"+bad, ""), http.StatusBadRequest, "invalid_request")
		}
	})
}

func TestPatchClient(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithApps(t, storetest.New(t), nil)
	s.CreateClient(`{"client_id":"shop","client_name":"Shop","redirect_uris":["https://shop.example/cb"],"client_secret":"a secret of its own",
		"token_endpoint_auth_method":"client_secret_post","grant_types":["client_credentials","authorization_code"]}`)
	for patch, member := range map[string]string{
		`[{"op":"replace","path":"/client_name","value":"The Shop"}]`:                                           "client_name",
		`[{"op":"add","path":"/redirect_uris/-","value":"https://shop.example/two"}]`:                           "redirect_uris",
		`[{"op":"add","path":"/metadata/a","value":1},{"op":"copy","from":"/metadata/a","path":"/metadata/b"}]`: "metadata",
		`[{"op":"test","path":"/owner","value":""},{"op":"replace","path":"/owner","value":"me"}]`:              "owner",
	} {
		before := s.CallAdmin(http.MethodGet, "/clients/shop", "").JSON(t)
		p := s.CallAdmin(http.MethodPatch, "/clients/shop", patch)
		if after := p.JSON(t); p.Status != http.StatusOK || cmp.Equal(before[member], after[member]) || after["client_secret"] != nil {
			t.Errorf("%s: %d %s", patch, p.Status, p.Body)
		}
	}
	for _, patch := range []string{
		`[{"op":"replace","path":"/client_id","value":"x"}]`, `[{"op":"remove","path":"/client_id"}]`, `[{"op":"replace","path":"/id","value":"x"}]`,
		`[{"op":"move","from":"/client_id","path":"/owner"}]`, `[{"op":"replace","path":"","value":{}}]`, `{}`, `null`, `[1]`, `"x"`,
		`[{"op":"nonsense","path":"/owner","value":"x"}]`, `[{"op":"remove","path":"/nothing"}]`, `[{"op":"replace","path":"/nothing/at/all","value":1}]`,
		`[{"op":"test","path":"/owner","value":"somebody"}]`, `[{"op":"replace","path":"/redirect_uris/99","value":"https://a.example/"}]`,
		`[{"op":"replace","path":"/redirect_uris","value":"x"}]`, `[{"op":"add","path":"owner","value":"x"}]`, `[{"path":"/owner"}]`,
		`[{"op":"copy","from":"/redirect_uris/-1","path":"/redirect_uris/-100"}]`, `[{"op":"add","path":"/owner"}]`,
		`[` + strings.Repeat(`{"op":"test","path":"/owner","value":"me"},`, 100) + `{"op":"test","path":"/owner","value":"me"}]`,
	} {
		if p := s.CallAdmin(http.MethodPatch, "/clients/shop", patch); p.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", patch, p.Status, p.Body)
		}
	}
	for secret, patch := range map[string]string{
		"another secret": `[{"op":"add","path":"/client_secret","value":"another secret"}]`,
		"a third secret": `[{"op":"replace","path":"/client_secret","value":"a third secret"}]`,
	} {
		if p := s.CallAdmin(http.MethodPatch, "/clients/shop", patch); p.Status != http.StatusOK || p.JSON(t)["client_secret"] != secret {
			t.Errorf("a secret: %d %s", p.Status, p.Body)
		}
		s.Advance(servertest.ClientStaleness)
		if p := credentials(s.Server, "shop", secret); p.Status != http.StatusOK {
			t.Errorf("the secret that was patched in: %d %s", p.Status, p.Body)
		}
	}
}

// The command line of Ory Hydra sends replace for all flags, including those of absent
// members.
func TestPatchReplaceAddsMissingMember(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithApps(t, storetest.New(t), nil)
	s.CreateClient(`{"client_id":"shop","redirect_uris":["https://shop.example/one","https://shop.example/two"]}`)
	for _, tc := range []struct {
		patch, member string
		want          any // nil if the patch is rejected
	}{
		{`[{"op":"replace","path":"/client_name","value":"Shop"}]`, "client_name", "Shop"},
		{`[{"op":"replace","path":"/backchannel_logout_uri","value":"https://shop.example/out"}]`, "backchannel_logout_uri", "https://shop.example/out"},
		{`[{"op":"replace","path":"/metadata/deep","value":{"er":1}}]`, "metadata", servertest.Object{"deep": servertest.Object{"er": 1.0}}},
		{`[{"op":"replace","path":"/metadata/deep/er","value":2},{"op":"replace","path":"/metadata/deep/too","value":3}]`, "metadata", servertest.Object{"deep": servertest.Object{"er": 2.0, "too": 3.0}}},
		{`[{"op":"remove","path":"/client_name"},{"op":"replace","path":"/client_name","value":"Again"}]`, "client_name", "Again"},
		// replace of an array element does not insert one.
		{`[{"op":"replace","path":"/redirect_uris/0","value":"https://shop.example/three"}]`, "redirect_uris", []any{"https://shop.example/three", "https://shop.example/two"}},
		{`[{"op":"replace","path":"/redirect_uris/2","value":"https://shop.example/four"}]`, "", nil},
		{`[{"op":"replace","path":"/redirect_uris/-","value":"https://shop.example/four"}]`, "", nil},
		{`[{"op":"replace","path":"/nothing/at/all","value":1}]`, "", nil},
		{`[{"op":"replace","path":"/client_name"}]`, "", nil},
		{`[{"op":"remove","path":"/tos_uri"}]`, "tos_uri", ""}, // always present, possibly empty
		{`[{"op":"remove","path":"/jwks_uri"}]`, "", nil},
		{`[{"op":"test","path":"/jwks_uri","value":"x"}]`, "", nil},
	} {
		p := s.CallAdmin(http.MethodPatch, "/clients/shop", tc.patch)
		if tc.want == nil {
			servertest.WantError(t, p, http.StatusBadRequest, "invalid_request")
			continue
		}
		if got := p.JSON(t)[tc.member]; p.Status != http.StatusOK || !cmp.Equal(got, tc.want) {
			t.Errorf("%s: %d, %s is %v, want %v", tc.patch, p.Status, tc.member, got, tc.want)
		}
	}
}

// Response types without their grant type are removed by the API and by imports, and rejected
// by dynamic registration.
func TestUnusedResponseTypesAreDropped(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithApps(t, storetest.New(t), map[string]string{"rate_limits": "off"})
	const redirect = `"redirect_uris":["https://a.example/cb"]`
	for members, want := range map[string][2]string{ // grant and response types, or an error
		`"grant_types":["client_credentials"],"response_types":["code"]`:                                           {"client_credentials", ""},
		`"grant_types":["client_credentials"],"response_types":["token"]`:                                          {"client_credentials", ""},
		`"grant_types":["client_credentials","refresh_token"],"response_types":["code"]`:                           {"client_credentials", ""},
		`"grant_types":["client_credentials"],"response_types":["code","token id_token code"]`:                     {"client_credentials", ""},
		`"grant_types":["authorization_code"],"response_types":["token"],` + redirect:                              {"authorization_code", "code"},
		`"grant_types":["authorization_code","refresh_token"],"response_types":["code","id_token"],` + redirect:    {"authorization_code refresh_token", "code"},
		`"grant_types":["urn:ietf:params:oauth:grant-type:device_code","refresh_token"],"response_types":["code"]`: {"urn:ietf:params:oauth:grant-type:device_code refresh_token", ""},
		`"response_types":["code"]`:                                                {"authorization_code", "code"},
		`"response_types":["nonsense"],` + redirect:                                {"invalid_client_metadata"},
		`"grant_types":["implicit"],"response_types":["token"],` + redirect:        {"invalid_client_metadata"},
		`"grant_types":["refresh_token"],"response_types":["code"]`:                {"invalid_client_metadata"},
		`"grant_types":["client_credentials"],"token_endpoint_auth_method":"none"`: {"invalid_client_metadata"},
		`"grant_types":["password"],"response_types":["code"]`:                     {"invalid_client_metadata"},
	} {
		p := s.CallAdmin(http.MethodPost, "/clients", `{`+members+`}`)
		if len(want[1]) == 0 && strings.HasPrefix(want[0], "invalid") {
			servertest.WantError(t, p, http.StatusBadRequest, want[0])
		} else if got := p.JSON(t); p.Status != http.StatusCreated || words(got["grant_types"]) != want[0] || words(got["response_types"]) != want[1] {
			t.Errorf("%s: %d, grant types %v, response types %v, want %q", members, p.Status, got["grant_types"], got["response_types"], want)
		}
		_, _, err := s.ImportClients([]byte(`[{"client_id":"one","client_secret":"a secret of thirty-two characters","x":1,` + members + `}]`))
		if (err != nil) != strings.HasPrefix(want[0], "invalid") {
			t.Errorf("%s in a file: %v", members, err)
		}
	}
	for _, strict := range []string{
		`{"grant_types":["client_credentials"],"response_types":["code"]}`, `{"response_types":["code"]}`,
		`{"grant_types":["authorization_code"],"response_types":["code","id_token"],` + redirect + `}`,
		`{"grant_types":["client_credentials","refresh_token"]}`,
	} {
		for _, path := range []string{"/connect/register", "/oauth2/register"} {
			if p := s.Call(t, http.MethodPost, path, "", strict); p.Status != http.StatusBadRequest {
				t.Errorf("%s of %s: %d %s, want 400", path, strict, p.Status, p.Body)
			}
		}
	}
}

func words(list any) string {
	items, _ := list.([]any)
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = servertest.Text(item)
	}
	return strings.Join(texts, " ")
}

// A client can be created before its redirect URIs are known. Authorization requests of the
// client are rejected.
func TestClientWithoutRedirectURIsCannotAuthorize(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, map[string]string{"login_url": "", "consent_url": ""})
		s.CreateClient(`{"client_id":"early","scope":"openid","skip_consent":true}`)
		s.Advance(time.Minute)
		b := s.NewBrowser()
		for _, form := range []url.Values{
			servertest.AuthorizationRequest("client_id", "early", "scope", "openid"), servertest.AuthorizationRequest("client_id", "early", "scope", "openid", "redirect_uri", ""),
			servertest.AuthorizationRequest("client_id", "early", "scope", "openid", "redirect_uri", "https://early.example/cb"),
		} {
			if p := b.Get("/oauth2/auth?" + form.Encode()); p.Status != http.StatusBadRequest || p.Header.Get("Location") != "" {
				t.Errorf("%v: %d to %q, want a page", form, p.Status, p.Header.Get("Location"))
			}
		}
		if p := s.CallAdmin(http.MethodPatch, "/clients/early", `[{"op":"replace","path":"/redirect_uris","value":["https://early.example/cb"]}]`); p.Status != http.StatusOK {
			t.Fatalf("a redirect URI: %d %s", p.Status, p.Body)
		}
		s.Advance(servertest.ClientStaleness)
		if p := b.Authorize(servertest.AuthorizationRequest("client_id", "early", "scope", "openid", "redirect_uri", "https://early.example/cb")); !p.Location().Query().Has("code") {
			t.Errorf("with a redirect URI: %d to %q", p.Status, p.Header.Get("Location"))
		}
	})
}

func TestRotateClientSecret(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		secrets := []string{servertest.Text(s.CreateClient(`{"client_id":"shop","redirect_uris":["https://shop.example/cb"],"token_endpoint_auth_method":"client_secret_post",
			"client_secret":"short one","grant_types":["client_credentials","authorization_code"]}`)["client_secret"])}
		rotate := func(query ...string) {
			t.Helper()
			p := s.CallAdmin(http.MethodPost, "/clients/shop/secrets/rotate"+strings.Join(query, ""), "")
			secrets = append(secrets, servertest.Text(p.JSON(t)["client_secret"]))
			if p.Status != http.StatusOK || secrets[len(secrets)-1] == "" {
				t.Fatalf("rotate: %d %s", p.Status, p.Body)
			}
		}
		good := func(want ...int) {
			t.Helper()
			var got []int
			for i, secret := range secrets {
				if credentials(s.Server, "shop", secret).Status == http.StatusOK {
					got = append(got, i)
				}
			}
			if !cmp.Equal(got, want) {
				t.Errorf("of %d secrets %v are good, want %v", len(secrets), got, want)
			}
		}
		rotate()
		good(0, 1)
		s.Advance(23 * time.Hour)
		rotate()
		good(0, 1, 2)
		s.Advance(2 * time.Hour)
		good(1, 2)
		for range 5 {
			rotate()
		}
		good(2, 3, 4, 5, 6, 7)
		if p := s.CallAdmin(http.MethodDelete, "/clients/shop/secrets/rotate", ""); p.Status != http.StatusOK || p.JSON(t)["client_secret"] != nil {
			t.Errorf("clear: %d %s", p.Status, p.Body)
		}
		good(7)
		rotate()
		if p := s.CallAdmin(http.MethodPatch, "/clients/shop", `[{"op":"add","path":"/client_secret","value":"another secret"}]`); p.Status != http.StatusOK {
			t.Errorf("patch: %d %s", p.Status, p.Body)
		}
		good()
		rotate("?old_secret_lifetime=30s")
		rotate("?old_secret_lifetime=30s")
		good(9, 10)
		s.Advance(30 * time.Second)
		good(10)
		rotate("?old_secret_lifetime=0s")
		good(11)
		for _, bad := range []string{"soon", "-1s", "8761h", "1d"} {
			servertest.WantError(t, s.CallAdmin(http.MethodPost, "/clients/shop/secrets/rotate?old_secret_lifetime="+bad, ""), http.StatusBadRequest, "invalid_request")
		}
		s.CreateClient(`{"client_id":"bare","redirect_uris":["https://shop.example/cb"],"token_endpoint_auth_method":"none"}`)
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/clients/bare/secrets/rotate", ""), http.StatusBadRequest, "invalid_client_metadata")
	})
}

func TestPutLifespansChangesOnlyLifespans(t *testing.T) {
	t.Parallel()

	s := servertest.StartWithApps(t, storetest.New(t), nil)
	s.CreateClient(`{"client_id":"shop","client_name":"Shop","redirect_uris":["https://shop.example/cb"],"implicit_grant_id_token_lifespan":"1h"}`)
	p := s.CallAdmin(http.MethodPut, "/clients/shop/lifespans", `{"client_credentials_grant_access_token_lifespan":"2m","implicit_grant_access_token_lifespan":null,"client_name":"x"}`)
	members := p.JSON(t)
	if p.Status != http.StatusOK || members["client_credentials_grant_access_token_lifespan"] != "2m0s" || members["implicit_grant_id_token_lifespan"] != nil || members["client_name"] != "Shop" {
		t.Errorf("lifespans: %d %s", p.Status, p.Body)
	}
	for _, body := range []string{`{"implicit_grant_id_token_lifespan":"-1s"}`, `{"implicit_grant_id_token_lifespan":3600}`, `[]`} {
		if p := s.CallAdmin(http.MethodPut, "/clients/shop/lifespans", body); p.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, p.Status, p.Body)
		}
	}
}

// An ID in a path is decoded once, in any encoding.
func TestClientIDsInPaths(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, nil)
		for _, id := range []string{"a/b", "a%41", "a%2541", "50%", "a%00", "a+b", "~!*'();:@&=$,?#[]", "..", "a/../b"} {
			members, err := json.Marshal(servertest.Object{"client_id": id, "redirect_uris": []string{"https://a.example/"}})
			if err != nil {
				t.Fatal(err)
			}
			s.CreateClient(string(members))
			if p := s.CallAdmin(http.MethodGet, "/admin/clients/"+url.PathEscape(id), ""); id != ".." && (p.Status != http.StatusOK || p.JSON(t)["client_id"] != id) {
				t.Errorf("%s: %d %s", id, p.Status, p.Body)
			}
		}
		for _, path := range []string{"/clients/%2500", "/clients/%25ff", "/clients/a%252500", "/keys/%2500", "/trust/grants/jwt-bearer/issuers/%2500", "/clients/%00", "/clients/%ff"} {
			if p := s.CallAdmin(http.MethodGet, path, ""); p.Status != http.StatusNotFound && p.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", path, p.Status, p.Body)
			}
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/connect/register/%2500", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer x")
		servertest.WantError(t, servertest.Send(t, http.DefaultClient, r), http.StatusUnauthorized, "invalid_token")
	})
}
