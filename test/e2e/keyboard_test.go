//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestSignInWithoutMouse(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)

	p.open(server.demo)
	p.checkTabOrder()
	p.tabTo("#signin")
	p.enter()

	p.checkTabOrder()
	p.tabTo("#username")
	p.types(server.username)
	p.tabTo("#password")
	p.types("not-the-password")
	p.enter()
	p.wantText("#fault", "password")
	p.wantFocus("password") // the focus is on the field with the error
	p.types(server.password)
	p.tabTo("#keep")
	p.types(" ")
	if !evaluate[bool](p, "keep.checked") {
		t.Error("the space bar does not tick the box")
	}
	p.tabTo("#login")
	p.enter()

	p.checkTabOrder()
	p.tabTo("#accept")
	p.enter()
	p.wantText("#greeting", "Hello")
	p.checkTabOrder()
	p.tabTo("#refresh")
	p.enter()
	p.wantText("#refreshed-at", ":")

	p.open(server.issuer + "/oauth2/sessions/logout")
	p.checkTabOrder()
	p.tabTo("#logout-confirm")
	p.enter()
	p.wantText("main", "signed out")
}

func TestEnterDoesNotConsent(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)

	p.open(server.demo)
	p.press("#signin")
	p.signIn(server.username, server.password)
	p.tabTo("#remember")
	p.enter() // Enter must not consent
	p.wantText("#demo-error-code", "access_denied")
}

// enter presses Enter and waits for the page that it leads to.
func (p *browser) enter() {
	p.t.Helper()
	p.navigate("pressing Enter", chromedp.KeyEvent(kb.Enter))
}

// tabTo moves the focus to an element with the Tab key.
func (p *browser) tabTo(selector string) {
	p.t.Helper()
	for range 60 {
		if evaluate[bool](p, "document.activeElement.matches('"+selector+"')") {
			return
		}
		p.types(kb.Tab)
	}
	p.t.Fatalf("the Tab key does not lead to %s of %s", selector, p.address())
}

// checkTabOrder visits every control with the Tab key. The order must be that of the
// page, and the focus must be visible.
func (p *browser) checkTabOrder() {
	p.t.Helper()
	type stop struct {
		Control string
		Visible bool
	}
	// Wait for autofocus, which would move the focus during the test.
	if !p.eventually(`(first => !first || document.activeElement === first)(document.querySelector("[autofocus]"))`) {
		p.t.Errorf("%s does not focus the element with autofocus", p.address())
	}
	// Focus the body, so that the order starts at the top.
	want := evaluate[[]string](p, describe+`
		document.body.tabIndex = -1;
		document.body.focus();
		document.body.removeAttribute("tabindex");
		[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")]
			.filter(e => e.tabIndex >= 0 && e.checkVisibility()).map(describe)`)

	var got []string
	for range want {
		p.types(kb.Tab)
		at := evaluate[stop](p, describe+`({
			Control: describe(document.activeElement),
			Visible: (style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2)(getComputedStyle(document.activeElement)),
		})`)
		got = append(got, at.Control)
		if !at.Visible {
			p.t.Errorf("%s: the focus on %s is not visible", p.address(), at.Control)
		}
	}
	if !slices.Equal(got, want) {
		p.t.Errorf("the tab order of %s is\n%q, want\n%q", p.address(), got, want)
	}
}

// describe is a function that names an element.
const describe = `var describe = e => e.id ? "#" + e.id : e.tagName + " " + e.textContent.trim().slice(0, 40);`
