//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/security"
	"github.com/chromedp/chromedp"
)

// timeout is the longest wait for a page.
const timeout = 30 * time.Second

// browser is a tab of a browser. Errors that the browser reports fail the test.
type browser struct {
	t   *testing.T
	tab context.Context //nolint:containedctx // chromedp represents a tab by a context

	withoutScript bool
	expected      string // the end of the URL and the status of a response that is not an error

	mu     sync.Mutex
	errors []string
}

// newBrowser opens a tab in a new browser context, without cookies.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	return openTab(sharedBrowser, t, chromedp.WithNewBrowserContext())
}

// newTab opens another tab of the same browser.
func (p *browser) newTab() *browser {
	p.t.Helper()
	return openTab(p.tab, p.t)
}

// openTab opens a tab in a browser context.
func openTab(parent context.Context, t *testing.T, options ...chromedp.ContextOption) *browser {
	t.Helper()
	p := &browser{t: t}
	tab, closeTab := chromedp.NewContext(parent, append(options, chromedp.WithListener(p.listen))...)
	p.tab = tab
	t.Cleanup(func() {
		closeTab()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, fault := range p.errors {
			t.Errorf("error in the browser: %s", fault)
		}
	})
	// The tab lives as long as the context of its first action, so use one without a timeout.
	focus := command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	if err := chromedp.Do(tab, focus); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	return p
}

// listen collects errors of the tab. The status of documents is not an error; the status
// of their resources is.
func (p *browser) listen(event any) {
	fault := ""
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			fault = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		fault = "an exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		fault = "console: " + string(e.Type)
		if len(e.Args) > 0 {
			fault += " " + string(e.Args[0].Value)
		}
	case *network.EventLoadingFailed:
		if !e.Canceled || e.BlockedReason != "" {
			fault = "a request failed: " + e.ErrorText + " " + string(e.BlockedReason)
		}
	case *network.EventResponseReceived:
		if e.Type != network.ResourceTypeDocument && e.Response.Status >= 400 {
			fault = fmt.Sprintf("%s: status %d", e.Response.URL, e.Response.Status)
			if p.expected != "" && strings.HasSuffix(fault, p.expected) {
				fault = ""
			}
		}
	}
	if fault == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errors = append(p.errors, fault)
}

// expect allows responses with the status, to requests of scripts to the path. Call it before they are sent.
func (p *browser) expect(path string, status int) {
	p.expected = fmt.Sprintf("%s: status %d", path, status)
}

// disableScript disables JavaScript in the tab.
func (p *browser) disableScript() {
	p.t.Helper()
	p.withoutScript = true
	p.allowScript(false)
}

func (p *browser) allowScript(allowed bool) {
	p.t.Helper()
	p.do(command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !allowed}))
}

// ignoreCertificateErrors accepts untrusted certificates.
func (p *browser) ignoreCertificateErrors() {
	p.t.Helper()
	p.do(command(security.SetIgnoreCertificateErrors, security.SetIgnoreCertificateErrorsParams{Ignore: true}))
}

// open navigates to a URL and returns the status of the page.
func (p *browser) open(url string) int64 {
	p.t.Helper()
	return p.navigate("opening "+url, chromedp.Navigate(url))
}

// press clicks an element that leads to another page, and returns the status of that page.
func (p *browser) press(selector string) int64 {
	p.t.Helper()
	return p.navigate("pressing "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// click clicks an element that does not lead to another page.
func (p *browser) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// navigate runs the actions and waits for the page that they lead to.
func (p *browser) navigate(action string, steps ...chromedp.Action[chromedp.Void]) int64 {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.tab, timeout)
	defer stop()
	response, err := chromedp.RunResponse(ctx, steps...)
	if err != nil {
		p.t.Fatalf("%s, from %s: %v", action, p.address(), err)
	}
	if response == nil {
		return 0
	}
	return response.Status
}

// write replaces the text of a field.
func (p *browser) write(selector, text string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	evaluate[bool](p, fmt.Sprintf("(field => { field.focus(); field.select(); return true; })(document.querySelector(%q))", selector))
	p.types(text)
}

// types types into the focused element.
func (p *browser) types(text string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(text))
}

// read returns the text of an element.
func (p *browser) read(selector string) string {
	p.t.Helper()
	return runAction(p, chromedp.Text(chromedp.CSS(selector), chromedp.NodeVisible))
}

// wantText waits for an element, and fails the test if its text lacks a word.
func (p *browser) wantText(selector string, words ...string) {
	p.t.Helper()
	text := p.read(selector)
	for _, word := range words {
		if !strings.Contains(text, word) {
			p.t.Fatalf("%s of %s has the text %q, want %q in it", selector, p.address(), text, word)
		}
	}
}

// wantNoElement fails the test if there is such an element.
func (p *browser) wantNoElement(selector string) {
	p.t.Helper()
	if p.has(selector) {
		p.t.Fatalf("%s has %s: %s", p.address(), selector, p.read("body"))
	}
}

func (p *browser) has(selector string) bool {
	p.t.Helper()
	return evaluate[bool](p, fmt.Sprintf("document.querySelector(%q) !== null", selector))
}

// address returns the URL of the page.
func (p *browser) address() string {
	p.t.Helper()
	return evaluate[string](p, "location.href")
}

// wantFocus waits for the element with the id to have the focus. The browser may set
// it after the page has loaded.
func (p *browser) wantFocus(id string) {
	p.t.Helper()
	if !p.eventually(fmt.Sprintf("document.activeElement.id === %q", id)) {
		p.t.Errorf("%s has the focus on %q, want %q", p.address(), evaluate[string](p, "document.activeElement.id"), id)
	}
}

// eventually reports whether the script returns true within the timeout.
func (p *browser) eventually(script string) bool {
	p.t.Helper()
	for began := time.Now(); time.Since(began) < timeout; time.Sleep(20 * time.Millisecond) {
		if evaluate[bool](p, script) {
			return true
		}
	}
	return false
}

// do runs actions without a result.
func (p *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.tab, timeout)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// runAction runs an action with a result.
func runAction[T any](p *browser, action chromedp.Action[T]) T {
	p.t.Helper()
	ctx, stop := context.WithTimeout(p.tab, timeout)
	defer stop()
	answer, err := chromedp.Run(ctx, action)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer
}

// evaluate returns the result of a script in the page. It works also if JavaScript is
// disabled for the page.
func evaluate[T any](p *browser, script string) T {
	p.t.Helper()
	return runAction(p, chromedp.Evaluate[T](script))
}
