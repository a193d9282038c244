//go:build e2e

package e2e

import (
	"maps"
	"net/url"
	"slices"
	"testing"
	"time"
)

func TestDevSignIn(t *testing.T) {
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
		p.t.Errorf("status for a wrong password = %d, want 403", status)
	}
	p.wantText("#fault", "password")
	p.wantFocus("password")
	if got := evaluate[string](p, "username.value + '/' + password.value"); got != server.username+"/" {
		p.t.Errorf("after a wrong password the form has %q, want only the user name", got)
	}
}

func denyConsent(p *browser) {
	p.t.Helper()
	p.wantText("h1", "Demo app wants to access your account")
	p.press("#deny")
	p.wantText("#demo-error-code", "access_denied")
	p.press("#again")
	p.press("#signin") // has a session, so only the consent page is shown
}

func checkResponses(p *browser, server *dev) {
	p.t.Helper()
	p.wantText("#greeting", "Hello, Demo Person")
	claims := p.claims()
	if claims["iss"] != server.issuer || claims["aud"] == nil || claims["nonce"] == nil {
		p.t.Errorf("claims of the ID token = %v", claims)
	}
	userinfo := decode(p, p.read("#userinfo"))
	if userinfo["sub"] != claims["sub"] {
		p.t.Errorf("sub of userinfo is %v, of the ID token %v", userinfo["sub"], claims["sub"])
	}
	for scope, claim := range map[string]string{
		"profile": "birthdate", "email": "email", "address": "address", "phone": "phone_number",
	} {
		if userinfo[claim] == nil {
			p.t.Errorf("userinfo lacks %s, a claim of the scope %s: %v", claim, scope, userinfo)
		}
	}
	for _, member := range []string{"access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token"} {
		if p.tokens()[member] == "" {
			p.t.Errorf("the token response lacks %s: %v", member, p.tokens())
		}
	}
	p.press("#introspect")
	if got := decode(p, p.read("#introspection")); got["active"] != true || got["sub"] != claims["sub"] {
		p.t.Errorf("introspection of an active token = %v", got)
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
			p.t.Errorf("the refresh returned the same %s", member)
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
	p.wantText("#notice", "You signed in again")
	second := p.authTime()
	if second <= first {
		p.t.Errorf("auth_time after a fresh sign-in is %d, want later than %d", second, first)
	}

	p.press("#maxage")
	p.wantText("#notice", "within the last 10 seconds")
	afterSecond(second + 1)
	p.open(server.authorizeURL(url.Values{"max_age": {"1"}}))
	p.wantText("h1", "Confirm it is you")
	p.open(server.demo)
}

// afterSecond waits until the Unix time is later than second, so that a later auth_time
// differs.
func afterSecond(second int64) {
	for time.Now().Unix() <= second {
		time.Sleep(50 * time.Millisecond)
	}
}

func TestTheFirstAdministratorIsCreatedOnce(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)

	p.open(server.setup)
	p.write("#username", "root")
	p.write("#password", "seven unrelated words")
	p.write("#repeat", "eight unrelated words")
	if status := p.press("#setup"); status != 400 {
		t.Errorf("status for two different passwords = %d, want 400", status)
	}
	p.wantText("#fault", "do not match")
	p.write("#password", "seven unrelated words")
	p.write("#repeat", "seven unrelated words")
	p.press("#setup")
	p.arrive("#enrol") // the console needs a second factor

	if status := newBrowser(t).open(server.setup); status != 410 {
		t.Errorf("second status of the set-up link = %d, want 410", status)
	}
	p.open(server.demo)
	p.press("#signin") // with the session of the set-up, so that only the consent page is shown
	p.wantText("main", "root")
}

func TestDataSurvivesARestart(t *testing.T) {
	t.Parallel()
	first := startDev(t)
	p := newBrowser(t)
	demoFlow{first.demo, first.username, first.password}.signIn(p)
	subject, kids := p.claims()["sub"], first.kids()
	administrator := newBrowser(t) // set-up signs its browser in
	administrator.open(first.setup)
	administrator.write("#username", "root")
	administrator.write("#password", "seven unrelated words")
	administrator.write("#repeat", "seven unrelated words")
	administrator.press("#setup")
	first.stop()

	second := first.again()
	if second.issuer != first.issuer || second.password != first.password {
		t.Errorf("after a restart the issuer is %s and the password %q, want %s and %q",
			second.issuer, second.password, first.issuer, first.password)
	}
	if want := "done: an administrator exists"; second.setup != want {
		t.Errorf("after a restart the banner has set-up %q, want %q", second.setup, want)
	}
	if got := second.kids(); !maps.Equal(got, kids) {
		t.Errorf("after a restart the keys are %v, want %v", slices.Collect(maps.Keys(got)), slices.Collect(maps.Keys(kids)))
	}
	p.open(second.demo) // the demo stores nothing
	p.press("#silent")
	p.wantText("#notice", "without showing a page")
	if got := p.claims()["sub"]; got != subject {
		t.Errorf("after a restart the subject is %v, want %v", got, subject)
	}
	second.stop()
}
