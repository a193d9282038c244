//go:build e2e

// Package e2e drives the whole server as a person does: the built binary, a
// real browser, and an application that signs people in with it.
//
// OSTIARY_E2E_SCREENSHOTS names a folder that keeps a picture of every page.
// OSTIARY_E2E_BINARY names a server to try in place of one built from here.
package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// What all tests share: building the server and starting a browser take seconds.
var (
	binary  string
	browser context.Context
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ostiary-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)

	if binary = os.Getenv("OSTIARY_E2E_BINARY"); binary == "" {
		binary = filepath.Join(dir, "ostiary")
		build := exec.Command("go", "build", "-o", binary, "../../cmd/server")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "build the server:", err)
			return 1
		}
	}

	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.Flag("headless", "new"), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		// A page that is left is gone, so that going back asks the server again.
		chromedp.Flag("disable-features", "BackForwardCache,Translate,HttpsUpgrades"),
		chromedp.UserDataDir(filepath.Join(dir, "browser")))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	var done context.CancelFunc
	browser, done = chromedp.NewContext(allocator)
	defer done()
	if err := chromedp.Do(browser); err != nil {
		fmt.Fprintln(os.Stderr, "start the browser (package chromium):", err)
		return 1
	}
	return m.Run()
}
