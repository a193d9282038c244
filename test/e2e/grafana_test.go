//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"
)

// grafana does what Grafana does at a sign-in with generic OAuth, with the environment that is pasted:
// the requests of its documentation and its login handler, through the library that it uses.
type grafana struct {
	oauth2.Config

	apiURL, loginClaim, groupsClaim string
	verifier                        string
}

// runGrafana runs it at the root URL that the environment has, until the test ends.
func runGrafana(t *testing.T, environment string) {
	t.Helper()
	env := map[string]string{}
	for line := range strings.Lines(environment) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		env[strings.TrimPrefix(name, "GF_AUTH_GENERIC_OAUTH_")] = strings.Trim(value, `"'`)
	}
	if env["ENABLED"] != "true" || env["USE_PKCE"] != "true" || env["AUTH_STYLE"] != "InHeader" {
		t.Fatalf("the settings of Grafana do not enable a sign-in with PKCE and client_secret_basic:\n%s", environment)
	}
	g := &grafana{Config: oauth2.Config{
		ClientID: env["CLIENT_ID"], ClientSecret: env["CLIENT_SECRET"], Scopes: strings.Fields(env["SCOPES"]),
		// Grafana derives the redirect URI from its root URL, which ends with a slash.
		RedirectURL: env["GF_SERVER_ROOT_URL"] + "login/generic_oauth",
		Endpoint:    oauth2.Endpoint{AuthURL: env["AUTH_URL"], TokenURL: env["TOKEN_URL"], AuthStyle: oauth2.AuthStyleInHeader},
	}, apiURL: env["API_URL"], loginClaim: env["LOGIN_ATTRIBUTE_PATH"], groupsClaim: env["GROUPS_ATTRIBUTE_PATH"]}
	u, err := url.Parse(env["GF_SERVER_ROOT_URL"])
	if err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/generic_oauth", g.login)
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: mux}}
	server.Start()
	t.Cleanup(server.Close)
}

// login redirects to the issuer, and is where the issuer redirects back.
func (g *grafana) login(w http.ResponseWriter, r *http.Request) {
	code := r.URL.Query().Get("code")
	if code == "" {
		g.verifier = oauth2.GenerateVerifier()
		http.Redirect(w, r, g.AuthCodeURL("a-state", oauth2.AccessTypeOnline, oauth2.S256ChallengeOption(g.verifier)), http.StatusFound)
		return
	}
	claims, err := g.userinfo(r, code)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, `<link rel="icon" href="data:,"><p id="welcome">%s in %s</p>`,
		html.EscapeString(fmt.Sprint(claims[g.loginClaim])), html.EscapeString(fmt.Sprint(claims[g.groupsClaim])))
}

// userinfo redeems the code and returns the claims of the user.
func (g *grafana) userinfo(r *http.Request, code string) (claims map[string]any, err error) {
	token, err := g.Exchange(r.Context(), code, oauth2.VerifierOption(g.verifier))
	if err != nil {
		return nil, err
	}
	resp, err := g.Client(r.Context(), token).Get(g.apiURL)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	return claims, json.NewDecoder(resp.Body).Decode(&claims)
}
