//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	devtools "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"
)

// A user manages the account without an application: withdraws the access of an application, ends
// another session and all others, with the tokens that applications got in them, and changes the
// password from a second browser.
func TestAccountPages(t *testing.T) {
	t.Parallel()
	eachEngine(t, nil, testAccountPages)
}

func testAccountPages(server *service) {
	t, v, other := server.t, server.newTour(), newBrowser(server.t)
	account := server.issuer + "/account"

	v.open(account)
	v.signIn(server.username, server.password)
	v.wantText("h1", "Hello")
	v.check("account-overview")
	v.open(account + "/sessions")
	v.wantText(".session", "Chrome on Linux", "This device")
	v.check("account-sessions-one")
	v.open(account + "/applications")
	v.wantText("main", "No application uses your account yet")
	v.check("account-applications-none")

	other.open(server.demo)
	other.press("#signin")
	other.signIn(server.username, server.password)
	other.press("#accept")
	v.open(account + "/applications")
	v.check("account-applications")
	v.press("button[name=revoke]")
	v.checkInEachLanguage("account-revoke")
	v.press("#confirm")
	v.wantText("#status", "can no longer use your account")
	v.wantNoElement(".application")
	v.check("account-revoked")
	other.press("#refresh")
	other.wantText("#demo-error-code", "invalid_grant")

	v.open(account + "/sessions")
	v.check("account-sessions")
	v.press("button[name=end]")
	v.wantText("#status", "The session has ended")
	other.open(account)
	other.wantFocus("username")
	third := newBrowser(t)
	demoFlow{server.demo, server.username, server.password}.signIn(third)
	v.open(account + "/sessions")
	v.press("#end-others")
	v.wantText("#status", "1 other session has ended")
	third.press("#refresh")
	third.wantText("#demo-error-code", "invalid_grant")
	other.signIn(server.username, server.password)

	const renewed = "eleven unrelated apple words"
	other.open(account + "/password")
	other.write("#current-password", server.password)
	other.write("#new-password", renewed)
	other.press("#save")
	other.wantText("#status", "All other sessions have ended")
	v.open(account + "/password")
	v.signIn(server.username, renewed)
	v.check("account-password")
	v.write("#current-password", server.password)
	v.write("#new-password", "nine unrelated orange words")
	if status := v.press("#save"); status != 403 {
		t.Errorf("the previous password: %d", status)
	}
	v.check("account-password-error")
	for _, page := range []string{"profile", "activity", "data"} {
		v.open(account + "/" + page)
		v.check("account-" + page)
	}
	v.press("#download")
	v.wantText("#file", "Download")
	v.check("account-data-ready")
	file := decode(v.browser, v.download("#file", "account.json"))
	for _, member := range []string{"account", "claims", "addresses", "credentials", "sessions", "grants", "consents", "activity"} {
		if file[member] == nil {
			t.Errorf("the file has no member %s: %v", member, file)
		}
	}
	v.disableScript()
	v.open(account)
	v.wantText("h1", "Hello")
}

// download clicks a link to a file and returns the text of the file.
func (p *browser) download(selector, name string) string {
	p.t.Helper()
	folder := p.t.TempDir()
	p.do(command(devtools.SetDownloadBehavior, devtools.SetDownloadBehaviorParams{
		Behavior: devtools.SetDownloadBehaviorBehaviorAllow, DownloadPath: folder, BrowserContextID: chromedp.FromContext(p.tab).BrowserContextID,
	}))
	p.click(selector)
	for began := time.Now(); time.Since(began) < timeout; time.Sleep(20 * time.Millisecond) {
		// The browser writes to a file with another name first.
		if text, err := os.ReadFile(filepath.Join(folder, name)); err == nil {
			return string(text)
		}
	}
	p.t.Fatalf("%s was not downloaded from %s", name, p.address())
	return ""
}
