package server_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// An administrator withdraws a key after a page that names it, says what ends, and has its ID typed. Another key signs
// from then on, and the tokens of the withdrawn one are invalid.
func TestConsoleWithdrawsAKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		s, b := openConsole(t, db, account.Administrator)
		current := func(alg jwks.Algorithm) jwks.Record {
			t.Helper()
			records, err := s.App.Keys.Records(t.Context())
			servertest.Must(t, err)
			i := slices.IndexFunc(records, func(r jwks.Record) bool { return r.Algorithm == alg && r.State == jwks.Current })
			if i < 0 {
				t.Fatalf("no key signs with %s", alg)
			}
			return records[i]
		}
		page := b.Get("/console/keys").Body
		for _, part := range []string{current(jwks.RS256).KID, `id="rotation"`, "New sign-ins use the next keys", "signs since", "next rotation", `id="withdraw"`} {
			if !strings.Contains(page, part) {
				t.Errorf("the page of keys lacks %q\n%s", part, page)
			}
		}
		// RS256 has no next key in this server, which Run would add.
		for _, alg := range []jwks.Algorithm{jwks.ES256, jwks.RS256} {
			old := current(alg)
			token, err := s.App.Keys.SignClaims(t.Context(), alg, "JWT", map[string]any{"sub": "ada"})
			servertest.Must(t, err)
			p := b.Post("/console/keys", url.Values{"withdraw": {old.KID}})
			if p.Status != http.StatusOK || !hasElement(p, "confirm") || !hasElement(p, "typed") || !strings.Contains(p.Body, old.KID) || !strings.Contains(p.Body, "Tokens that it signed") {
				t.Fatalf("the question: %d\n%s", p.Status, p.Body)
			}
			form := url.Values{"withdraw": {old.KID}, "confirm": {"yes"}, "typed": {old.KID[1:9]}}
			if p = b.Post("/console/keys", form); p.Status != http.StatusBadRequest || current(alg).KID != old.KID {
				t.Errorf("with another ID: %d", p.Status)
			}
			if _, _, err := s.App.Keys.Verify(token, "", "JWT"); err != nil {
				t.Errorf("before the withdrawal: %v", err)
			}
			form.Set("typed", old.KID[:8])
			if p = b.Post("/console/keys", form); p.Location().Path != "/console/keys" {
				t.Fatalf("the withdrawal: %d\n%s", p.Status, p.Body)
			}
			if p = b.Get("/console/keys"); !hasElement(p, "status") || strings.Contains(p.Body, old.KID) {
				t.Errorf("after the withdrawal of %s:\n%s", alg, p.Body)
			}
			if _, _, err := s.App.Keys.Verify(token, "", "JWT"); err == nil {
				t.Errorf("a token of the withdrawn %s key is valid", alg)
			}
			if now := current(alg); now.KID == old.KID {
				t.Errorf("the withdrawn key %s signs", now.KID)
			}
			if p = b.Post("/console/keys", form); p.Status != http.StatusNotFound {
				t.Errorf("a second withdrawal: %d", p.Status)
			}
		}
		events, err := db.Audit.ListEvents(t.Context(), audit.Filter{Action: "key.withdraw"}, "", 10)
		if err != nil || len(events) != 2 || events[0].Actor.Kind != audit.Administrator || events[0].Outcome != audit.Done {
			t.Errorf("the events are %+v, %v", events, err)
		}
		setAdminRole(s, account.Auditor)
		if p := b.Get("/console/keys"); p.Status != http.StatusOK || hasElement(p, "rotate") || hasElement(p, "withdraw") {
			t.Errorf("the page of an auditor: %d", p.Status)
		}
	})
}
