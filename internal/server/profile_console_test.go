package server_test

import (
	"net/http"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// The page of an application lists what it lacks for each profile, and its advanced settings refuse a
// profile that it does not meet, with the list.
func TestConsoleListsWhatProfilesRequire(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		_, b := openConsole(t, db, account.Administrator)
		p := b.Get("/console/applications/web")
		servertest.Contains(t, p.Body, `id="profiles"`, "fapi2-message-signing",
			"token_endpoint_auth_method: clients must authenticate with private_key_jwt or mutual TLS, FAPI 2.0 5.3.2.1", "Nothing")

		form := formFields(t, b.Get("/console/applications/web/advanced"))
		form.Set("security_profile", "fapi2-security")
		refused := b.Post("/console/applications/web/advanced", form)
		servertest.Contains(t, refused.Body, "fapi2-security is not met by token_endpoint_auth_method", "dpop_bound_access_tokens: access tokens must be bound")
		form.Set("security_profile", "baseline")
		if saved := b.Post("/console/applications/web/advanced", form); saved.Status != http.StatusSeeOther {
			t.Fatalf("baseline: %d\n%s", saved.Status, saved.Body)
		}
		servertest.Contains(t, b.Get("/console/applications/web").Body, "In force")
	})
}
