//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/test/rig"
)

// firstMinute is the longest time, and firstActions the number of actions, from the set-up link until
// the first administrator is signed in to the first application.
const (
	firstMinute  = time.Minute
	firstActions = 6
)

// acting is a browser that counts the forms, links and buttons that its user uses.
type acting struct {
	*browser

	actions int
}

func (a *acting) press(selector string) int64 {
	a.t.Helper()
	a.actions++
	return a.browser.press(selector)
}

func (a *acting) click(selector string) {
	a.t.Helper()
	a.actions++
	a.browser.click(selector)
}

// The first administrator of an empty server creates the account from the printed link, with a passkey,
// connects applications and signs in to one of them, invites a person, who enrols a passkey, puts the
// person into a group, finds why a redirect URI was rejected, rotates a key, ends a session, and reads
// it all in the audit log.
func TestFirstHourOfAnAdministrator(t *testing.T) {
	t.Parallel()
	modules := installExpress(t)
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			h := &firstHour{service: startEmptyService(t, engine, map[string]string{"CONSOLE": "public", "SIGN_UP": "invited"}), modules: modules}
			h.console, h.root, h.grace = h.issuer+"/console", &acting{browser: newBrowser(t)}, newBrowser(t)
			h.connectExpress()
			h.tryExpress()
			h.connectGrafana()
			h.inviteGrace()
			h.putGraceIntoAGroup()
			h.allowRedirectURI()
			h.rotateKeys()
			h.endSession()
			h.readAuditLog()
		})
	}
}

// firstHour is the journey of the administrator and of Grace, in browsers of their own.
type firstHour struct {
	*service

	modules, console, app, grafana string
	client, settings, environment  string // of the application
	root                           *acting
	grace                          *browser
	phone                          authenticator // Grace's
}

// connectExpress leads from the set-up link to the first application.
func (h *firstHour) connectExpress() {
	link, v := h.setUpLink(), h.root
	h.app = freeOrigin(h.t)
	v.addAuthenticator()
	began := time.Now()
	v.open(link)
	v.arrive("#passkey")
	v.write("#username", "root")
	v.click("#passkey")
	v.arrive("#connect")
	v.press("#connect")
	v.choose("#preset", "express")
	v.write("#redirect-uri", h.app)
	v.press("#create")
	h.client = evaluate[string](v.browser, `document.querySelector("#client-id").value`)
	h.settings, h.environment = v.snippet("javascript"), v.snippet("env")
	runExpress(h.t, h.modules, h.app, h.settings, h.environment)
	v.open(h.app)
	v.press("#accept")
	claims := decode(v.browser, v.read("#claims"))
	took := time.Since(began)
	if claims["preferred_username"] != "root" {
		h.t.Errorf("the application has the claims %v, want those of root", claims)
	}
	h.t.Logf("from the set-up link to the application: %d actions, %.1f s", v.actions, took.Seconds())
	if v.actions > firstActions || took > firstMinute {
		h.t.Errorf("from the set-up link to the application: %d actions in %v, want at most %d in %v", v.actions, took, firstActions, firstMinute)
	}
}

// tryExpress sees what the application would get, though nobody knows its secret any more.
func (h *firstHour) tryExpress() {
	v := h.root
	v.open(h.console + "/applications/" + h.client)
	v.press("#try")
	v.arrive("#result")
	v.wantText("#id-token", "preferred_username", "root")
	v.wantNoElement("#result .failed")
}

// choose selects an option.
func (p *browser) choose(selector, value string) {
	p.t.Helper()
	if got := evaluate[string](p, `(field => { field.value = "`+value+`"; return field.value; })(document.querySelector("`+selector+`"))`); got != value {
		p.t.Fatalf("%s of %s has no option %s", selector, p.address(), value)
	}
}

// snippet returns the settings to paste that are in a format.
func (p *browser) snippet(format string) string {
	p.t.Helper()
	return evaluate[string](p, `[...document.querySelectorAll(".snippet")].find(e => e.textContent.includes("(`+format+`)")).querySelector("textarea").value`)
}

// connectGrafana connects Grafana with its preset, and signs in to what stands for it.
func (h *firstHour) connectGrafana() {
	v := h.root
	h.grafana = freeOrigin(h.t)
	v.open(h.console + "/applications/new")
	v.choose("#preset", "grafana")
	v.write("#redirect-uri", h.grafana)
	v.press("#create")
	v.wantText("h1", "Grafana")
	runGrafana(h.t, v.snippet("env"))
	v.open(h.grafana + "/login/generic_oauth")
	v.press("#accept")
	v.wantText("#welcome", "root")
}

func (h *firstHour) inviteGrace() {
	v, p := h.root, h.grace
	v.open(h.console + "/people")
	v.press("#invite")
	v.write("#email", gracesAddress)
	v.press("#send")
	v.wantText("#status", gracesAddress)
	h.phone = p.addAuthenticator()
	p.openLink(h.link("/invitation", gracesAddress))
	p.arrive("#passkey")
	p.write("#name", "Grace Hopper")
	p.click("#passkey")
	p.arrive("#continue")
	if made := h.phone.passkeys(); len(made) != 1 {
		h.t.Fatalf("Grace's authenticator has %+v, want one passkey", made)
	}
}

// putGraceIntoAGroup ends when the application sees the group in the ID token.
func (h *firstHour) putGraceIntoAGroup() {
	v, p := h.root, h.grace
	v.open(h.console + "/groups")
	v.press("#new")
	v.write("#name", "staff")
	v.press("#create")
	v.open(h.console + "/people")
	v.write("#search", "grace")
	v.press("#show")
	v.press(".user a")
	v.wantText("h1", "Grace Hopper")
	v.write("#group", "staff")
	v.press("#add-group")
	v.wantText("#groups", "staff")
	p.open(h.app)
	p.press("#accept")
	claims := decode(p, p.read("#claims"))
	if groups, _ := claims["groups"].([]any); len(groups) != 1 || groups[0] != "staff" {
		h.t.Errorf("the application sees the groups %v, want staff", claims["groups"])
	}
	p.open(h.grafana + "/login/generic_oauth")
	p.press("#accept")
	p.wantText("#welcome", "grace in [staff]")
}

// allowRedirectURI finds by the request ID of Grace's error page why the application at another
// origin was rejected, and allows it.
func (h *firstHour) allowRedirectURI() {
	v, p, moved := h.root, h.grace, freeOrigin(h.t)
	runExpress(h.t, h.modules, moved, strings.ReplaceAll(h.settings, h.app, moved), h.environment)
	p.open(moved)
	requestID := p.read("#request-id")
	v.open(h.console + "/explain")
	v.write("#request-id", requestID)
	v.press("#explain")
	v.wantText("#explanation", "redirect_uri", moved+"/callback", h.app+"/callback")
	v.press("#allow")
	v.press("#confirm")
	p.open(moved) // she has consented before
	p.wantText("#claims", "grace")
}

func (h *firstHour) rotateKeys() {
	v := h.root
	v.open(h.console + "/keys")
	v.press("#rotate")
	v.wantText("#status", "The next keys sign")
}

func (h *firstHour) endSession() {
	v, p := h.root, h.grace
	h.phone.presence(false) // else the passkey signs Grace in again
	v.open(h.console + "/sessions")
	v.press("button[name=end]")
	v.wantText("#status", "The session has ended.")
	p.open(h.issuer + "/account")
	p.wantFocus("username")
}

func (h *firstHour) readAuditLog() {
	v := h.root
	for _, change := range [][]string{
		{"user.create", "root"},
		{"console.sign-in", "root"},
		{"client.create", "root"},
		{"client.try", h.client},
		{"user.invite", gracesAddress},
		{"group.create", "staff"},
		{"user.group.add", "root"},
		{"client.update", "root"},
		{"key.rotate", "root"},
		{"session.revoke", "root"},
	} {
		v.open(h.console + "/audit")
		v.write("#action", change[0])
		v.press("#show")
		v.wantText(".change", change...)
	}
}
