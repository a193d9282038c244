package server_test

import (
	"net/http"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The public listener hides the version by default, so that an attacker cannot look up its
// vulnerabilities.
func TestVersionIsPublicOnlyIfConfigured(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"": "", "off": "", "on": servertest.Version} {
		settings := map[string]string{}
		if setting != "" {
			settings["public_version"] = setting
		}
		s := servertest.StartWithApps(t, storetest.New(t), settings)
		p := s.NewBrowser().Get("/version")
		if got := p.JSON(t)["version"]; p.Status != http.StatusOK || got != want {
			t.Errorf("public_version %q: /version = %d %s, want the version %q", setting, p.Status, p.Body, want)
		}
		if got := s.CallAdmin(http.MethodGet, "/version", "").JSON(t)["version"]; got != servertest.Version {
			t.Errorf("public_version %q: the admin listener says %v, want %q", setting, got, servertest.Version)
		}
	}
}
