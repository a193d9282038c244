//go:build e2e

// Package e2e drives the whole server as a person does: the built binary, a
// real browser, and an application that signs people in with it.
//
// OSTIARY_E2E_SCREENSHOTS names a folder that keeps a picture of every page.
package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// sharedBrowser is what all tests share: starting one takes a second.
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
		// A page that is left is gone, so that going back asks the server again.
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
