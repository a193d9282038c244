package admin_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

// A user is created as by an import: with a password, with a hash, or with a link to set the first
// password.
func TestCreateUser(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		create := func(body string) servertest.Response { return s.CallAdmin(http.MethodPost, "/users", body) }
		if p := s.CallAdmin(http.MethodPost, "/groups", `{"name":"staff"}`); p.Status != http.StatusCreated {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		p := create(`{"username":"Zoe","password":"correct horse battery","emails":[{"address":"zoe@example.org","verified":true,"primary":true}],
			"claims":{"name":"Zoe"},"groups":["staff"],"roles":["writer"],"state":"must_enrol","admin_role":"auditor"}`)
		zoe := p.JSON(t)
		subject := servertest.Text(zoe["subject"])
		if p.Status != http.StatusCreated || subject == "" || p.Header.Get("Location") != "/users/"+subject {
			t.Fatalf("%d %q %s", p.Status, p.Header.Get("Location"), p.Body)
		}
		servertest.WantMembers(t, zoe, servertest.Object{
			"username": "zoe", "state": "must_enrol", "groups": []any{"staff"}, "roles": []any{"writer"}, "admin_role": "auditor", "has_password": true,
			"emails": []any{servertest.Object{"address": "zoe@example.org", "verified": true, "primary": true}},
		})
		servertest.WantMembers(t, s.CallAdmin(http.MethodGet, p.Header.Get("Location"), "").JSON(t), zoe)

		servertest.WantMembers(t, create(`{"username":"yves","subject":"sub-1","password_hash":"`+servertest.PasswordHash()+`","state":"disabled"}`).JSON(t), servertest.Object{
			"subject": "sub-1", "has_password": true, "state": "disabled",
		})
		servertest.WantMembers(t, create(`{"username":"none","claims":{"email":"none@example.org"}}`).JSON(t), servertest.Object{"has_password": false, "invitation": nil})
		invited := create(`{"username":"xena","invite":true}`).JSON(t)
		if link, _ := invited["invitation"].(map[string]any); invited["has_password"] != false || !strings.HasPrefix(servertest.Text(link["link"]), s.URL+"/recover?token=") {
			t.Errorf("an invited user: %v", invited)
		}

		const name = `{"username":"new",`
		for body, want := range map[string]string{
			`{}`: "username is missing", `{"username":"a b"}`: "username", `[]`: "JSON", name + `"password":"short"}`: "password", name + `"password_hash":"md5"}`: "password_hash must be",
			name + `"password":"correct horse battery","password_hash":"` + servertest.PasswordHash() + `"}`: "exclude each other",
			name + `"password":"correct horse battery","invite":true}`:                                       "invite excludes", name + `"invite":"yes"}`: "invite must be",
			name + `"groups":["none"]}`: "group not found", name + `"state":"gone"}`: "state must be", name + `"admin_role":"king"}`: "admin_role must be",
			name + `"emails":[{"address":"no"}]}`: "emails", name + `"attributes":{"shoe":7}}`: "attribute not found", name + `"claims":{"sub":"x"}}`: "sub",
			name + `"subject":"web"}`: "client_id", name + `"user":"x"}`: "did you mean",
		} {
			p := create(body)
			servertest.WantError(t, p, http.StatusBadRequest, "invalid_request")
			servertest.Contains(t, p.Body, want)
		}
		for _, body := range []string{`{"username":"zoe"}`, `{"username":"other","subject":"sub-1"}`, name + `"emails":[{"address":"zoe@example.org","verified":true}]}`} {
			if p := create(body); p.Status != http.StatusConflict {
				t.Errorf("%s: %d %s", body, p.Status, p.Body)
			}
		}
		servertest.WantError(t, create(name+`"state":"disabled","invite":true}`), http.StatusForbidden, "request_forbidden")
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/users?mail=true", name+`"invite":true}`), http.StatusConflict, "Conflict")
		s.Advance(time.Second)
		if list := listed(s, "/users?q=new"); len(list) != 0 {
			t.Errorf("rejected requests created %v", list)
		}
	})
}
