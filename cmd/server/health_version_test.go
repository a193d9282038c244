package main

import (
	"net/http"
	"testing"

	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The public listener says nothing of the build: it would tell strangers which faults to try.
func TestTheVersionIsForOperators(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{"": "", "off": "", "on": version} {
		settings := map[string]string{}
		if setting != "" {
			settings["public_version"] = setting
		}
		s := startApart(t, storetest.New(t), settings)
		p := s.browser().get("/version")
		if got := p.json(t)["version"]; p.status != http.StatusOK || got != want {
			t.Errorf("public_version %q: /version = %d %s, want the version %q", setting, p.status, p.body, want)
		}
		if got := s.ask(http.MethodGet, "/version", "").json(t)["version"]; got != version {
			t.Errorf("public_version %q: the admin listener says %v, want %q", setting, got, version)
		}
	}
}
