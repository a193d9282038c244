package registration

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A client secret from an operator only authenticates: an attacker with the secret must not
// redirect the authorization codes of a client that skips consent.
func TestOperatorClientsCannotManageThemselves(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		const token, secret = "a registration access token of an older version", "the secret that the operator made"
		for _, mode := range []Mode{Open, Token} {
			for _, method := range []string{client.AuthBasic, client.AuthPost} {
				r := newFixtureOn(t, db, func(c *Config) { c.Mode, c.QuerySecrets = mode, true })
				hash, err := client.HashSecret(t.Context(), r.slow, secret)
				if err != nil {
					t.Fatal(err)
				}
				id := string(mode) + "-" + method
				shop := &client.Client{
					ID: id, Secret: hash, RegistrationToken: client.HashToken(token), CreatedAt: r.now, UpdatedAt: r.now,
					Metadata: client.Metadata{RedirectURIs: []string{"https://rp.example/cb"}, SkipConsent: true, TokenEndpointAuthMethod: method},
				}
				if faults := shop.Validate(client.Policy{}); len(faults) > 0 {
					t.Fatal(faults)
				}
				if err := db.Clients.InsertClient(t.Context(), shop); err != nil {
					t.Fatal(err)
				}
				unknown := r.do(t, "GET", connect+"/nobody", "")
				for form, auth := range map[string][]string{
					"/" + id: {"Bearer " + token}, "/" + id + "?": {basic(id, secret)}, "/" + id + "?client_secret=" + url.QueryEscape(secret): nil,
				} {
					for _, path := range []string{connect, oauth2} {
						for _, verb := range []string{"GET", "PUT", "DELETE"} {
							got := r.do(t, verb, path+form, `{"redirect_uris":["https://evil.example/cb"],"token_endpoint_auth_method":"`+method+`"}`, auth...)
							if diff := cmp.Diff(unknown, got, cmp.AllowUnexported(reply{})); diff != "" {
								t.Errorf("%s %s of %s, registration %s: not the answer about an unknown client (-want +got):\n%s", verb, path+form, method, mode, diff)
							}
						}
					}
				}
				if kept, err := db.Clients.Client(t.Context(), id); err != nil || kept.Version != 1 {
					t.Errorf("the client was changed: %+v, %v", kept, err)
				}
			}
		}
	})
}

// A rotated secret authenticates for a grace period. It must not issue a registration
// access token, which would be valid longer.
func TestARotatedSecretCannotManageARegistration(t *testing.T) {
	t.Parallel()

	r := newFixture(t, nil)
	a := r.register(t, connect, minimal)
	id, first := a.text("client_id"), a.text("client_secret")
	uri := connect + "/" + id
	minted := "Bearer " + r.do(t, "GET", uri, "", basic(id, first)).text("registration_access_token")
	if got := r.do(t, "GET", uri, "", minted); got.status != 200 {
		t.Fatalf("with the token that the secret made: %d %s", got.status, got.raw)
	}

	c, err := r.store.Clients.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	second, err := client.SecretStore{Hasher: r.slow}.Rotate(t.Context(), c, r.now, r.now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.store.Clients.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for name, auth := range map[string]string{
		"the rotated secret":                   basic(id, first),
		"a token that the rotated secret made": minted,
		"the token of the registration":        "Bearer " + a.text("registration_access_token"),
		"no token":                             "Bearer ",
	} {
		wantError(t, r.do(t, "GET", uri, "", auth), 401, "invalid_token")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	if got := r.do(t, "GET", uri, "", basic(id, second)); got.status != 200 || got.text("registration_access_token") == "" {
		t.Errorf("with the current secret: %d %s", got.status, got.raw)
	}
}

// A new secret revokes the current registration access token, and the response has another.
func TestANewSecretRevokesRegistrationTokens(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		body string
		ends bool
	}{
		"another secret": {`{"redirect_uris":["https://rp.example/cb"],"client_secret":"another secret"}`, true},
		"no secret":      {minimal, false},
		"a method without a secret": {
			`{"redirect_uris":["https://rp.example/cb"],"token_endpoint_auth_method":"none"}`, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			r := newFixture(t, nil)
			a := r.register(t, connect, minimal)
			uri, token := connect+"/"+a.text("client_id"), "Bearer "+a.text("registration_access_token")
			got := r.do(t, "PUT", uri, tc.body, token)
			if got.status != 200 {
				t.Fatalf("PUT = %d %s", got.status, got.raw)
			}
			if again := r.do(t, "GET", uri, "", "Bearer "+got.text("registration_access_token")); again.status != 200 {
				t.Errorf("the new token: %d %s", again.status, again.raw)
			}
			if again := r.do(t, "GET", uri, "", token); (again.status == 401) != tc.ends {
				t.Errorf("the token of before: %d, want it refused: %t", again.status, tc.ends)
			}
		})
	}
}

func TestNewRedirectURIsRemoveConsents(t *testing.T) {
	t.Parallel()

	const native = `"application_type":"native","token_endpoint_auth_method":"none"`
	for name, tc := range map[string]struct {
		before, after string
		ends          bool
	}{
		"the same": {minimal, minimal, false},
		"fewer":    {`{"redirect_uris":["https://rp.example/cb","https://rp.example/two"]}`, minimal, false},
		"another":  {minimal, `{"redirect_uris":["https://rp.example/two"]}`, true},
		"one more": {minimal, `{"redirect_uris":["https://rp.example/cb","https://evil.example/cb"]}`, true},
		"any port of a loopback address": {
			`{"redirect_uris":["http://127.0.0.1:8080/cb"],"token_endpoint_auth_method":"none"}`,
			`{"redirect_uris":["http://127.0.0.1:8080/cb"],` + native + `}`, true,
		},
		"a native client with the address it had": {
			`{"redirect_uris":["http://127.0.0.1/cb"],` + native + `}`, `{"redirect_uris":["http://127.0.0.1/cb"],` + native + `}`, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				r := newFixtureOn(t, db, nil)
				a := r.register(t, oauth2, tc.before)
				id := a.text("client_id")
				c, err := db.Clients.Client(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				c.SkipConsent = true // by the operator, for the addresses that it had then
				if err := db.Clients.UpdateClient(t.Context(), c); err != nil {
					t.Fatal(err)
				}
				_, err = db.Consents.ImportConsents(t.Context(), []*consent.Consent{
					{Subject: "ada", ClientID: id, Scopes: []string{"openid"}, GivenAt: r.now},
					{Subject: "ada", ClientID: "another client", Scopes: []string{"openid"}, GivenAt: r.now},
				}, r.now, false)
				if err != nil {
					t.Fatal(err)
				}
				if got := r.do(t, "PUT", oauth2+"/"+id, tc.after, "Bearer "+a.text("registration_access_token")); got.status != 200 {
					t.Fatalf("PUT = %d %s", got.status, got.raw)
				}
				kept, err := db.Clients.Client(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				consents, err := db.Consents.ListConsents(t.Context(), "ada", "", consent.Consent{}, 10, r.now)
				if err != nil {
					t.Fatal(err)
				}
				// The other client's consent stays.
				if kept.SkipConsent == tc.ends || (len(consents) == 1) != tc.ends {
					t.Errorf("skip_consent %t, %d consents, want both to end: %t", kept.SkipConsent, len(consents), tc.ends)
				}
				if events := r.events(t, id); slices.Contains(events, "client.self.redirects: done, 200") != tc.ends {
					t.Errorf("the audit log has %q, want new redirect URIs in it: %t", events, tc.ends)
				}
			})
		})
	}
}

// An operator approves http for the current redirect URIs of a client only.
func TestAClientKeepsApprovedHTTPRedirects(t *testing.T) {
	t.Parallel()

	r := newFixture(t, nil)
	const inside, bye = "http://grafana.internal:3000/cb", "http://grafana.internal:3000/bye"
	a := r.register(t, oauth2, minimal)
	id := a.text("client_id")
	c, err := r.store.Clients.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	c.AllowHTTPRedirects, c.RedirectURIs, c.PostLogoutRedirectURIs = true, []string{inside}, []string{bye}
	if err := r.store.Clients.UpdateClient(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	token := "Bearer " + a.text("registration_access_token")
	for body, want := range map[string]int{
		`{"redirect_uris":["` + inside + `","http://evil.example/cb"]}`:                       400,
		`{"redirect_uris":["` + inside + `2"]}`:                                               400,
		`{"redirect_uris":["` + bye + `"]}`:                                                   400,
		`{"redirect_uris":["` + inside + `"],"post_logout_redirect_uris":["` + inside + `"]}`: 400,
	} {
		wantError(t, r.do(t, "PUT", oauth2+"/"+id, body, token), want, map[bool]string{
			true: "invalid_client_metadata", false: "invalid_redirect_uri",
		}[strings.Contains(body, "post_logout")])
	}
	got := r.do(t, "PUT", oauth2+"/"+id, `{"redirect_uris":["`+inside+`"],"post_logout_redirect_uris":["`+bye+`"],"client_name":"Grafana"}`, token)
	if got.status != 200 {
		t.Fatalf("PUT of what it had = %d %s", got.status, got.raw)
	}
	if kept, err := r.store.Clients.Client(t.Context(), id); err != nil || !kept.AllowHTTPRedirects || kept.ClientName != "Grafana" {
		t.Errorf("afterwards it is %+v, %v", kept, err)
	}
}

// Each change by a client of itself is in the audit log. Requests that fail authentication
// or validation are not.
func TestEachChangeIsAnAuditEvent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		r := newFixtureOn(t, db, nil)
		a := r.register(t, connect, minimal)
		id := a.text("client_id")
		uri, token := connect+"/"+id, "Bearer "+a.text("registration_access_token")
		r.do(t, "GET", uri, "", token)
		r.do(t, "GET", uri, "", "Bearer wrong")
		r.do(t, "PUT", uri, minimal, "Bearer wrong")
		r.do(t, "PUT", uri, `{"redirect_uris":["javascript:alert(1)"]}`, token)
		token = "Bearer " + r.do(t, "GET", uri, "", basic(id, a.text("client_secret"))).text("registration_access_token")
		r.do(t, "PUT", uri, `{"redirect_uris":["https://rp.example/two"],"client_secret":"another secret"}`, token)
		if got := r.do(t, "DELETE", uri, "", basic(id, "another secret")); got.status != 204 {
			t.Fatalf("DELETE = %d %s", got.status, got.raw)
		}
		want := []string{
			"client.self.delete: done, 200", "client.self.redirects: done, 200", "client.self.register: done, 200",
			"client.self.secret: done, 200", "client.self.token: done, 200", "client.self.update: done, 200",
		}
		if diff := cmp.Diff(want, r.events(t, id)); diff != "" {
			t.Errorf("events differ (-want +got):\n%s", diff)
		}
	})
}

// A change without an audit event fails.
func TestAChangeRequiresAnAuditEvent(t *testing.T) {
	t.Parallel()

	db := storetest.New(t)
	r := newFixtureOn(t, db, nil)
	a := r.register(t, connect, minimal)
	uri, token := connect+"/"+a.text("client_id"), "Bearer "+a.text("registration_access_token")
	unaudited := newFixtureOn(t, db, func(c *Config) { c.Audit = noAudit{} })
	for verb, status := range map[string]int{"PUT": 503, "DELETE": 503} {
		wantError(t, unaudited.do(t, verb, uri, `{"redirect_uris":["https://rp.example/two"]}`, token), status, "temporarily_unavailable")
	}
	wantError(t, unaudited.do(t, "POST", connect, minimal), 503, "temporarily_unavailable")
	if got := r.do(t, "GET", uri, "", token); got.status != 200 || !strings.Contains(got.raw, "https://rp.example/cb") {
		t.Errorf("afterwards the client is %d %s", got.status, got.raw)
	}
}

// noAudit is an audit log without a database.
type noAudit struct{}

func (noAudit) BeginEvent(context.Context, *audit.Event) error { return outage{errors.New("gone")} }

func (noAudit) EndEvent(context.Context, *audit.Event) error { return outage{errors.New("gone")} }

// events returns what the audit log has about a client, sorted.
func (r *fixture) events(t *testing.T, id string) []string {
	t.Helper()
	list, err := r.store.Audit.ListEvents(t.Context(), audit.Filter{Target: id}, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range list {
		if e.RequestID != "a-request" || e.Address != "192.0.2.7" || e.Actor != (audit.Actor{Kind: audit.Client, ID: id}) {
			t.Errorf("event %+v does not say who did it, or from where", e)
		}
		all = append(all, fmt.Sprintf("%s: %s, %d", e.Action, e.Outcome, e.Status))
	}
	slices.Sort(all)
	return all
}

// A key of a kind that the server does not know is ignored, and the operator can read why.
func TestAnUnsupportedKeyIsIgnoredWithAWarning(t *testing.T) {
	t.Parallel()

	r := newFixture(t, nil)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good, err := json.Marshal(jose.JSONWebKey{Key: key.Public(), KeyID: "good"})
	if err != nil {
		t.Fatal(err)
	}
	const private = `"redirect_uris":["https://rp.example/cb"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[`
	body := `{` + private + `{"kty":"OKP","crv":"X25519","kid":"odd","x":"AAAA"},` + string(good) + `]}}`
	a := r.register(t, connect, body)
	if !strings.Contains(a.raw, `"good"`) || strings.Contains(a.raw, `"odd"`) {
		t.Errorf("registered %s, want the good key alone", a.raw)
	}
	if got := r.do(t, "PUT", connect+"/"+a.text("client_id"), body, "Bearer "+a.text("registration_access_token")); got.status != 200 {
		t.Errorf("PUT of the same = %d %s", got.status, got.raw)
	}
	if got := strings.Count(r.log.String(), `level=WARN msg="client key ignored" client_id=`+a.text("client_id")); got != 2 {
		t.Errorf("%d warnings, want 2:\n%s", got, &r.log)
	}
	wantError(t, r.do(t, "POST", connect, `{`+private+`{"kty":"OKP","crv":"X25519","x":"AAAA"}]}}`), 400, "invalid_client_metadata")
}
