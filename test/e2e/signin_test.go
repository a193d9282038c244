//go:build e2e

package e2e

import (
	"maps"
	"net/url"
	"slices"
	"testing"
	"time"
)

func TestDevSignsAPersonIn(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)

	p.open(server.demo)
	p.press("#signin")
	p.wantFocus("username")
	mistypePassword(p, server)
	p.write("#password", server.password)
	p.press("#login")
	denyConsent(p)
	p.press("#accept")
	checkResponses(p, server)
	refreshTokens(p)
	authenticateAgain(p, server)

	p.press("#signout")
	p.wantText("#demo-signed-out", "signed out")
	p.press("#again")
	p.press("#silent")
	p.wantText("#demo-error-code", "login_required")
}

func mistypePassword(p *browser, server *dev) {
	p.t.Helper()
	if status := p.signIn(server.username, "not-the-password"); status != 403 {
		p.t.Errorf("a wrong password was answered with %d, want 403", status)
	}
	p.wantText("#fault", "password")
	p.wantFocus("password")
	if got := evaluate[string](p, "username.value + '/' + password.value"); got != server.username+"/" {
		p.t.Errorf("after a wrong password the form holds %q, want the user name alone", got)
	}
}

func denyConsent(p *browser) {
	p.t.Helper()
	p.wantText("h1", "Demo app wants to access your account")
	p.press("#deny")
	p.wantText("#demo-error-code", "access_denied")
	p.press("#again")
	p.press("#signin") // whose session has begun, and who is asked nothing but consent
}

func checkResponses(p *browser, server *dev) {
	p.t.Helper()
	p.wantText("#greeting", "Hello, Demo Person")
	claims := p.claims()
	if claims["iss"] != server.issuer || claims["aud"] == nil || claims["nonce"] == nil {
		p.t.Errorf("the ID token says %v", claims)
	}
	userinfo := decode(p, p.read("#userinfo"))
	if userinfo["sub"] != claims["sub"] {
		p.t.Errorf("userinfo is about %v, the ID token about %v", userinfo["sub"], claims["sub"])
	}
	for scope, claim := range map[string]string{
		"profile": "birthdate", "email": "email", "address": "address", "phone": "phone_number",
	} {
		if userinfo[claim] == nil {
			p.t.Errorf("userinfo lacks %s, which the scope %s allows: %v", claim, scope, userinfo)
		}
	}
	for _, member := range []string{"access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token"} {
		if p.tokens()[member] == "" {
			p.t.Errorf("the token response lacks %s: %v", member, p.tokens())
		}
	}
	p.press("#introspect")
	if answer := decode(p, p.read("#introspection")); answer["active"] != true || answer["sub"] != claims["sub"] {
		p.t.Errorf("introspection says %v of a living token", answer)
	}
}

func refreshTokens(p *browser) {
	p.t.Helper()
	before := p.tokens()
	p.press("#refresh")
	p.wantText("#refreshed-at", ":")
	after := p.tokens()
	for _, member := range []string{"access_token", "refresh_token", "id_token"} {
		if before[member] == after[member] {
			p.t.Errorf("refreshing left %s as it was", member)
		}
	}
}

func authenticateAgain(p *browser, server *dev) {
	p.t.Helper()
	first := p.authTime()
	p.press("#silent")
	p.wantText("#notice", "without showing a page")
	if got := p.authTime(); got != first {
		p.t.Errorf("auth_time without a page is %d, want the %d of the sign-in", got, first)
	}

	afterSecond(first)
	p.press("#fresh")
	p.wantText("h1", "Confirm it is you")
	p.write("#password", server.password)
	p.press("#login")
	p.wantText("#notice", "fresh sign-in")
	second := p.authTime()
	if second <= first {
		p.t.Errorf("auth_time after a fresh sign-in is %d, want later than %d", second, first)
	}

	p.press("#maxage")
	p.wantText("#notice", "no older than 10 seconds")
	afterSecond(second + 1)
	p.open(authorizeURL(server, url.Values{"max_age": {"1"}}))
	p.wantText("h1", "Confirm it is you")
	p.open(server.demo)
}

// afterSecond waits until the clock shows more than a second of its own: what
// happens then is later, and the answer can show it.
func afterSecond(second int64) {
	for time.Now().Unix() <= second {
		time.Sleep(50 * time.Millisecond)
	}
}

// authorizeURL is a request of the demo application that the demo does not make.
func authorizeURL(server *dev, more url.Values) string {
	query := url.Values{
		"client_id": {"demo-app"}, "redirect_uri": {server.demo + "/callback"}, "response_type": {"code"}, "scope": {"openid"},
		"state": {"a-state-of-the-test"}, "nonce": {"a-nonce-of-the-test"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	maps.Copy(query, more)
	return server.issuer + "/oauth2/auth?" + query.Encode()
}

func TestTheFirstAdministratorIsMadeOnce(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)

	p.open(server.setup)
	p.write("#username", "root")
	p.write("#password", "seven unrelated words")
	p.write("#repeat", "eight unrelated words")
	if status := p.press("#setup"); status != 400 {
		t.Errorf("two different passwords were answered with %d, want 400", status)
	}
	p.wantText("#fault", "do not match")
	p.write("#password", "seven unrelated words")
	p.write("#repeat", "seven unrelated words")
	p.press("#setup")
	p.wantText("main", "Set-up complete", "root")

	if status := newBrowser(t).open(server.setup); status != 410 {
		t.Errorf("the set-up link was answered with %d the second time, want 410", status)
	}
	p.open(server.demo)
	p.press("#signin")
	p.signIn("root", "seven unrelated words")
	p.wantText("main", "root")
}

func TestARestartKeepsEverything(t *testing.T) {
	t.Parallel()
	first := startDev(t)
	p := newBrowser(t)
	demoFlow{first.demo, first.username, first.password}.signIn(p)
	subject, kids := p.claims()["sub"], first.kids()
	p.open(first.setup)
	p.write("#username", "root")
	p.write("#password", "seven unrelated words")
	p.write("#repeat", "seven unrelated words")
	p.press("#setup")
	first.stop()

	second := first.again()
	if second.issuer != first.issuer || second.password != first.password {
		t.Errorf("after a restart the issuer is %s and the password %q, want %s and %q",
			second.issuer, second.password, first.issuer, first.password)
	}
	if want := "done: there is an administrator"; second.setup != want {
		t.Errorf("after a restart the banner says of set-up %q, want %q", second.setup, want)
	}
	if got := second.kids(); !maps.Equal(got, kids) {
		t.Errorf("after a restart the keys are %v, want %v", slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(kids)))
	}
	p.open(second.demo) // the demo itself keeps nothing
	p.press("#silent")
	p.wantText("#notice", "without showing a page")
	if got := p.claims()["sub"]; got != subject {
		t.Errorf("after a restart the subject is %v, want %v", got, subject)
	}
	second.stop()
}
