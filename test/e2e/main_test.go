//go:build e2e

// Package e2e tests the whole server as users do: the built binary, a real browser, and
// an application that signs users in.
//
// OSTIARY_E2E_SCREENSHOTS is a directory for a screenshot of every page.
package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// sharedBrowser is the browser of all tests, since starting one takes a second.
var sharedBrowser context.Context

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	profile, err := os.MkdirTemp("", "ostiary-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(profile)

	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.Flag("headless", "new"), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		// Without the cache, going back requests the page again.
		chromedp.Flag("disable-features", "BackForwardCache,Translate,HttpsUpgrades"),
		chromedp.UserDataDir(profile))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	started, leave := chromedp.NewContext(allocator)
	defer leave()
	if err := chromedp.Do(started); err != nil {
		fmt.Fprintln(os.Stderr, "start the browser (package chromium):", err)
		return 1
	}
	sharedBrowser = started //nolint:fatcontext // set once, before any test
	return m.Run()
}
