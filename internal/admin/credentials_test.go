package admin_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/totp"
)

// An operator sees the credentials of a user without their secrets, and removes each.
func TestUserCredentials(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		ada, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		path := "/users/" + ada.Subject + "/credentials"
		list := func() (kinds []string, ids []string) {
			t.Helper()
			var all []map[string]any
			if p := s.CallAdmin(http.MethodGet, path, ""); p.Status != http.StatusOK || json.Unmarshal([]byte(p.Body), &all) != nil {
				t.Fatalf("GET: %d %s", p.Status, p.Body)
			}
			for _, c := range all {
				kinds, ids = append(kinds, servertest.Text(c["kind"])), append(ids, servertest.Text(c["id"]))
				if c["kind"] == "recovery_codes" && c["left"] != 9.0 {
					t.Errorf("recovery codes: %v, want 9 left", c)
				}
				if c["kind"] == "totp" && (c["label"] != "phone" || c["last_used_at"] != nil) {
					t.Errorf("authenticator app: %v", c)
				}
			}
			return kinds, ids
		}
		factors, now := s.App.SecondFactors, s.Time()
		binding := secondfactor.Binding{Purpose: secondfactor.ForAccountPage, Session: "cookie"}
		e, err := factors.BeginTOTP(t.Context(), ada.Subject, "issuer", "ada", binding)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := factors.ConfirmTOTP(t.Context(), ada.Subject, totp.Code(e.Secret, totp.Step(now)), "phone", binding, now); err != nil {
			t.Fatal(err)
		}
		codes, err := factors.GenerateRecoveryCodes(t.Context(), ada.Subject, now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := factors.VerifyRecoveryCode(t.Context(), ada.Subject, codes[0], now); err != nil {
			t.Fatal(err)
		}

		kinds, ids := list()
		if !slices.Equal(kinds, []string{"password", "totp", "recovery_codes"}) {
			t.Fatalf("credentials: %v", kinds)
		}
		ended(s, "/users/"+addUser(s, "zoe", nil).Subject+"/credentials") // nothing to reset
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, "/users/nobody/credentials", ""), http.StatusNotFound, "Not Found")
		for i, id := range ids {
			ended(s, path+"/"+id)
			servertest.WantError(t, s.CallAdmin(http.MethodDelete, path+"/"+id, ""), http.StatusNotFound, "Not Found")
			if left, _ := list(); !slices.Equal(left, kinds[i+1:]) {
				t.Errorf("without %s there are %v, want %v", id, left, kinds[i+1:])
			}
		}
		servertest.WantError(t, s.CallAdmin(http.MethodGet, "/users/nobody/credentials", ""), http.StatusNotFound, "Not Found")
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, "/users/nobody/credentials/password", ""), http.StatusNotFound, "Not Found")
		events, err := s.Store.Audit.ListEvents(t.Context(), audit.Filter{Action: "user.credential.remove"}, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) != 7 {
			t.Errorf("%d audit events, want one for each call", len(events))
		}
	})
}
