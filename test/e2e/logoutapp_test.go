//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// logoutApp is a custom logout app, which replaces the sign-out page of the server. It
// uses the protocol of Ory Hydra.
type logoutApp struct {
	t     *testing.T
	url   string
	admin string // URL of the admin API
}

func startLogoutApp(t *testing.T) *logoutApp {
	t.Helper()
	app := &logoutApp{t: t}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	app.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return app
}

func (app *logoutApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	challenge := r.FormValue("logout_challenge")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch {
	case r.URL.Path == "/bye":
		fmt.Fprint(w, `<link rel="icon" href="data:,"><p id="bye">See you at the operator's</p>`)
	case r.URL.Path != "/logout":
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodGet:
		request := app.call(http.MethodGet, "", challenge)
		client, _ := request["client"].(map[string]any)
		fmt.Fprintf(w, `<link rel="icon" href="data:,"><p id="asks">%s may leave %s</p><form method="post">
			<input type="hidden" name="logout_challenge" value="%s">
			<button id="stay" name="answer" value="stay">Stay</button><button id="leave" name="answer" value="leave">Leave</button></form>`,
			html.EscapeString(fmt.Sprint(request["subject"])), html.EscapeString(fmt.Sprint(client["client_name"])), html.EscapeString(challenge))
	case r.FormValue("answer") == "leave":
		http.Redirect(w, r, fmt.Sprint(app.call(http.MethodPut, "/accept", challenge)["redirect_to"]), http.StatusSeeOther)
	default:
		app.call(http.MethodPut, "/reject", challenge)
		fmt.Fprint(w, `<link rel="icon" href="data:,"><p id="stays">You stay</p>`)
	}
}

// call reads, accepts or rejects a logout request through the admin API.
func (app *logoutApp) call(method, path, challenge string) (request map[string]any) {
	r, err := http.NewRequest(method, app.admin+"/admin/oauth2/auth/requests/logout"+path+"?logout_challenge="+url.QueryEscape(challenge), nil)
	if err != nil {
		app.t.Error(err)
		return nil
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		app.t.Error(err)
		return nil
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.StatusCode >= http.StatusBadRequest || len(body) > 0 && json.Unmarshal(body, &request) != nil {
		app.t.Errorf("%s %s: %d %s", method, path, response.StatusCode, body)
	}
	return request
}

func TestCustomLogoutApp(t *testing.T) {
	t.Parallel()
	app := startLogoutApp(t)
	server := startDev(t, "--set", "logout_url="+app.url+"/logout", "--set", "post_logout_url="+app.url+"/bye", "--set", "admin_auth=none")
	app.admin = server.admin
	p := newBrowser(t)
	demoFlow{server.demo, server.username, server.password}.signIn(p)

	p.press("#signout")
	p.wantText("#asks", "may leave")
	p.press("#stay")
	p.wantText("#stays", "You stay")
	p.open(server.demo)
	p.press("#signin")
	p.wantText("#greeting", "Hello") // no page of the server

	p.open(server.issuer + "/oauth2/sessions/logout")
	p.press("#leave")
	p.wantText("#bye", "at the operator's")
	p.open(server.authorizeURL(nil))
	p.wantFocus("username")
}
