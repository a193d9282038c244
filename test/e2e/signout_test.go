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

// listener is an application that hears of sign-outs in a frame, and whose page
// watches the session in another.
type listener struct {
	id, home string
	pause    chan struct{} // which its frame waits for, unless nil

	mu               sync.Mutex
	requests         []url.Values // what its frame was loaded with, when that was over
	returns          int          // how often the person came back, and
	requestsAtReturn int          // how much had been heard when they first did
}

// startListeners returns two applications and the file that registers them.
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
		app.requests = append(app.requests, r.URL.Query())
	case "/bye":
		fmt.Fprint(w, `<p id="bye">Bye</p>`)
		app.mu.Lock()
		defer app.mu.Unlock()
		if app.returns++; app.returns == 1 {
			app.requestsAtReturn = len(app.requests)
		}
	default:
		fmt.Fprintf(w, `<p id="arrived">Welcome</p><iframe id="watch" src="%s/oauth2/sessions/check"></iframe>
			<script>
				window.said = [];
				addEventListener("message", event => said.push(event.data));
				window.put = question => document.getElementById("watch").contentWindow.postMessage(question, "%[1]s");
			</script>`, r.URL.Query().Get("iss"))
	}
}

func (app *listener) request(server *dev) string {
	return authorizeURL(server, url.Values{"client_id": {app.id}, "redirect_uri": {app.home + "/callback"}, "scope": {"openid"}})
}

// leave is the address at which the person is asked whether they want to leave.
func (app *listener) leave(server *dev) string {
	return server.issuer + "/oauth2/sessions/logout?" + url.Values{
		"client_id": {app.id}, "post_logout_redirect_uri": {app.home + "/bye"}, "state": {"a state"},
	}.Encode()
}

// signInAtBoth signs in at both applications and asks to leave the first.
func signInAtBoth(p *browser, server *dev, one, two *listener) {
	p.t.Helper()
	p.open(one.request(server))
	p.signIn(server.username, server.password)
	p.wantText("#arrived", "Welcome")
	p.open(two.request(server))
	p.wantText("#arrived", "Welcome")
	p.open(one.leave(server))
}

func TestClientsHearOfASignOutBeforeThePersonGoesOn(t *testing.T) {
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
		t.Errorf("the person ended at %s, want %s", p.address(), want)
	}
	for _, app := range []*listener{one, two} {
		app.mu.Lock()
		defer app.mu.Unlock()
		if len(app.requests) != 1 || len(app.requests[0]) != 2 || app.requests[0].Get("iss") != server.issuer || app.requests[0].Get("sid") == "" {
			t.Errorf("%s heard %v, want iss and sid", app.id, app.requests)
		}
	}
	if one.requestsAtReturn != 1 {
		t.Error("the person went on before the frames had loaded")
	}
}

func TestAFrameThatHangsIsNotWaitedFor(t *testing.T) {
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
		t.Errorf("the person was kept for %v, want some 4 s", took)
	}
	close(one.pause)
}

func TestASignOutGoesOnWithoutScript(t *testing.T) {
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
	if !p.eventually(`document.getElementById("bye") !== null`) { // by itself, after a while
		t.Errorf("the person is stuck at %s", p.address())
	}
}

func TestTheSignOutThatIsHeardIsGoodToLookAt(t *testing.T) {
	t.Parallel()
	one, two, file := startListeners(t)
	one.pause = make(chan struct{})
	server := startDev(t, "--clients", file)
	v := newTour(t)

	signInAtBoth(v.browser, server, one, two)
	v.click("#logout-confirm")
	if !v.eventually(`document.getElementById("continue") !== null`) {
		t.Fatal("there is no page to look at")
	}
	evaluate[bool](v.browser, `(() => { for (let i = 0; i < 1000; i++) clearTimeout(i); return true; })()`)
	v.check("signing-out")
	close(one.pause)
	v.wantText("#bye", "Bye")
}

// askFrame puts a question to the frame in the person's page and returns its answer.
func (p *browser) askFrame(question string) string {
	p.t.Helper()
	evaluate[bool](p, fmt.Sprintf("(said.length = 0, put(%q), true)", question))
	if !p.eventually("said.length === 1") {
		p.t.Fatalf("the frame does not answer %q", question)
	}
	return evaluate[string](p, "said[0]")
}

func TestAPageLearnsThatThePersonHasLeft(t *testing.T) {
	t.Parallel()
	one, two, file := startListeners(t)
	server := startDev(t, "--clients", file)
	p := newBrowser(t)

	p.open(one.request(server))
	p.signIn(server.username, server.password)
	p.wantText("#arrived", "Welcome")
	here, err := url.Parse(p.address())
	if err != nil {
		t.Fatal(err)
	}
	state := here.Query().Get("session_state")
	hash, _, _ := strings.Cut(state, ".")
	other := p.newTab()
	other.open(two.request(server))
	other.wantText("#arrived", "Welcome")

	for _, tc := range []struct {
		asker          *browser
		question, want string
	}{
		{p, "one " + state, "unchanged"},
		{p, "one " + state + "x", "changed"},
		{p, "two " + state, "changed"},
		{p, "one", "error"},
		{p, "", "error"},
		{p, "one " + hash, "error"},
		{other, "one " + state, "changed"}, // an origin that is not the client's
	} {
		if got := tc.asker.askFrame(tc.question); got != tc.want {
			t.Errorf("asked %q, the frame says %q, want %q", tc.question, got, tc.want)
		}
	}

	other.open(server.issuer + "/oauth2/sessions/logout")
	other.press("#logout-confirm")
	other.wantText("main", "signed out")
	if got := p.askFrame("one " + state); got != "changed" {
		t.Errorf("after the sign-out the frame says %q", got)
	}
	p.open(one.request(server))
	p.signIn(server.username, server.password)
	p.wantText("#arrived", "Welcome")
	if got := p.askFrame("one " + state); got != "changed" {
		t.Errorf("after another sign-in the frame says %q of the old state", got)
	}
}
