//go:build e2e

package e2e

import (
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

func TestTheWayNeedsNoMouse(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newPerson(t)

	p.open(server.demo)
	p.walksThrough()
	p.tabTo("#signin")
	p.enter()

	p.walksThrough()
	p.tabTo("#username")
	p.types(server.username)
	p.tabTo("#password")
	p.types("not-the-password")
	p.enter()
	p.sees("#fault", "password")
	p.finds("password") // the focus is where the mistake was
	p.types(server.password)
	p.tabTo("#keep")
	p.types(" ")
	if !evaluate[bool](p, "keep.checked") {
		t.Error("the space bar does not tick the box")
	}
	p.tabTo("#login")
	p.enter()

	p.walksThrough()
	p.tabTo("#accept")
	p.enter()
	p.sees("#greeting", "Hello")
	p.walksThrough()
	p.tabTo("#refresh")
	p.enter()
	p.sees("#refreshed-at", ":")

	p.open(server.issuer + "/oauth2/sessions/logout")
	p.walksThrough()
	p.tabTo("#logout-confirm")
	p.enter()
	p.sees("main", "signed out")
}

func TestEnterDoesNotAllow(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newPerson(t)

	p.open(server.demo)
	p.press("#signin")
	p.signIn(server.username, server.password)
	p.tabTo("#remember")
	p.enter() // what people press by habit must not give anything away
	p.sees("#demo-error-code", "access_denied")
}

// enter presses Enter and waits for the page that it leads to.
func (p *person) enter() {
	p.t.Helper()
	p.goes("pressing Enter", chromedp.KeyEvent(kb.Enter))
}

// tabTo moves the focus by the Tab key alone.
func (p *person) tabTo(selector string) {
	p.t.Helper()
	for range 60 {
		if evaluate[bool](p, "document.activeElement.matches('"+selector+"')") {
			return
		}
		p.types(kb.Tab)
	}
	p.t.Fatalf("the Tab key does not lead to %s of %s", selector, p.where())
}

// walksThrough visits every control by the Tab key, in the order of the page, and
// leaves by the end. Wherever the focus is, it must show.
func (p *person) walksThrough() {
	p.t.Helper()
	type stop struct {
		Control string
		Visible bool
	}
	// What the page itself gives the focus to gets it late, and must not take it
	// away in the middle of the walk.
	if !p.comesTrue(`(first => !first || document.activeElement === first)(document.querySelector("[autofocus]"))`) {
		p.t.Errorf("%s never gives the focus to what asks for it", p.where())
	}
	// The body takes the focus for a moment, so that the walk begins at the top.
	want := evaluate[[]string](p, describe+`
		document.body.tabIndex = -1;
		document.body.focus();
		document.body.removeAttribute("tabindex");
		[...document.querySelectorAll("a[href], button, input:not([type=hidden]), summary, [tabindex]")].map(describe)`)

	var got []string
	for range want {
		p.types(kb.Tab)
		at := evaluate[stop](p, describe+`({
			Control: describe(document.activeElement),
			Visible: (style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2)(getComputedStyle(document.activeElement)),
		})`)
		got = append(got, at.Control)
		if !at.Visible {
			p.t.Errorf("%s does not show that %s has the focus", p.where(), at.Control)
		}
	}
	if !slices.Equal(got, want) {
		p.t.Errorf("the Tab key walks through %s by\n%q, want\n%q", p.where(), got, want)
	}
}

// describe names an element, for a person to find it.
const describe = `var describe = e => e.id ? "#" + e.id : e.tagName + " " + e.textContent.trim().slice(0, 40);`
