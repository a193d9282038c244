package server_test

import (
	"log/slog"
	"net/url"
	"testing"

	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A passkey is a second factor: a password alone neither replaces it by an authenticator app, nor
// begins a session in the grace time for users without a factor.
func TestPasswordDoesNotReplaceAPasskey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		servertest.AddPasskey(startPasskeys(t, db), "ada")
		s := servertest.StartOnLocalhost(t, db, map[string]string{"rate_limits": "off", "second_factor": "required"}, slog.DiscardHandler)
		b := s.NewBrowser()
		id := b.BeginSignIn()
		if p := b.SubmitPassword(id, "ada", ""); p.Location().Path != "/login/second-factor" {
			t.Fatalf("after the password: %d to %s", p.Status, p.Location())
		}
		if p := b.Get("/login/enrol?request=" + id); p.Location().Path != "/login/second-factor" {
			t.Errorf("the page for an authenticator app: %d to %s", p.Status, p.Location())
		}
		p := b.Follow(b.Post("/login/second-factor", url.Values{"request": {id}, "decision": {"cancel"}}))
		if _, answer := servertest.AuthorizationResponse(t, p); answer.Get("error") != "access_denied" || b.Cookie("ostiary_session") != "" {
			t.Errorf("cancelled: %v, session %q", answer, b.Cookie("ostiary_session"))
		}
	})
}
