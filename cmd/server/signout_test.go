package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

const (
	firstSecret  = "first-secret-first-secret-first-s"
	secondSecret = "second-secret-second-secret-seco"
)

// startTelling serves db with two clients that hear of sign-outs, first and second,
// and returns what arrives for them.
func startTelling(t *testing.T, db *store.Store, settings map[string]string) (*server, <-chan url.Values) {
	t.Helper()
	arrived := make(chan url.Values, 10)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.ParseForm() == nil {
			r.PostForm.Set("to", r.URL.Path)
			arrived <- r.PostForm
		}
	}))
	t.Cleanup(receiver.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: receiver.Certificate().Raw})
	if err := os.WriteFile(ca, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"outbound_allow_private": "true", "outbound_ca_file": ca}
	maps.Copy(all, settings)
	s := start(t, db, all)
	host := receiver.URL
	clients := `[
		{"client_id": "first", "client_secret": "` + firstSecret + `", "redirect_uris": ["` + host + `/cb"],
		 "post_logout_redirect_uris": ["` + host + `/bye"], "scope": "openid", "skip_consent": true, "id_token_signed_response_alg": "ES256",
		 "frontchannel_logout_uri": "` + host + `/front?of=first", "frontchannel_logout_session_required": true,
		 "backchannel_logout_uri": "` + host + `/back/first", "backchannel_logout_session_required": true},
		{"client_id": "second", "client_secret": "` + secondSecret + `", "redirect_uris": ["` + host + `/cb"],
		 "scope": "openid", "skip_consent": true, "backchannel_logout_uri": "` + host + `/back/second"}
	]`
	if _, _, err := importClients(t.Context(), s.config, s.store, s.hasher, []byte(clients)); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() { s.courier.Run(ctx); close(ended) }()
	t.Cleanup(func() { stop(); <-ended })
	return s, arrived
}

// visitClient lets ada use a client, and returns the answer to it.
func (b *browser) visitClient(t *testing.T, id string) url.Values {
	t.Helper()
	c, err := b.s.store.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	p := b.authorize(asking("client_id", id, "redirect_uri", c.RedirectURIs[0], "scope", "openid"))
	answer := p.location().Query()
	if answer.Get("code") == "" {
		t.Fatalf("no code: %d to %q\n%s", p.status, p.header.Get("Location"), p.body)
	}
	return answer
}

// idToken redeems the code of an answer.
func (s *server) idToken(t *testing.T, id, secret, code string) string {
	t.Helper()
	c, err := s.store.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/oauth2/token",
		strings.NewReader(exchanging(code, "redirect_uri", c.RedirectURIs[0]).Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(id, secret)
	token := text(send(t, http.DefaultClient, r).json(t)["id_token"])
	if token == "" {
		t.Fatal("no ID token")
	}
	return token
}

// Who used two clients and signs out at one is signed out at both: each gets a token
// that verifies against the published keys, and the one with a page sees it loaded
// before the person goes on.
func TestSigningOutIsHeardByAllClients(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s, arrived := startTelling(t, db, nil)
		b := s.browser()
		idToken := s.idToken(t, "first", firstSecret, b.visitClient(t, "first").Get("code"))
		b.visitClient(t, "second")
		sid := text(claims(t, idToken)["sid"])
		first, err := s.store.Client(t.Context(), "first")
		if err != nil {
			t.Fatal(err)
		}
		bye := first.PostLogoutRedirectURIs[0]

		p := b.get("/oauth2/sessions/logout?" + url.Values{
			"id_token_hint": {idToken}, "post_logout_redirect_uri": {bye}, "state": {"a state"},
		}.Encode())
		frame := html.EscapeString(first.FrontchannelLogoutURI + "&iss=" + url.QueryEscape(s.url) + "&sid=" + sid)
		for _, want := range []string{`<iframe src="` + frame + `"`, `href="` + html.EscapeString(bye) + "?state=a&#43;state"} {
			if p.status != http.StatusOK || !strings.Contains(p.body, want) {
				t.Errorf("%d, want %s\n%s", p.status, want, p.body)
			}
		}
		origin := strings.TrimSuffix(bye, "/bye")
		if csp := p.header.Get("Content-Security-Policy"); !strings.Contains(csp, "frame-src "+origin) || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("Content-Security-Policy = %s", csp)
		}

		heard := map[string]bool{}
		for range 2 {
			form := next(t, arrived)
			id := strings.TrimPrefix(form.Get("to"), "/back/")
			heard[id] = true
			form.Del("to")
			if len(form) != 1 {
				t.Errorf("%s was posted %v, want the token alone", id, form)
			}
			said := s.verifyLogoutToken(t, form.Get("logout_token"))
			if said["aud"] != id || said["sid"] != sid || said["sub"] != claims(t, idToken)["sub"] || said["nonce"] != nil || said["iss"] != s.url {
				t.Errorf("%s was told %v", id, said)
			}
		}
		if !heard["first"] || !heard["second"] {
			t.Errorf("told were %v, want both", heard)
		}
		if got := b.get("/oauth2/auth?" + asking("prompt", "none").Encode()).location().Query().Get("error"); got != "login_required" {
			t.Errorf("afterwards prompt=none gets %q", got)
		}
	})
}

// next waits for what a client is told.
func next(t *testing.T, arrived <-chan url.Values) url.Values {
	t.Helper()
	select {
	case form := <-arrived:
		return form
	case <-time.After(30 * time.Second):
		t.Fatal("a client was told nothing")
		return nil
	}
}

// verifyLogoutToken reads a logout token as a client would.
func (s *server) verifyLogoutToken(t *testing.T, token string) map[string]any {
	t.Helper()
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	header := signed.Signatures[0].Header
	if header.ExtraHeaders["typ"] != "logout+jwt" {
		t.Errorf("typ = %v", header.ExtraHeaders["typ"])
	}
	set := s.keySet(t)
	payload, err := signed.Verify(set.Key(header.KeyID)[0])
	if err != nil {
		t.Fatal(err)
	}
	var said map[string]any
	if err := json.Unmarshal(payload, &said); err != nil {
		t.Fatal(err)
	}
	if _, ok := said["events"].(map[string]any)["http://schemas.openid.net/event/backchannel-logout"].(map[string]any); !ok {
		t.Errorf("events = %v", said["events"])
	}
	return said
}

// Clients that hear of nothing cost nothing.
func TestOnlyClientsThatHearOfItJoinASession(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s, _ := startTelling(t, db, nil)
		b := s.browser()
		b.code(asking())
		b.visitClient(t, "second")
		for id, want := range map[string]int64{"web": 2, "second": 3} {
			c, err := db.Client(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			before := db.Statements()
			b.get("/oauth2/auth?" + asking("client_id", id, "redirect_uri", c.RedirectURIs[0], "scope", "openid").Encode())
			if got := db.Statements() - before; got != want {
				t.Errorf("authorize for %s took %d statements, want %d", id, got, want)
			}
		}
	})
}

// ending is a store in which the session is over just before a client joins it.
type ending struct{ *store.Store }

func (e ending) JoinSession(ctx context.Context, sessionID, clientID, knownAs string, now time.Time) error {
	if _, err := e.EndSession(ctx, sessionID, now); err != nil {
		return err
	}
	return e.Store.JoinSession(ctx, sessionID, clientID, knownAs, now)
}

// A client that would never hear of the end of a session gets no answer in it.
func TestASessionThatEndsWhileAClientIsAnsweredGivesNothing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s, _ := startTelling(t, db, nil)
		c, err := db.Client(t.Context(), "first")
		if err != nil {
			t.Fatal(err)
		}
		query := func(changes ...string) string {
			return "/oauth2/auth?" + asking(append([]string{
				"client_id", "first", "redirect_uri", c.RedirectURIs[0], "scope", "openid",
			}, changes...)...).Encode()
		}
		for name, tc := range map[string]struct{ prompt, want string }{
			"in silence": {"none", "error=login_required"},
			"otherwise":  {"", "/login?request="},
		} {
			b := s.browser()
			b.visitClient(t, "second")
			s.oauth2.Sessions = ending{db}
			if to := b.get(query("prompt", tc.prompt)).header.Get("Location"); !strings.Contains(to, tc.want) || strings.Contains(to, "code=") {
				t.Errorf("%s: to %s, want %s", name, to, tc.want)
			}
			s.oauth2.Sessions = db
		}
	})
}

// The state of an answer is what a page at the client's origin finds in the frame,
// until somebody signs out or in.
func TestTheStateOfASessionGoesWithTheAnswer(t *testing.T) {
	t.Parallel()

	s, _ := startTelling(t, storetest.New(t), nil)
	b := s.browser()
	home, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	holds := func(state, clientID, origin string) bool {
		shown := ""
		for _, c := range b.client.Jar.Cookies(home) {
			if c.Name == s.cookies.StateName() {
				shown = c.Value
			}
		}
		hash, salt, _ := strings.Cut(state, ".")
		sum := sha256.Sum256([]byte(clientID + " " + origin + " " + shown + " " + salt))
		return shown != "" && hash == base64.RawURLEncoding.EncodeToString(sum[:])
	}
	state := b.authorize(asking()).location().Query().Get("session_state")
	if !holds(state, "web", "https://client.example") {
		t.Errorf("session_state %q does not hold", state)
	}
	if holds(state, "web", "https://evil.example") || holds(state, "post", "https://client.example") {
		t.Error("the state holds for others too")
	}
	if got := b.authorize(asking("scope", "api")).location().Query(); got.Has("session_state") {
		t.Error("an answer that is not of OpenID Connect has a session_state")
	}
	if answer := b.get("/oauth2/auth?" + asking("prompt", "none", "scope", "openid nonsense", "nonce", "n").Encode()).location().Query(); !holds(answer.Get("session_state"), "web", "https://client.example") {
		t.Errorf("a silent answer has %v", answer)
	}

	b.authorize(asking("prompt", "login"))
	if !holds(state, "web", "https://client.example") {
		t.Error("confirming the password changed the state, though the person is the same")
	}
	// The session ends elsewhere. The browser learns of it when it comes.
	if _, err := s.store.EndSessionsOf(t.Context(), s.subject(t, "ada"), s.time()); err != nil {
		t.Fatal(err)
	}
	b.get("/oauth2/auth?" + asking("prompt", "none").Encode())
	if holds(state, "web", "https://client.example") {
		t.Error("the state outlived its session")
	}
}

func (s *server) subject(t *testing.T, username string) string {
	t.Helper()
	a, err := s.store.AccountByUsername(t.Context(), username)
	if err != nil {
		t.Fatal(err)
	}
	return a.Subject
}

// The frame may be held by anybody's page, and by it alone is anything of ours.
func TestOnlyTheFrameThatWatchesIsFramed(t *testing.T) {
	t.Parallel()

	s := start(t, storetest.New(t), nil)
	b := s.browser()
	address := text(b.get("/.well-known/openid-configuration").json(t)["check_session_iframe"])
	p := b.get(address)
	if p.status != http.StatusOK || !strings.Contains(p.header.Get("Content-Security-Policy"), "frame-ancestors *") ||
		p.header.Get("X-Frame-Options") != "" || p.header.Get("Set-Cookie") != "" {
		t.Errorf("%s: %d %v", address, p.status, p.header)
	}
	script := p.attribute("src", func(a map[string]string) bool { return a["data-cookie"] == s.cookies.StateName() })
	if got := b.get(script); got.status != http.StatusOK || !strings.Contains(got.body, "postMessage") {
		t.Errorf("its script %q: %d", script, got.status)
	}
	if p := b.post("/oauth2/sessions/check", url.Values{}); p.status != http.StatusMethodNotAllowed {
		t.Errorf("a post to it: %d, want 405", p.status)
	}
}

func TestNoticesAreListedRetriedAndDeleted(t *testing.T) {
	t.Parallel()

	sh, s := visited(t)
	sh.must("clients", "import", sh.file("clients.json", `[
		{"client_id": "told", "redirect_uris": ["https://a.example/cb"], "backchannel_logout_uri": "https://a.example/out"},
		{"client_id": "other", "redirect_uris": ["https://a.example/cb"], "backchannel_logout_uri": "https://a.example/out"}]`))
	_, n := sh.visit(s, "ada", "told", 0, true)
	for _, id := range []string{"told", "other"} {
		if err := s.JoinSession(t.Context(), n.ID, id, "", time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	list := func(args ...string) []noticeView {
		var all []noticeView
		sh.json(&all, append([]string{"notices", "list"}, args...)...)
		return all
	}
	sh.must("sessions", "revoke", "--", n.ID)
	if got := list(); len(got) != 2 {
		t.Fatalf("ending a session by command left the notices %+v, want two", got)
	}
	failed, err := s.ClaimNotice(t.Context(), "told", time.Now(), time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	failed.Status, failed.Fault = 503, "answered 503"
	if err := s.EndNotice(t.Context(), failed, outbox.Failed, time.Now()); err != nil {
		t.Fatal(err)
	}
	got := list("--client=told", "--state=failed")
	if len(got) != 1 || got[0].ID != failed.ID || got[0].Fault != "answered 503" || got[0].Attempts != 1 || got[0].SessionID != n.ID {
		t.Errorf("notices list = %+v, want what failed", got)
	}
	contains(t, sh.must("notices", "list"), "answered 503", "told", "other", "pending", "failed")
	if got := list("--state=delivered"); len(got) != 0 {
		t.Errorf("delivered are %+v", got)
	}

	contains(t, sh.refused("notices", "retry"), "--all")
	contains(t, sh.refused("notices", "retry", "--all", failed.ID), "--all")
	contains(t, sh.refused("notices", "retry", "--client=told", failed.ID), "--all")
	contains(t, sh.refused("notices", "retry", failed.ID, "unknown"), "nothing was retried", "unknown: there is no such notice")
	contains(t, sh.must("notices", "retry", "--all", "--client=told"), "1 due now")
	if got := list("--client=told"); got[0].State != "pending" || got[0].DueAt.After(time.Now()) {
		t.Errorf("a retried notice is %+v", got[0])
	}
	contains(t, sh.must("notices", "retry", failed.ID), "1 due now")
	contains(t, sh.refused("notices", "delete", failed.ID, "unknown"), "nothing was deleted", "unknown: there is no such notice")
	contains(t, sh.must("notices", "delete", failed.ID), "deleted "+failed.ID)
	if got := list(); len(got) != 1 || got[0].ClientID != "other" {
		t.Errorf("left are %+v, want the other", got)
	}
}
