//go:build e2e

package e2e

import (
	"testing"
	"time"
)

// A user without script starts the data file, follows the link on the page until it is ready, and
// downloads it.
func TestDataFileWithoutScript(t *testing.T) {
	t.Parallel()
	server := startDev(t)
	p := newBrowser(t)
	p.disableScript()

	p.open(server.issuer + "/account/data")
	p.signIn(server.username, server.password)
	p.press("#download")
	for began := time.Now(); !p.has("#file"); time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > timeout {
			t.Fatal("the file is not ready")
		}
		if p.has("#refresh") {
			p.press("#refresh")
		}
	}
	if file := decode(p, p.download("#file", "account.json")); file["sessions"] == nil {
		t.Errorf("the file has no sessions: %v", file)
	}
}
