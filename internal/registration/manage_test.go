package registration

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/client"
)

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

func TestOnlyTheCredentialsOfAClientManageIt(t *testing.T) {
	t.Parallel()

	r := newFixture(t, func(c *Config) { c.QuerySecrets = true })
	byBasic := r.register(t, connect, minimal)
	byPost := r.register(t, connect, `{"redirect_uris":["https://rp.example/cb"],"token_endpoint_auth_method":"client_secret_post"}`)
	public := r.register(t, connect, `{"redirect_uris":["https://rp.example/cb"],"token_endpoint_auth_method":"none"}`)
	id, secret := byBasic.text("client_id"), byBasic.text("client_secret")
	postID, postSecret := byPost.text("client_id"), byPost.text("client_secret")
	token := byBasic.text("registration_access_token")
	inQuery := "?client_secret=" + url.QueryEscape(postSecret)

	for name, tc := range map[string]struct {
		target string
		auth   []string
		want   int
	}{
		"its token":                      {connect + "/" + id, []string{"Bearer " + token}, 200},
		"its token, under the other":     {oauth2 + "/" + id, []string{"bearer " + token}, 200},
		"its secret by Basic":            {connect + "/" + id, []string{basic(id, secret)}, 200},
		"its secret by Basic, oauth2":    {oauth2 + "/" + id, []string{basic(id, secret)}, 401},
		"an address that spells both":    {oauth2 + "/" + id + "%2Fconnect%2Fregister", []string{basic(id, secret)}, 401},
		"its secret in the query":        {connect + "/" + postID + inQuery, nil, 200},
		"the query names it too":         {connect + "/" + postID + inQuery + "&client_id=" + postID, nil, 200},
		"the query names another":        {connect + "/" + postID + inQuery + "&client_id=" + id, nil, 401},
		"the query under oauth2":         {oauth2 + "/" + postID + inQuery, nil, 401},
		"the query twice":                {connect + "/" + postID + inQuery + "&client_secret=x", nil, 401},
		"the query and a token":          {connect + "/" + postID + inQuery, []string{"Bearer " + byPost.text("registration_access_token")}, 401},
		"a post client by Basic":         {connect + "/" + postID, []string{basic(postID, postSecret)}, 401},
		"a Basic client by query":        {connect + "/" + id + "?client_secret=" + url.QueryEscape(secret), nil, 401},
		"nothing":                        {connect + "/" + id, nil, 401},
		"a wrong token":                  {connect + "/" + id, []string{"Bearer wrong"}, 401},
		"an empty token":                 {connect + "/" + id, []string{"Bearer "}, 401},
		"a wrong secret":                 {connect + "/" + id, []string{basic(id, "wrong")}, 401},
		"another client's name":          {connect + "/" + id, []string{basic(postID, secret)}, 401},
		"another client's token":         {connect + "/" + postID, []string{"Bearer " + token}, 401},
		"two headers":                    {connect + "/" + id, []string{"Bearer " + token, "Bearer " + token}, 401},
		"a public client without secret": {connect + "/" + public.text("client_id"), []string{basic(public.text("client_id"), "")}, 401},
		"a client that is not there":     {connect + "/nobody", []string{"Bearer " + token}, 401},
	} {
		a := r.do(t, "GET", tc.target, "", tc.auth...)
		if a.status != tc.want {
			t.Errorf("%s: GET %s = %d %s, want %d", name, tc.target, a.status, a.raw, tc.want)
		}
		if tc.want == 401 {
			if diff := cmp.Diff(r.do(t, "GET", connect+"/nobody", ""), a, cmp.AllowUnexported(reply{})); diff != "" {
				t.Errorf("%s: the refusal tells more than others (-want +got):\n%s", name, diff)
			}
		}
		if a.status == 200 && (a.text("registration_access_token") == "" || a.text("registration_client_uri") == "" || a.body["client_secret"] != nil) {
			t.Errorf("%s: %s, want a registration token and URI, and no secret", name, a.raw)
		}
		// Reading with a secret gives a new token, so the one of the start is put back.
		kept, err := r.store.Clients.Client(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		kept.RegistrationToken = client.HashToken(token)
		if err := r.store.Clients.UpdateClient(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
	}
}

func TestQuerySecretsRequireTheSetting(t *testing.T) {
	t.Parallel()

	r := newFixture(t, nil)
	a := r.register(t, connect, `{"redirect_uris":["https://rp.example/cb"],"token_endpoint_auth_method":"client_secret_post"}`)
	got := r.do(t, "GET", connect+"/"+a.text("client_id")+"?client_secret="+url.QueryEscape(a.text("client_secret")), "")
	wantError(t, got, http.StatusUnauthorized, "invalid_token")
}

func TestTheGracePeriodOfRegistrationTokens(t *testing.T) {
	t.Parallel()

	r := newFixture(t, nil)
	a := r.register(t, oauth2, minimal)
	uri := oauth2 + "/" + a.text("client_id")
	first := "Bearer " + a.text("registration_access_token")
	read := func(token string) reply { return r.do(t, "GET", uri, "", token) }
	put := func(token string) reply { return r.do(t, "PUT", uri, minimal, token) }

	if got := read(first); got.text("registration_access_token") != a.text("registration_access_token") {
		t.Errorf("reading changed the token")
	}
	lost := "Bearer " + put(first).text("registration_access_token") // the response is lost
	r.now = r.now.Add(grace - time.Second)
	second := "Bearer " + put(first).text("registration_access_token") // the client repeats the request
	if got := read(lost); got.status != 401 {
		t.Errorf("the lost token is valid")
	}
	if got := read(second); got.status != 200 {
		t.Errorf("the token of the second request = %d, want 200", got.status)
	}
	r.now = r.now.Add(time.Second)
	if got := read(first); got.status != 401 {
		t.Errorf("the first token is valid after its grace period")
	}
	if got := read(second); got.status != 200 {
		t.Errorf("the token of the second request = %d after the grace of the first, want 200", got.status)
	}
}

func TestPutKeepsOperatorMembers(t *testing.T) {
	t.Parallel()

	r := newFixture(t, nil)
	secret, err := client.HashSecret(t.Context(), r.slow, "the operator chose it")
	if err != nil {
		t.Fatal(err)
	}
	metadata := client.Metadata{
		ClientName: "Shop", RedirectURIs: []string{"https://rp.example/cb", "https://rp.example/two"}, Scope: "openid admin",
		Audience: []string{"https://api.example"}, SkipConsent: true, RequirePKCE: true,
		SkipLogoutConsent: true, OperatorScope: true, Owner: "the shop team", Notes: json.RawMessage(`{"internal":"note"}`),
		Lifespans: client.Lifespans{ClientCredentialsAccessToken: client.Lifespan(time.Minute)},
	}
	if faults := metadata.Validate(client.Policy{}); len(faults) > 0 {
		t.Fatal(faults)
	}
	if err := r.store.Clients.InsertClient(t.Context(), &client.Client{
		ID: "shop", Metadata: metadata, Secret: secret, Dynamic: true, CreatedAt: r.now, UpdatedAt: r.now,
	}); err != nil {
		t.Fatal(err)
	}
	r.now = r.now.Add(time.Hour)
	a := r.do(t, "PUT", connect+"/shop", `{"client_id":"other","redirect_uris":["https://rp.example/two"],"scope":"openid admin root"}`,
		basic("shop", "the operator chose it"))
	if a.status != 200 || a.text("client_id") != "shop" || a.text("updated_at") != "2026-11-01T13:00:00Z" {
		t.Fatalf("PUT = %d %s, want 200", a.status, a.raw)
	}
	if strings.Contains(a.raw, "internal") || strings.Contains(a.raw, "shop team") {
		t.Errorf("the client is shown what the operator noted: %s", a.raw)
	}
	kept, err := r.store.Clients.Client(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	want := metadata
	want.ClientName, want.RequirePKCE, want.RedirectURIs = "", false, []string{"https://rp.example/two"}
	if diff := cmp.Diff(want, kept.Metadata); diff != "" {
		t.Errorf("metadata differs (-want +got):\n%s", diff)
	}
	if kept.Secret != secret {
		t.Error("the secret changed")
	}
}

func TestSecretsInPutDependOnThePath(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		path, secret string // empty for the current secret
		status       int
		code         string
	}{
		"connect, the current":   {connect, "", 200, ""},
		"oauth2, the current":    {oauth2, "", 200, ""},
		"connect, another":       {connect, "another one", 200, ""},
		"oauth2, another":        {oauth2, "another one", 403, "invalid_client_metadata"},
		"connect, a short one":   {connect, "12345", 400, "invalid_client_metadata"},
		"connect, not printable": {connect, `123456\t`, 400, "invalid_client_metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := newFixture(t, nil)
			a := r.register(t, tc.path, minimal)
			id, current := a.text("client_id"), a.text("client_secret")
			requested := tc.secret
			if requested == "" {
				requested = current
			}
			got := r.do(t, "PUT", tc.path+"/"+id, `{"redirect_uris":["https://rp.example/cb"],"client_secret":"`+requested+`"}`,
				"Bearer "+a.text("registration_access_token"))
			if tc.status != 200 {
				wantError(t, got, tc.status, tc.code)
				requested = current
			} else if got.status != 200 {
				t.Fatalf("PUT = %d %s, want 200", got.status, got.raw)
			}
			if issued := got.text("client_secret"); tc.secret != "" && tc.status == 200 && issued != requested || requested == current && issued != "" {
				t.Errorf("client_secret = %q, want it once, when it is new", issued)
			}
			if again := r.do(t, "GET", connect+"/"+id, "", basic(id, requested)); again.status != 200 {
				t.Errorf("with the valid secret: %d %s", again.status, again.raw)
			}
		})
	}
}

func TestAChangeOfMethodAdaptsTheSecret(t *testing.T) {
	t.Parallel()

	r := newFixture(t, nil)
	a := r.register(t, oauth2, minimal)
	uri, id := oauth2+"/"+a.text("client_id"), a.text("client_id")
	put := func(body string) {
		t.Helper()
		a = r.do(t, "PUT", uri, body, "Bearer "+a.text("registration_access_token"))
		if a.status != 200 {
			t.Fatalf("PUT %s = %d %s", body, a.status, a.raw)
		}
	}
	put(`{"redirect_uris":["https://rp.example/cb"],"token_endpoint_auth_method":"none"}`)
	if kept, err := r.store.Clients.Client(t.Context(), id); err != nil || kept.Secret != "" {
		t.Errorf("the stored secret is %q (%v), want none", kept.Secret, err)
	}
	wantError(t, r.do(t, "PUT", uri, `{"redirect_uris":["https://rp.example/cb"],"token_endpoint_auth_method":"none","client_secret":"0123456789"}`,
		"Bearer "+a.text("registration_access_token")), 400, "invalid_client_metadata")
	put(minimal)
	if a.text("client_secret") == "" {
		t.Errorf("PUT = %s, want a new secret", a.raw)
	}
	if got := r.do(t, "GET", connect+"/"+id, "", basic(id, a.text("client_secret"))); got.status != 200 {
		t.Errorf("with the new secret: %d %s", got.status, got.raw)
	}
}

func TestADeletedClientIsUnknown(t *testing.T) {
	t.Parallel()

	r := newFixture(t, nil)
	a := r.register(t, connect, minimal)
	uri, token := connect+"/"+a.text("client_id"), "Bearer "+a.text("registration_access_token")
	if got := r.do(t, "DELETE", uri, "", "Bearer wrong"); got.status != 401 {
		t.Errorf("DELETE with a wrong token = %d, want 401", got.status)
	}
	if got := r.do(t, "DELETE", uri, "", token); got.status != 204 || got.raw != "" {
		t.Errorf("DELETE = %d %q, want 204 without a body", got.status, got.raw)
	}
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		wantError(t, r.do(t, method, uri, minimal, token), 401, "invalid_token")
	}
}

func TestADisabledClientCannotManageItself(t *testing.T) {
	t.Parallel()

	r := newFixture(t, nil)
	a := r.register(t, connect, minimal)
	kept, err := r.store.Clients.Client(t.Context(), a.text("client_id"))
	if err != nil {
		t.Fatal(err)
	}
	kept.Disabled = true
	if err := r.store.Clients.UpdateClient(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	wantError(t, r.do(t, "GET", connect+"/"+kept.ID, "", "Bearer "+a.text("registration_access_token")), 401, "invalid_token")
}
