//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// The pictures of the documentation show the account pages as dev has them. OSTIARY_E2E_IMAGES is
// the directory for them, docs/images; without it the test writes them to a temporary one.
func TestImagesOfTheDocs(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	folder := os.Getenv("OSTIARY_E2E_IMAGES")
	if folder == "" {
		folder = t.TempDir()
	}
	other, v := newBrowser(t), newTour(t)
	other.open(server.issuer + "/account")
	other.signIn(server.username, server.password)
	demoFlow{server.demo, server.username, server.password}.signIn(v.browser)
	for page, schemes := range map[string][]view{
		"":              views[:2],
		"/activity":     views[:1],
		"/applications": views[2:3],
	} {
		v.open(server.issuer + "/account" + page)
		v.mustPassAxe("account" + page)
		for _, view := range schemes {
			v.emulate(view)
			v.keep(filepath.Join(folder, "account"+dashed(page)+"-"+view.picture+".png"), view)
		}
		v.restore()
	}
}

// dashed returns a path as a part of a file name.
func dashed(path string) string {
	if path == "" {
		return ""
	}
	return "-" + path[1:]
}
