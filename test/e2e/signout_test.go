//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// listener is an application with a front-channel logout URI, whose page has a session
// management frame.
type listener struct {
	id, home string
	pause    chan struct{} // if not nil, the response of its logout frame waits for it

	mu               sync.Mutex
	frameRequests    []url.Values // parameters of completed logout frames
	returns          int          // number of redirects back
	requestsAtReturn int          // number of requests at the first redirect back
}

// startListeners returns two applications and the path of a file that registers them.
func startListeners(t *testing.T) (one, two *listener, file string) {
	t.Helper()
	one, two = &listener{id: "one"}, &listener{id: "two"}
	var entries []any
	for _, app := range []*listener{one, two} {
		server := httptest.NewServer(app)
		t.Cleanup(server.Close)
		app.home = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
		entries = append(entries, map[string]any{
			"client_id": app.id, "client_name": "Listener " + app.id, "redirect_uris": []string{app.home + "/callback"},
			"post_logout_redirect_uris": []string{app.home + "/bye"}, "token_endpoint_auth_method": "none", "scope": "openid",
			"frontchannel_logout_uri": app.home + "/front", "frontchannel_logout_session_required": true, "skip_consent": true,
		})
	}
	text, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "clients.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return one, two, file
}

func (app *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<link rel="icon" href="data:,">`)
	switch r.URL.Path {
	case "/front":
		if app.pause != nil {
			select {
			case <-app.pause:
			case <-r.Context().Done():
			}
		}
		app.mu.Lock()
		defer app.mu.Unlock()
		app.frameRequests = append(app.frameRequests, r.URL.Query())
	case "/bye":
		fmt.Fprint(w, `<p id="bye">Bye</p>`)
		app.mu.Lock()
		defer app.mu.Unlock()
		if app.returns++; app.returns == 1 {
			app.requestsAtReturn = len(app.frameRequests)
		}
	default:
		fmt.Fprintf(w, `<p id="arrived">Welcome</p><iframe id="watch" src="%s/oauth2/sessions/check"></iframe>
			<script>
				window.received = [];
				addEventListener("message", event => received.push(event.data));
				window.put = message => document.getElementById("watch").contentWindow.postMessage(message, "%[1]s");
			</script>`, r.URL.Query().Get("iss"))
	}
}

func (app *listener) request(server *dev) string {
	return server.authorizeURL(url.Values{"client_id": {app.id}, "redirect_uri": {app.home + "/callback"}, "scope": {"openid"}})
}

// leave returns the URL of a logout request that requires a confirmation.
func (app *listener) leave(server *dev) string {
	return server.issuer + "/oauth2/sessions/logout?" + url.Values{
		"client_id": {app.id}, "post_logout_redirect_uri": {app.home + "/bye"}, "state": {"a state"},
	}.Encode()
}

// signInAtBoth signs in at both applications and opens the logout page of the first.
func signInAtBoth(p *browser, server *dev, one, two *listener) {
	p.t.Helper()
	p.open(one.request(server))
	p.signIn(server.username, server.password)
	p.wantText("#arrived", "Welcome")
	p.open(two.request(server))
	p.wantText("#arrived", "Welcome")
	p.open(one.leave(server))
}

func TestFrontChannelLogoutBeforeTheRedirect(t *testing.T) {
	t.Parallel()
	one, two, file := startListeners(t)
	one.pause = make(chan struct{})
	server := startDev(t, "--clients", file)
	p := newBrowser(t)

	signInAtBoth(p, server, one, two)
	time.AfterFunc(2*time.Second, func() { close(one.pause) })
	p.click("#logout-confirm")
	p.wantText("#bye", "Bye")
	if want := one.home + "/bye?state=a+state"; p.address() != want {
		t.Errorf("the browser ended at %s, want %s", p.address(), want)
	}
	for _, app := range []*listener{one, two} {
		app.mu.Lock()
		defer app.mu.Unlock()
		if len(app.frameRequests) != 1 || len(app.frameRequests[0]) != 2 || app.frameRequests[0].Get("iss") != server.issuer || app.frameRequests[0].Get("sid") == "" {
			t.Errorf("%s received %v, want iss and sid", app.id, app.frameRequests)
		}
	}
	if one.requestsAtReturn != 1 {
		t.Error("the redirect came before the frames had loaded")
	}
}

func TestHangingLogoutFrameTimesOut(t *testing.T) {
	t.Parallel()
	one, two, file := startListeners(t)
	one.pause = make(chan struct{})
	server := startDev(t, "--clients", file)
	p := newBrowser(t)

	signInAtBoth(p, server, one, two)
	began := time.Now()
	p.click("#logout-confirm")
	p.wantText("#bye", "Bye")
	if took := time.Since(began); took < 3*time.Second || took > 10*time.Second {
		t.Errorf("the redirect took %v, want about 4 s", took)
	}
	close(one.pause)
}

func TestSignOutWithoutScript(t *testing.T) {
	t.Parallel()
	one, two, file := startListeners(t)
	server := startDev(t, "--clients", file)
	p := newBrowser(t)
	p.disableScript()

	signInAtBoth(p, server, one, two)
	p.press("#logout-confirm")
	p.press("#continue")
	p.wantText("#bye", "Bye")

	signInAtBoth(p, server, one, two)
	p.press("#logout-confirm")
	if !p.eventually(`document.getElementById("bye") !== null`) { // automatically, after some seconds
		t.Errorf("no redirect from %s", p.address())
	}
}

func TestFrontChannelLogoutPageIsAccessible(t *testing.T) {
	t.Parallel()
	one, two, file := startListeners(t)
	one.pause = make(chan struct{})
	server := startDev(t, "--clients", file)
	v := newTour(t)

	signInAtBoth(v.browser, server, one, two)
	v.click("#logout-confirm")
	if !v.eventually(`document.getElementById("continue") !== null`) {
		t.Fatal("the page does not appear")
	}
	evaluate[bool](v.browser, `(() => { for (let i = 0; i < 1000; i++) clearTimeout(i); return true; })()`)
	v.check("signing-out")
	close(one.pause)
	v.wantText("#bye", "Bye")
}

// askFrame sends a message to the session management frame and returns its response.
func (p *browser) askFrame(message string) string {
	p.t.Helper()
	evaluate[bool](p, fmt.Sprintf("(received.length = 0, put(%q), true)", message))
	if !p.eventually("received.length === 1") {
		p.t.Fatalf("no response of the frame to %q", message)
	}
	return evaluate[string](p, "received[0]")
}

func TestSessionManagementFrameReportsSignOut(t *testing.T) {
	t.Parallel()
	one, two, file := startListeners(t)
	server := startDev(t, "--clients", file)
	p := newBrowser(t)

	p.open(one.request(server))
	p.signIn(server.username, server.password)
	p.wantText("#arrived", "Welcome")
	current, err := url.Parse(p.address())
	if err != nil {
		t.Fatal(err)
	}
	state := current.Query().Get("session_state")
	hash, _, _ := strings.Cut(state, ".")
	other := p.newTab()
	other.open(two.request(server))
	other.wantText("#arrived", "Welcome")

	for _, tc := range []struct {
		tab           *browser
		message, want string
	}{
		{p, "one " + state, "unchanged"},
		{p, "one " + state + "x", "changed"},
		{p, "two " + state, "changed"},
		{p, "one", "error"},
		{p, "", "error"},
		{p, "one " + hash, "error"},
		{other, "one " + state, "changed"}, // not an origin of the client
	} {
		if got := tc.tab.askFrame(tc.message); got != tc.want {
			t.Errorf("response of the frame to %q = %q, want %q", tc.message, got, tc.want)
		}
	}

	other.open(server.issuer + "/oauth2/sessions/logout")
	other.press("#logout-confirm")
	other.wantText("main", "signed out")
	if got := p.askFrame("one " + state); got != "changed" {
		t.Errorf("response of the frame after sign-out = %q", got)
	}
	p.open(one.request(server))
	p.signIn(server.username, server.password)
	p.wantText("#arrived", "Welcome")
	if got := p.askFrame("one " + state); got != "changed" {
		t.Errorf("response of the frame for the old state after another sign-in = %q", got)
	}
}
