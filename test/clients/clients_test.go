//go:build e2e

// Package clients runs third-party client libraries against the whole server: go-oidc
// with x/oauth2, openid-client and oauth4webapi for Node, and Authlib for Python.
//
// docs/clients.md shows the applications in node and python. They are installed into
// temporary directories, from the registries of npm and PyPI.
package clients

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/clientcert/certtest"
	"github.com/ostiary/ostiary/test/rig"
)

const scope = "openid profile email offline_access"

// app is a registered application.
type app struct {
	rig.Client

	postLogoutURI string // redirect URI after sign-out
	idTokenAlg    string
	key           string           // private JWK, if the application has a key
	caFile        string           // has the certificate of the server, for an application with a certificate
	dpop          bool             // it sends DPoP proofs (RFC 9449)
	par           bool             // it pushes its authorization requests (RFC 9126)
	certificate   *tls.Certificate // it authenticates with, and its tokens are bound to (RFC 8705)
	jar           bool             // it signs its authorization requests (RFC 9101)
	jarm          bool             // it receives authorization responses as JWT
}

// apps returns one application for each client authentication method, each with a
// different algorithm for its ID tokens.
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
	for _, method := range []string{"private_key_jwt", "none"} {
		bound := *all[method]
		bound.ID, bound.dpop, bound.Metadata = bound.ID+"-dpop", true, maps.Clone(bound.Metadata)
		bound.Metadata["dpop_bound_access_tokens"], bound.Metadata["require_dpop_nonce"] = true, true
		all[method+withDPoP] = &bound
	}
	pushing := *all["private_key_jwt"]
	pushing.ID, pushing.Metadata = pushing.ID+"-pushed", maps.Clone(pushing.Metadata)
	all["private_key_jwt"+withPAR] = &pushing
	for _, a := range []*app{&pushing, all["private_key_jwt"+withDPoP]} {
		a.par, a.jar, a.jarm = true, true, true
		a.Metadata["request_object_signing_alg"], a.Metadata["require_signed_request_object"] = "ES256", true
		a.Metadata["authorization_signed_response_alg"] = "PS256"
	}
	certified := certtest.New(t, nil, nil)
	all[mutualTLS] = &app{
		Client:     rig.Client{ID: "app-certificate", Method: mutualTLS, Scope: scope, RedirectURI: all["private_key_jwt"].RedirectURI},
		idTokenAlg: "ES256", postLogoutURI: all["private_key_jwt"].postLogoutURI, certificate: &certified, par: true,
	}
	all[mutualTLS].Metadata = maps.Clone(all["client_secret_basic"].Metadata)
	all[mutualTLS].Metadata["id_token_signed_response_alg"] = "ES256"
	all[mutualTLS].Metadata["tls_client_certificate_bound_access_tokens"] = true
	all[mutualTLS].Metadata["jwks"] = jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{
		Key: certified.Leaf.PublicKey, KeyID: "certificate", Certificates: []*x509.Certificate{certified.Leaf},
	}}}
	return all
}

const (
	// mutualTLS is the key of an application with a certificate, which also pushes its requests.
	mutualTLS = "self_signed_tls_client_auth"
	// withDPoP ends the key of applications whose tokens are bound to a key, with nonces of the server. The one
	// with private_key_jwt also does what withPAR says.
	withDPoP = " with DPoP"
	// withPAR ends the key of an application that signs and pushes its requests, and receives signed responses.
	withPAR = " with PAR"
)

// library is a client library under test.
type library struct {
	methods []string // supported client authentication methods
	secret  string   // of the applications that have one
	run     func(t *testing.T, issuer string, a *app, b *browser) (*appView, error)
	errors  map[string]string // part of the expected error by forgery; empty means the library does not detect it
}

// test runs an application for each authentication method on each engine, and each
// forgery with one application.
func (l library) test(t *testing.T) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f := l.open(t, engine)
			for _, method := range l.methods {
				t.Run(method, func(t *testing.T) {
					t.Parallel()
					a := f.apps[method]
					b := f.browser(a)
					a.caFile = f.MutualTLS.CAFile
					view, err := l.run(t, f.Issuer, a, b)
					if err != nil {
						t.Fatal(err)
					}
					view.check(t, f.Issuer, a)
					b.wantSignedOut(t)
				})
			}
			if engine == rig.Postgres {
				return
			}
			for name, forge := range forgeries() {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					a := f.apps[l.methods[0]]
					b := f.browser(a)
					forge(b)
					_, err := l.run(t, f.Issuer, a, b)
					wantError(t, err, l.errors[name])
				})
			}
		})
	}
}

// fixture is a running server with the registered applications and a user.
type fixture struct {
	*rig.Cluster

	apps map[string]*app
	user rig.User
}

func (l library) open(t *testing.T, engine rig.Engine) *fixture {
	t.Helper()
	f := &fixture{
		Cluster: rig.Serve(t, rig.Options{Database: rig.Database(t, engine), MutualTLS: true}),
		apps:    apps(t, l.secret),
		user: rig.User{Username: "ada", Password: "correct horse battery", Claims: map[string]any{
			"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": true,
		}},
	}
	rig.ImportUsers(t, f.Cluster, f.user)
	var all []rig.Client
	for _, a := range f.apps {
		all = append(all, a.Client)
	}
	rig.ImportClients(t, f.Cluster, all...)
	// The application may choose the port at runtime (RFC 8252 section 7.3).
	for _, name := range []string{"none", "none" + withDPoP} {
		f.apps[name].RedirectURI = "http://127.0.0.1:49152/callback"
	}
	return f
}

// browser is the browser of a user who uses an application.
type browser struct {
	app    *app
	other  *app // whose requests need no signature
	issuer string
	user   *rig.Browser

	// Functions that tamper with the authorization request and response.
	changeRequest, changeResponse func(url.Values)
}

func (f *fixture) browser(a *app) *browser {
	untouched := func(url.Values) {}
	return &browser{
		app: a, other: f.apps["client_secret_basic"], issuer: f.Issuer, user: rig.NewBrowser(f.Endpoint, f.user),
		changeRequest: untouched, changeResponse: untouched,
	}
}

// follow requests a URL that the application redirects to, and returns the URL of the
// redirect back to the application.
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
		response := b.user.Open(ctx, address, nil)
		if response.Status != http.StatusSeeOther {
			return "", fmt.Errorf("sign out: %v, want a redirect to the application", response)
		}
		return response.Header.Get("Location"), nil
	default:
		return "", fmt.Errorf("unexpected redirect to %s", u)
	}
}

func (b *browser) signIn(ctx context.Context, query url.Values) (string, error) {
	b.changeRequest(query)
	a, err := b.user.Authorize(ctx, &b.app.Client, query)
	if err != nil {
		return "", err
	}
	if a.Response != "" {
		return b.app.RedirectURI + "?" + url.Values{"response": {a.Response}}.Encode(), nil
	}
	if a.Code == "" {
		return "", fmt.Errorf("sign in: %s (%s)", a.Error, a.Description)
	}
	values := url.Values{"code": {a.Code}, "state": {a.State}, "iss": {a.Issuer}}
	b.changeResponse(values)
	return b.app.RedirectURI + "?" + values.Encode(), nil
}

// wantSignedOut fails the test if the user has a session (prompt=none).
func (b *browser) wantSignedOut(t *testing.T) {
	t.Helper()
	a, err := b.user.Authorize(t.Context(), &b.other.Client, url.Values{"prompt": {"none"}})
	if err != nil {
		t.Fatal(err)
	}
	if a.Error != "login_required" {
		t.Errorf("after signing out: error %q, want login_required", a.Error)
	}
}
