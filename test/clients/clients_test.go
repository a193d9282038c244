//go:build e2e

// Package clients lets client libraries that nobody here wrote talk to the whole
// server: go-oidc with x/oauth2, openid-client for Node, and Authlib for Python.
//
// The applications in node and python are also what docs/clients.md shows. They
// are installed into temporary folders, from the registries of npm and PyPI.
package clients

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/ostiary/ostiary/test/rig"
)

const scope = "openid profile email offline_access"

// app is a registered application.
type app struct {
	rig.Client

	postLogoutURI string // where people go after signing out
	idTokenAlg    string
	key           string // private, as a JWK, of one that has a key
}

// apps are one application for each way to authenticate, and each with another
// algorithm for its ID tokens.
func apps(t *testing.T, secret string) map[string]*app {
	t.Helper()
	all := map[string]*app{
		"client_secret_basic": {idTokenAlg: "RS256", Client: rig.Client{Secret: secret}},
		"client_secret_post":  {idTokenAlg: "PS256", Client: rig.Client{Secret: secret}},
		"private_key_jwt":     {idTokenAlg: "ES256"},
		"none":                {idTokenAlg: "EdDSA"},
	}
	for method, a := range all {
		a.ID, a.Method, a.Scope = "app-"+method, method, scope
		origin := "https://client.example"
		if method == "none" {
			origin = "http://127.0.0.1"
		}
		a.RedirectURI, a.postLogoutURI = origin+"/callback", origin+"/goodbye"
		a.Metadata = map[string]any{
			"grant_types":                  []string{"authorization_code", "refresh_token"},
			"post_logout_redirect_uris":    []string{a.postLogoutURI},
			"id_token_signed_response_alg": a.idTokenAlg,
		}
	}
	all["none"].Metadata["application_type"] = "native"
	key := newKey(t)
	all["private_key_jwt"].key = key.private
	all["private_key_jwt"].Metadata["jwks"] = key.set
	return all
}

// library is what an application can be built on.
type library struct {
	methods []string // of authenticating that it knows
	secret  string   // of the applications that have one
	run     func(t *testing.T, issuer string, a *app, b *browser) (*appView, error)
	errors  map[string]string // what it says to each of the forgeries
}

// test builds an application of each kind on the library, and lets a person use
// it, on each engine. Of the applications, one is lied to as well.
func (l library) test(t *testing.T) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h := l.open(t, engine)
			for _, method := range l.methods {
				t.Run(method, func(t *testing.T) {
					t.Parallel()
					a := h.apps[method]
					b := h.browser(a)
					saw, err := l.run(t, h.Issuer, a, b)
					if err != nil {
						t.Fatal(err)
					}
					saw.check(t, h.Issuer, a)
					b.wantSignedOut(t)
				})
			}
			if engine == rig.Postgres {
				return
			}
			for name, forge := range forgeries() {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					a := h.apps[l.methods[0]]
					b := h.browser(a)
					forge(b)
					_, err := l.run(t, h.Issuer, a, b)
					wantError(t, err, l.errors[name])
				})
			}
		})
	}
}

// fixture is a running server that knows the applications and a person.
type fixture struct {
	*rig.Cluster

	apps map[string]*app
	user rig.User
}

func (l library) open(t *testing.T, engine rig.Engine) *fixture {
	t.Helper()
	h := &fixture{
		Cluster: rig.Serve(t, rig.Options{Database: rig.Database(t, engine)}),
		apps:    apps(t, l.secret),
		user: rig.User{Username: "ada", Password: "correct horse battery", Claims: map[string]any{
			"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true,
		}},
	}
	rig.ImportUsers(t, h.Cluster, h.user)
	var all []rig.Client
	for _, a := range h.apps {
		all = append(all, a.Client)
	}
	rig.ImportClients(t, h.Cluster, all...)
	// The port is for the application to choose when it runs (RFC 8252 section 7.3).
	h.apps["none"].RedirectURI = "http://127.0.0.1:49152/callback"
	return h
}

// browser carries a person from an application to the server and back.
type browser struct {
	app    *app
	issuer string
	user   *rig.Browser

	// Both may be changed underway by somebody who means harm.
	changeRequest, changeResponse func(url.Values)
}

func (h *fixture) browser(a *app) *browser {
	untouched := func(url.Values) {}
	return &browser{app: a, issuer: h.Issuer, user: rig.NewBrowser(h.Endpoint, h.user), changeRequest: untouched, changeResponse: untouched}
}

// follow goes where the application sends the person, and returns the address at
// which they arrive back there.
func (b *browser) follow(ctx context.Context, address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	query := u.Query()
	u.RawQuery = ""
	switch u.String() {
	case b.issuer + "/oauth2/auth":
		return b.signIn(ctx, query)
	case b.issuer + "/oauth2/sessions/logout":
		answer := b.user.Open(ctx, address, nil)
		if answer.Status != http.StatusSeeOther {
			return "", fmt.Errorf("sign out: %v, want a redirect to the application", answer)
		}
		return answer.Header.Get("Location"), nil
	default:
		return "", fmt.Errorf("a person was sent to %s", u)
	}
}

func (b *browser) signIn(ctx context.Context, query url.Values) (string, error) {
	b.changeRequest(query)
	a, err := b.user.Authorize(ctx, &b.app.Client, query)
	if err != nil {
		return "", err
	}
	if a.Code == "" {
		return "", fmt.Errorf("sign in: %s (%s)", a.Error, a.Description)
	}
	values := url.Values{"code": {a.Code}, "state": {a.State}, "iss": {a.Issuer}}
	b.changeResponse(values)
	return b.app.RedirectURI + "?" + values.Encode(), nil
}

// wantSignedOut asks the server, without a page, whether the person is.
func (b *browser) wantSignedOut(t *testing.T) {
	t.Helper()
	a, err := b.user.Authorize(t.Context(), &b.app.Client, url.Values{"prompt": {"none"}})
	if err != nil {
		t.Fatal(err)
	}
	if a.Error != "login_required" {
		t.Errorf("after signing out: error %q, want login_required", a.Error)
	}
}
