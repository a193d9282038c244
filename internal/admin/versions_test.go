package admin_test

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// Of several changes of the version that a caller has read, one is made; the others get 412.
func TestConditionalChanges(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		zoe := "/users/" + addUser(s, "zoe", nil).Subject
		for path, body := range map[string]string{
			"/groups": `{"name":"staff"}`, "/attributes": `{"name":"team","type":"string"}`, "/scopes": `{"name":"hr"}`,
		} {
			if p := s.CallAdmin(http.MethodPost, path, body); p.Status != http.StatusCreated {
				t.Fatalf("POST %s: %d %s", path, p.Status, p.Body)
			}
		}
		for path, tc := range map[string]struct{ method, body, end string }{
			zoe:                {http.MethodPatch, `{"claims":{"nickname":"`, `"}}`},
			"/groups/staff":    {http.MethodPut, `{"description":"`, `"}`},
			"/attributes/team": {http.MethodPut, `{"type":"string","title":"`, `"}`},
			"/scopes/hr":       {http.MethodPut, `{"title":"`, `"}`},
			// It has no record.
			"/scopes/email": {http.MethodPut, `{"claims":{"email":["userinfo"],"email_verified":["userinfo"]},"title":"`, `"}`},
		} {
			tag := s.CallAdmin(http.MethodGet, path, "").Header.Get("ETag")
			if tag == "" {
				t.Errorf("%s has no ETag", path)
				continue
			}
			statuses := make([]int, 4)
			var all sync.WaitGroup
			for i := range statuses {
				all.Go(func() {
					statuses[i] = s.CallAdminIfMatch(tag, "", tc.method, path, tc.body+strconv.Itoa(i)+tc.end).Status
				})
			}
			all.Wait()
			slices.Sort(statuses)
			if want := []int{http.StatusOK, http.StatusPreconditionFailed, http.StatusPreconditionFailed, http.StatusPreconditionFailed}; !slices.Equal(statuses, want) {
				t.Errorf("%s: %v, want %v", path, statuses, want)
			}
			servertest.WantError(t, s.CallAdminIfMatch(tag, "", tc.method, path, tc.body+tc.end), http.StatusPreconditionFailed, "Precondition Failed")
			servertest.WantError(t, s.CallAdminIfMatch("staff", "", tc.method, path, tc.body+tc.end), http.StatusBadRequest, "invalid_request")
			current := func() string { return s.CallAdmin(http.MethodGet, path, "").Header.Get("ETag") }
			for _, match := range []func() string{current, func() string { return `"other", ` + current() }, func() string { return "*" }} {
				if p := s.CallAdminIfMatch(match(), "", tc.method, path, tc.body+tc.end); p.Status != http.StatusOK {
					t.Errorf("%s: %d %s", path, p.Status, p.Body)
				}
			}
			servertest.WantError(t, s.CallAdminIfMatch("W/"+current(), "", tc.method, path, tc.body+tc.end), http.StatusPreconditionFailed, "Precondition Failed")
		}
		// A deleted group changes the user.
		if p := s.CallAdmin(http.MethodPut, zoe+"/groups/staff", ""); p.Status != http.StatusNoContent {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		tag := s.CallAdmin(http.MethodGet, zoe, "").Header.Get("ETag")
		ended(s, "/groups/staff")
		servertest.WantError(t, s.CallAdminIfMatch(tag, "", http.MethodPatch, zoe, `{}`), http.StatusPreconditionFailed, "Precondition Failed")
	})
}

// Only a caller with the scopes of an owner changes how an administrator signs in.
func TestAdministratorsDoNotTakeOverEachOther(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, map[string]string{"admin_auth": "token", "login_url": "", "consent_url": ""})
		key := func(role account.AdminRole) string {
			k, text := apikey.New("app", apikey.RoleScopes(role), s.Time(), time.Time{})
			servertest.Must(t, db.APIKeys.InsertAPIKey(t.Context(), k))
			return text
		}
		owner, administrator, support := key(account.Owner), key(account.Administrator), key(account.Support)
		user := func(name string, role account.AdminRole) string {
			subject := addUser(s, name, map[string]any{"email": name + "@example.org", "email_verified": true}).Subject
			_, err := db.Accounts.ChangeAccount(t.Context(), subject, s.Time(), func(a *account.Account) error {
				a.SetPassword("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", s.Time())
				a.AdminRole = role
				return nil
			})
			servertest.Must(t, err)
			return "/users/" + subject
		}
		boss, peer, helper, plain := user("boss", account.Owner), user("peer", account.Administrator), user("helper", account.Support), user("plain", account.NoAdminRole)
		changes := 0
		for _, call := range []string{
			"POST /recover", "POST /recover?reset_factors=true", "POST /invite", "DELETE /credentials/unknown",
			"POST /addresses", "DELETE /addresses/unknown@example.org", "PATCH ",
		} {
			method, path, _ := strings.Cut(call, " ")
			for name, tc := range map[string]struct {
				key, user string
				refused   bool
			}{
				"administrator and owner":         {administrator, boss, true},
				"administrator and administrator": {administrator, peer, true},
				"administrator and support":       {administrator, helper, false},
				"administrator and user":          {administrator, plain, false},
				"owner and administrator":         {owner, peer, false},
				"support and administrator":       {support, peer, true},
				"support and user":                {support, plain, false},
			} {
				changes++
				body := `{"address":"new` + strconv.Itoa(changes) + `@example.org"}`
				if method == http.MethodPatch {
					body = `{"emails":[` + body + `]}`
				}
				p := s.CallAdminWithKey(tc.key, method, tc.user+path, body)
				if (p.Status == http.StatusForbidden) != tc.refused || p.Status >= http.StatusInternalServerError {
					t.Errorf("%s: %s: %d %s, want it refused: %t", call, name, p.Status, p.Body, tc.refused)
				}
			}
		}
		// What does not change how they sign in stays possible.
		if p := s.CallAdminWithKey(administrator, http.MethodPatch, peer, `{"claims":{"nickname":"Peer"}}`); p.Status != http.StatusOK {
			t.Errorf("another member: %d %s", p.Status, p.Body)
		}
	})
}
