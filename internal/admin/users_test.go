package admin_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// addUser stores an account with a name, a verified address of it and claims.
func addUser(s *servertest.AppServer, name string, claims map[string]any) *account.Account {
	s.TB.Helper()
	a := &account.Account{Subject: "sub-of-" + name, Username: name, CreatedAt: s.Time(), UpdatedAt: s.Time()}
	if err := a.SetClaims(claims, nil, s.Time()); err != nil {
		s.TB.Fatal(err)
	}
	if err := s.Store.Accounts.InsertAccount(s.TB.Context(), a); err != nil {
		s.TB.Fatal(err)
	}
	return a
}

// usernames returns the usernames in a list of users.
func usernames(tb testing.TB, p servertest.Response) string {
	tb.Helper()
	var list []struct{ Username string }
	if err := json.Unmarshal([]byte(p.Body), &list); err != nil || p.Status != http.StatusOK {
		tb.Fatalf("%d %s", p.Status, p.Body)
	}
	var all []string
	for _, one := range list {
		all = append(all, one.Username)
	}
	return strings.Join(all, " ")
}

func TestUsersAreFoundByPrefix(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		addUser(s, "zoe", map[string]any{"given_name": "Zoë", "family_name": "Özil", "email": "First.Last@Example.org"})
		addUser(s, "yves", map[string]any{"name": "O'Hara_% Yves", "email": "yves@example.org", "email_verified": true})
		addUser(s, "long", map[string]any{"name": strings.Repeat("n", 5000), "given_name": strings.Repeat("é", 3000)})
		for q, want := range map[string]string{
			"ZO": "zoe", "zoë": "zoe", "ZOË": "zoe", "öz": "zoe", "ÖZIL": "zoe", "first.last@EXAMPLE": "zoe", "zoe\t": "zoe",
			"o'hara_%": "yves", "yves@example.org": "yves", "y": "yves", "%": "", "_ves": "", "last": "zoe", "org first": "zoe", "ozi": "zoe", "hara yv": "yves", "hara zo": "", "il": "", "\U0010ffff": "",
			strings.Repeat("N", 200): "long", strings.Repeat("É", 150): "long", "ad": "ada",
		} {
			if got := usernames(t, s.CallAdmin(http.MethodGet, "/users?q="+url.QueryEscape(q), "")); got != want {
				t.Errorf("q=%q finds %q, want %q", q, got, want)
			}
		}
		all := usernames(t, s.CallAdmin(http.MethodGet, "/users", ""))
		var pages []string
		next := "/users?page_size=2"
		for next != "" {
			p := s.CallAdmin(http.MethodGet, next, "")
			pages = append(pages, usernames(t, p))
			next = ""
			for _, link := range p.Header.Values("Link") {
				if target, ok := strings.CutSuffix(link, `>; rel="next"`); ok {
					next = strings.TrimPrefix(target, "<")
				}
			}
		}
		if got := strings.Join(strings.Fields(strings.Join(pages, " ")), " "); got != strings.TrimSpace(all) || !strings.HasSuffix(all, "long yves zoe") || len(pages) < 3 {
			t.Errorf("pages %q, want those of %q", pages, all)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodGet, "/users?q=%00", ""), http.StatusBadRequest, "invalid_request")
		servertest.WantError(t, s.CallAdmin(http.MethodGet, "/users/%00", ""), http.StatusBadRequest, "invalid_request")
	})
}

// A merge patch changes what it names, and removes a member that is null.
func TestPatchUser(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		before := addUser(s, "zoe", map[string]any{"email": "zoe@example.org", "email_verified": true, "team": "a", "address": map[string]any{"country": "UK", "locality": "Bath"}})
		addUser(s, "yves", map[string]any{"email": "yves@example.org", "email_verified": true})
		path := "/users/" + before.Subject
		for _, group := range []string{"staff", "vip"} {
			if p := s.CallAdmin(http.MethodPost, "/groups", `{"name":"`+group+`"}`); p.Status != http.StatusCreated {
				t.Fatalf("%d %s", p.Status, p.Body)
			}
		}
		mail := func(address string, verified, primary bool) servertest.Object {
			return servertest.Object{"address": address, "verified": verified, "primary": primary}
		}
		for _, step := range []struct {
			patch string
			want  servertest.Object
		}{
			{`{"groups":["vip","staff"],"roles":["writer"]}`, servertest.Object{"groups": []any{"staff", "vip"}, "roles": []any{"writer"}}},
			{`{"claims":{"team":null,"nick":{"a":1},"address":{"locality":null}},"roles":null}`, servertest.Object{
				"claims": servertest.Object{"email": "zoe@example.org", "email_verified": true, "nick": servertest.Object{"a": 1.0}, "address": servertest.Object{"country": "UK"}},
				"roles":  []any{}, "groups": []any{"staff", "vip"},
			}},
			{`{"emails":[{"address":"z2@example.org","primary":true},{"address":"ZOE@example.org","verified":true}],"claims":null}`, servertest.Object{
				"emails": []any{mail("z2@example.org", false, true), mail("ZOE@example.org", true, false)},
				"claims": servertest.Object{"email": "z2@example.org", "email_verified": false},
			}},
			{`{"emails":null,"groups":[],"state":"must_enrol","admin_role":"auditor"}`, servertest.Object{
				"emails": []any{}, "groups": []any{}, "claims": servertest.Object{}, "state": "must_enrol", "admin_role": "auditor",
			}},
			{`{"state":"disabled"}`, servertest.Object{"state": "disabled"}},
			{`{"state":"must_change_password"}`, servertest.Object{"state": "must_change_password"}},
			{`{"claims":{"email":"new@example.org"},"state":null,"admin_role":null}`, servertest.Object{
				"emails": []any{mail("new@example.org", false, true)}, "state": "active", "admin_role": "",
			}},
			{`{}`, servertest.Object{"claims": servertest.Object{"email": "new@example.org", "email_verified": false}}},
		} {
			s.Advance(time.Second)
			p := s.CallAdmin(http.MethodPatch, path, step.patch)
			if p.Status != http.StatusOK {
				t.Fatalf("%s: %d %s", step.patch, p.Status, p.Body)
			}
			servertest.WantMembers(t, p.JSON(t), step.want)
			if again := s.CallAdmin(http.MethodGet, path, ""); again.Body != p.Body {
				t.Errorf("%s: GET returns %s, PATCH returned %s", step.patch, again.Body, p.Body)
			}
		}
		kept := s.CallAdmin(http.MethodGet, path, "").Body
		many := func(entry string, n int) string { return strings.TrimSuffix(strings.Repeat(entry+",", n), ",") }
		for name, body := range map[string]string{
			"an unknown member":            `{"nickname":"z"}`,
			"the subject":                  `{"subject":"another"}`,
			"the username":                 `{"username":"another"}`,
			"a password":                   `{"password":"correct horse battery"}`,
			"no object":                    `[]`,
			"null":                         `null`,
			"claims that are a list":       `{"claims":["a"]}`,
			"claims of the protocol":       `{"claims":{"sub":"another"}}`,
			"a claim with a wrong type":    `{"claims":{"email_verified":"yes"}}`,
			"an unknown group":             `{"groups":["nobody"]}`,
			"a group twice":                `{"groups":["staff","staff"]}`,
			"a group that is null":         `{"groups":[null]}`,
			"groups that are text":         `{"groups":"staff"}`,
			"a bad address":                `{"emails":[{"address":"nobody"}]}`,
			"an address with more members": `{"emails":[{"address":"a@example.org","admin":true}]}`,
			"an address twice":             `{"emails":[{"address":"a@example.org"},{"address":"A@example.org"}]}`,
			"two primary addresses":        `{"emails":[{"address":"a@example.org","primary":true},{"address":"b@example.org","primary":true}]}`,
			"emails and claims.email":      `{"emails":[],"claims":{"email":"a@example.org"}}`,
			"an unknown role":              `{"admin_role":"root"}`,
			"an unknown state":             `{"state":"gone"}`,
			"a NUL":                        "{\"claims\":{\"name\":\"a\\u0000\"}}",
			"too many roles":               `{"roles":[` + many(`"r"`, 501) + `]}`,
			"too many addresses":           `{"emails":[` + many(`{"address":"a@example.org"}`, 101) + `]}`,
			"a body that is too large":     `{"claims":{"name":"` + strings.Repeat("n", 70_000) + `"}}`,
		} {
			if p := s.CallAdmin(http.MethodPatch, path, body); p.Status != http.StatusBadRequest && p.Status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: %d %s", name, p.Status, p.Body)
			}
		}
		servertest.WantError(t, s.CallAdmin(http.MethodPatch, path, `{"emails":[{"address":"YVES@example.org","verified":true}]}`), http.StatusConflict, "Conflict")
		servertest.WantError(t, s.CallAdmin(http.MethodPatch, "/users/nobody", `{"roles":["writer"]}`), http.StatusNotFound, "Not Found")
		if after := s.CallAdmin(http.MethodGet, path, "").Body; after != kept {
			t.Errorf("rejected patches left %s, want %s", after, kept)
		}
		for media, want := range map[string]int{"application/merge-patch+json": http.StatusOK, "application/json-patch+json": http.StatusUnsupportedMediaType, "": http.StatusUnsupportedMediaType} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, s.AdminURL+path, strings.NewReader(`{}`))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", media)
			if p := servertest.Send(t, http.DefaultClient, r); p.Status != want {
				t.Errorf("Content-Type %q: %d %s", media, p.Status, p.Body)
			}
		}
		// The claims of several patches together are limited too.
		large := strings.Repeat("n", 40_000)
		if p := s.CallAdmin(http.MethodPatch, path, `{"claims":{"first":"`+large+`"}}`); p.Status != http.StatusOK {
			t.Errorf("40 KB of claims: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodPatch, path, `{"claims":{"second":"`+large+`"}}`), http.StatusBadRequest, "invalid_request")
	})
}

func TestStatesOfUsers(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		path := "/users/" + addUser(s, "zoe", nil).Subject
		for _, step := range []struct {
			call     string
			status   int
			state    string
			isLocked bool
		}{
			{"/disable", http.StatusOK, "disabled", false},
			{"/disable", http.StatusOK, "disabled", false},
			{"/enable", http.StatusOK, "active", false},
			{"/lock", http.StatusOK, "disabled", true},
			{"/enable", http.StatusConflict, "disabled", true},
			{"/unlock", http.StatusOK, "active", false},
			{"/unlock", http.StatusOK, "active", false},
		} {
			s.Advance(time.Second)
			if p := s.CallAdmin(http.MethodPost, path+step.call, ""); p.Status != step.status {
				t.Errorf("%s: %d %s", step.call, p.Status, p.Body)
			}
			got := s.CallAdmin(http.MethodGet, path, "").JSON(t)
			if got["state"] != step.state || (got["locked_at"] != nil) != step.isLocked || (got["disabled_at"] != nil) != (step.state == "disabled") {
				t.Errorf("after %s: %v", step.call, got)
			}
		}
		for _, call := range []string{"/disable", "/enable", "/lock", "/unlock", "/recover", "/invite"} {
			servertest.WantError(t, s.CallAdmin(http.MethodPost, "/users/nobody"+call, ""), http.StatusNotFound, "Not Found")
		}
		if p := s.CallAdmin(http.MethodDelete, path, ""); p.Status != http.StatusNoContent {
			t.Errorf("DELETE: %d %s", p.Status, p.Body)
		}
		s.Advance(time.Second)
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, path, ""), http.StatusNotFound, "Not Found")
		servertest.WantError(t, s.CallAdmin(http.MethodGet, path, ""), http.StatusNotFound, "Not Found")
		events, err := s.Store.Audit.ListEvents(t.Context(), audit.Filter{Target: "sub-of-zoe"}, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(events) != 9 || events[8].Action != "user.disable" || events[0].Action != "user.delete" || events[0].Outcome != audit.Refused {
			t.Errorf("%d audit events, want 9 from user.disable to a refused user.delete: %+v", len(events), events)
		}
	})
}

// A caller without the scopes of a role can neither give it nor take over an account with it.
func TestCallersChangeNoAdministratorsAboveThem(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, map[string]string{"admin_auth": "token"})
		key := func(scopes ...string) string {
			k, text := apikey.New("app", scopes, s.Time(), time.Time{})
			if err := db.APIKeys.InsertAPIKey(t.Context(), k); err != nil {
				t.Fatal(err)
			}
			return text
		}
		support := key(apikey.RoleScopes(account.Support)...)
		everything := key(apikey.Scopes()...)
		userAlone := key(apikey.UsersRead, apikey.UsersWrite, apikey.UsersRecover)
		zoe, boss := addUser(s, "zoe", nil).Subject, addUser(s, "boss", map[string]any{"email": "boss@example.org", "email_verified": true}).Subject
		addUser(s, "other", nil)
		for _, subject := range []string{boss, "sub-of-other"} {
			if p := s.CallAdminWithKey(everything, http.MethodPatch, "/users/"+subject, `{"admin_role":"owner"}`); p.Status != http.StatusOK {
				t.Fatalf("%d %s", p.Status, p.Body)
			}
		}
		for _, role := range []string{"owner", "administrator", "support", "auditor"} {
			p := s.CallAdminWithKey(userAlone, http.MethodPatch, "/users/"+zoe, `{"admin_role":"`+role+`"}`)
			servertest.WantError(t, p, http.StatusForbidden, "request_forbidden")
		}
		if p := s.CallAdminWithKey(support, http.MethodPatch, "/users/"+zoe, `{"admin_role":"support"}`); p.Status != http.StatusOK {
			t.Errorf("the own role: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.CallAdminWithKey(support, http.MethodPatch, "/users/"+zoe, `{"admin_role":"auditor"}`), http.StatusForbidden, "request_forbidden")
		for _, call := range []string{
			"PATCH ", "DELETE ", "POST /lock", "POST /unlock", "POST /disable", "POST /enable", "POST /recover", "POST /invite", "POST /recover?mail=true",
			"POST /addresses", "DELETE /addresses/boss@example.org", "PUT /groups/staff", "DELETE /groups/staff", "DELETE /credentials/password",
			"DELETE /sessions", "DELETE /sessions/any",
		} {
			method, path, _ := strings.Cut(call, " ")
			body := ""
			switch {
			case method == http.MethodPatch:
				body = `{"emails":[{"address":"mallory@example.org","verified":true}]}`
			case path == "/addresses":
				body = `{"address":"mallory@example.org","verified":true}`
			}
			for name, text := range map[string]string{"support": support, "users:*": userAlone} {
				if p := s.CallAdminWithKey(text, method, "/users/"+boss+path, body); p.Status != http.StatusForbidden || !strings.Contains(p.Header.Get("WWW-Authenticate"), "scope=") {
					t.Errorf("%s of an owner by %s: %d %s", call, name, p.Status, p.Body)
				}
			}
		}
		for text, want := range map[string]int{support: http.StatusForbidden, everything: http.StatusCreated} {
			if p := s.CallAdminWithKey(text, http.MethodPost, "/users", `{"username":"chief","admin_role":"owner"}`); p.Status != want {
				t.Errorf("a new owner: %d %s, want %d", p.Status, p.Body, want)
			}
		}
		events, err := db.Audit.ListEvents(t.Context(), audit.Filter{Action: "user.update", Target: zoe}, "", 10)
		var details []string
		for _, e := range events {
			details = append(details, e.Detail+" "+string(e.Outcome))
		}
		for _, want := range []string{"admin_role: support to auditor refused", "admin_role: none to support done", "admin_role: none to owner refused"} {
			if err != nil || !slices.Contains(details, want) {
				t.Errorf("audit events of roles: %q, %v, want %q", details, err, want)
			}
		}
		a, err := db.Accounts.Account(t.Context(), boss)
		if err != nil || a.AdminRole != account.Owner || len(a.Addresses) != 1 || !a.DisabledAt.IsZero() {
			t.Errorf("the owner is %+v, %v", a, err)
		}
		if p := s.CallAdminWithKey(everything, http.MethodPost, "/users/"+boss+"/lock", ""); p.Status != http.StatusOK {
			t.Errorf("lock with all scopes: %d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.CallAdminWithKey(support, http.MethodPost, "/users/"+boss+"/unlock", ""), http.StatusForbidden, "request_forbidden")
	})
}

// Concurrent requests leave one owner.
func TestLastOwnerStays(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		var owners []string
		for _, name := range []string{"one", "two", "three", "four"} {
			subject := addUser(s, name, nil).Subject
			owners = append(owners, subject)
			if p := s.CallAdmin(http.MethodPatch, "/users/"+subject, `{"admin_role":"owner"}`); p.Status != http.StatusOK {
				t.Fatalf("%d %s", p.Status, p.Body)
			}
		}
		ada, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		if p := s.CallAdmin(http.MethodPatch, "/users/"+ada.Subject, `{"admin_role":null}`); p.Status != http.StatusOK {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		calls := []func(subject string) servertest.Response{
			func(subject string) servertest.Response { return s.CallAdmin(http.MethodDelete, "/users/"+subject, "") },
			func(subject string) servertest.Response {
				return s.CallAdmin(http.MethodPatch, "/users/"+subject, `{"admin_role":"administrator"}`)
			},
			func(subject string) servertest.Response {
				return s.CallAdmin(http.MethodPost, "/users/"+subject+"/lock", "")
			},
			func(subject string) servertest.Response {
				return s.CallAdmin(http.MethodPost, "/users/"+subject+"/disable", "")
			},
		}
		results := make(chan int, len(calls))
		for i, call := range calls {
			go func() { results <- call(owners[i]).Status }()
		}
		refused := 0
		for range calls {
			switch status := <-results; status {
			case http.StatusConflict:
				refused++
			case http.StatusOK, http.StatusNoContent:
			default:
				t.Errorf("status %d", status)
			}
		}
		left := 0
		for _, subject := range owners {
			if a, err := s.Store.Accounts.Account(t.Context(), subject); err == nil && a.AdminRole == account.Owner && a.DisabledAt.IsZero() {
				left++
			}
		}
		if refused != 1 || left != 1 {
			t.Errorf("%d changes were refused and %d owners are left, want 1 and 1", refused, left)
		}
	})
}

func TestAddressesAndGroupsOfUsers(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		path := "/users/" + addUser(s, "zoe", map[string]any{"email": "zoe@example.org"}).Subject
		addUser(s, "yves", map[string]any{"email": "yves@example.org", "email_verified": true})
		servertest.WantError(t, s.CallAdmin(http.MethodPost, path+"/addresses", `{"address":"nobody"}`), http.StatusBadRequest, "invalid_request")
		servertest.WantError(t, s.CallAdmin(http.MethodPost, path+"/addresses", `{}`), http.StatusBadRequest, "invalid_request")
		servertest.WantError(t, s.CallAdmin(http.MethodPost, path+"/addresses", `{"address":"yves@example.org","verified":true}`), http.StatusConflict, "Conflict")
		if p := s.CallAdmin(http.MethodPost, path+"/addresses", `{"address":"z2@example.org","verified":true,"primary":true}`); p.Status != http.StatusOK {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		list := s.CallAdmin(http.MethodGet, path+"/addresses", "").Body
		if want := `[{"address":"z2@example.org","verified":true,"primary":true},{"address":"zoe@example.org","verified":false,"primary":false}]`; strings.TrimSpace(list) != want {
			t.Errorf("addresses %s, want %s", list, want)
		}
		ended(s, path+"/addresses/z2@example.org")
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, path+"/addresses/z2@example.org", ""), http.StatusNotFound, "Not Found")
		if claims := s.CallAdmin(http.MethodGet, path, "").JSON(t)["claims"].(servertest.Object); claims["email"] != "zoe@example.org" || claims["email_verified"] != false {
			t.Errorf("claims without the primary address: %v", claims)
		}

		const odd = "Domain Admins/ü"
		p := s.CallAdmin(http.MethodPost, "/groups", `{"name":"`+odd+`","description":"They may."}`)
		location := p.Header.Get("Location")
		if p.Status != http.StatusCreated || location != "/groups/"+url.PathEscape(odd) {
			t.Fatalf("%d %q %s", p.Status, location, p.Body)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/groups", `{"name":"`+odd+`"}`), http.StatusConflict, "Conflict")
		for _, bad := range []string{`{}`, `{"name":" a"}`, `{"name":"a\u0001"}`, `{"name":"` + strings.Repeat("a", 256) + `"}`, `{"name":"a","description":"` + strings.Repeat("a", 1001) + `"}`, `[]`} {
			servertest.WantError(t, s.CallAdmin(http.MethodPost, "/groups", bad), http.StatusBadRequest, "invalid_request")
		}
		s.Advance(time.Second)
		servertest.WantError(t, s.CallAdmin(http.MethodPut, location, `{"name":"other"}`), http.StatusBadRequest, "invalid_request")
		servertest.WantMembers(t, s.CallAdmin(http.MethodPut, location, `{"description":"They might."}`).JSON(t), servertest.Object{"name": odd, "description": "They might."})
		servertest.WantMembers(t, s.CallAdmin(http.MethodGet, location, "").JSON(t), servertest.Object{"name": odd, "description": "They might."})
		for range 2 {
			if p := s.CallAdmin(http.MethodPut, path+location, ""); p.Status != http.StatusNoContent {
				t.Errorf("add to a group: %d %s", p.Status, p.Body)
			}
		}
		servertest.WantError(t, s.CallAdmin(http.MethodPut, path+"/groups/nobody", ""), http.StatusBadRequest, "invalid_request")
		if got := strings.TrimSpace(s.CallAdmin(http.MethodGet, path+"/groups", "").Body); got != `["`+odd+`"]` {
			t.Errorf("groups of the user: %s", got)
		}
		if got := usernames(t, s.CallAdmin(http.MethodGet, "/users?group="+url.QueryEscape(odd), "")); got != "zoe" {
			t.Errorf("members: %s", got)
		}
		if got := usernames(t, s.CallAdmin(http.MethodGet, "/users?q=y&group="+url.QueryEscape(odd), "")); got != "" {
			t.Errorf("members with a prefix: %s", got)
		}
		ended(s, path+location)
		ended(s, path+location)
		ended(s, location)
		for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPut} {
			servertest.WantError(t, s.CallAdmin(method, location, "{}"), http.StatusNotFound, "Not Found")
		}
	})
}

// The sessions of a user are found and ended only under that user.
func TestSessionsOfUsers(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		for range 2 {
			for _, subject := range []string{"jo", "jim"} {
				b := s.NewBrowser()
				b.AuthorizeByApps(s, servertest.AuthorizationRequest(), subject)
			}
		}
		sids := func(subject string) (ids []string) {
			t.Helper()
			for _, one := range listed(s, "/users/"+subject+"/sessions") {
				ids = append(ids, servertest.Text(one["sid"]))
			}
			return ids
		}
		of := sids("jo")
		if len(of) != 2 || len(sids("jim")) != 2 {
			t.Fatalf("sessions %v", of)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, "/users/jim/sessions/"+of[0], ""), http.StatusNotFound, "Not Found")
		ended(s, "/users/jo/sessions/"+of[0])
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, "/users/jo/sessions/"+of[0], ""), http.StatusNotFound, "Not Found")
		if left := sids("jo"); !slices.Equal(left, of[1:]) {
			t.Errorf("left are %v of %v", left, of)
		}
		ended(s, "/users/jo/sessions")
		if left := sids("jo"); len(left) != 0 || len(sids("jim")) != 2 {
			t.Errorf("left are %v", left)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodGet, "/users/nobody/sessions", ""), http.StatusNotFound, "Not Found")
	})
}

// Links are returned once, or sent to a verified address. Neither the log nor the audit log has them.
func TestLinksForUsers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, map[string]string{"login_url": "", "consent_url": "", "sign_up": "invited", "mail_url": "smtp+plain://127.0.0.1:9", "mail_from": "no-reply@id.example"})
		if p := s.CallAdmin(http.MethodPost, "/groups", `{"name":"staff"}`); p.Status != http.StatusCreated {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		zoe := addUser(s, "zoe", map[string]any{"email": "zoe@example.org", "email_verified": true})
		nix := addUser(s, "nix", map[string]any{"email": "nix@example.org"})
		ada, err := db.Accounts.AccountByUsername(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		for call, want := range map[string]string{
			"/users/" + ada.Subject + "/recover {}": "/recover?token=", "/users/" + zoe.Subject + "/recover {}": "/recover?token=",
			"/users/" + zoe.Subject + "/invite {}":                             "/recover?token=",
			`/invitations {"address":"new@example.org"}`:                       "/invitation?token=",
			`/invitations {"address":"new@example.org","groups":["staff"]}`:    "/invitation?token=",
			"/users/" + zoe.Subject + "/recover?mail=true {}":                  "zoe@example.org",
			"/users/" + zoe.Subject + "/recover?reset_factors=true {}":         "/recover?token=",
			`/invitations?mail=true {"address":"new@example.org","groups":[]}`: "new@example.org",
		} {
			path, body, _ := strings.Cut(call, " ")
			p := s.CallAdmin(http.MethodPost, path, body)
			if got := servertest.Text(p.JSON(t)["link"]) + servertest.Text(p.JSON(t)["sent_to"]); p.Status != http.StatusOK || !strings.Contains(got, want) || p.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %s, want %s", call, p.Status, p.Body, want)
			}
		}
		for call, want := range map[string]int{
			"/users/" + ada.Subject + "/invite {}":                           http.StatusConflict,
			"/users/" + nix.Subject + "/recover?mail=true {}":                http.StatusConflict, // without a verified address
			"/users/" + zoe.Subject + "/recover?mail=perhaps {}":             http.StatusBadRequest,
			"/users/" + zoe.Subject + "/recover?reset_factors=all {}":        http.StatusBadRequest,
			`/invitations {"address":"zoe@example.org"}`:                     http.StatusConflict,
			`/invitations?mail=true {"address":"zoe@example.org"}`:           http.StatusConflict,
			`/invitations {"address":"nobody"}`:                              http.StatusBadRequest,
			`/invitations {"address":"new@example.org","groups":["others"]}`: http.StatusBadRequest,
			`/invitations {"address":"new@example.org","groups":"staff"}`:    http.StatusBadRequest,
			`/invitations {}`: http.StatusBadRequest,
			`/invitations {"address":"a@example.org\r\nBcc: b@example.org"}`: http.StatusBadRequest,
		} {
			path, body, _ := strings.Cut(call, " ")
			if p := s.CallAdmin(http.MethodPost, path, body); p.Status != want {
				t.Errorf("%s: %d %s, want %d", call, p.Status, p.Body, want)
			}
		}
		mails, err := db.Mails.ListMails(t.Context(), store.MailFilter{}, "", 10)
		if err != nil || len(mails) != 2 {
			t.Errorf("%d messages, %v, want 2", len(mails), err)
		}
		// An address gets three messages in an hour. Its link is created all the same.
		for path, body := range map[string]string{"/users/" + zoe.Subject + "/recover": "", "/invitations": `{"address":"New@example.org"}`} {
			for range 2 {
				if p := s.CallAdmin(http.MethodPost, path+"?mail=true", body); p.Status != http.StatusOK {
					t.Errorf("%s: %d %s", path, p.Status, p.Body)
				}
			}
			p := s.CallAdmin(http.MethodPost, path+"?mail=true", body)
			servertest.WantError(t, p, http.StatusTooManyRequests, "request_forbidden")
			if p.Header.Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", path)
			}
			if p := s.CallAdmin(http.MethodPost, path, body); p.Status != http.StatusOK {
				t.Errorf("%s without mail: %d %s", path, p.Status, p.Body)
			}
		}
		events, err := db.Audit.ListEvents(t.Context(), audit.Filter{}, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if strings.Contains(e.Target, "token") {
				t.Errorf("the audit log has the link: %+v", e)
			}
		}
		if p := s.CallAdmin(http.MethodPost, "/users/"+zoe.Subject+"/disable", ""); p.Status != http.StatusOK {
			t.Errorf("%d %s", p.Status, p.Body)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/users/"+zoe.Subject+"/recover", ""), http.StatusForbidden, "request_forbidden")
	})
}

func TestLinksNeedMailAndSignUp(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		zoe := addUser(s, "zoe", map[string]any{"email": "zoe@example.org", "email_verified": true})
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/users/"+zoe.Subject+"/recover?mail=true", ""), http.StatusConflict, "Conflict")
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/invitations", `{"address":"new@example.org"}`), http.StatusConflict, "Conflict")
		external := account.NewExternal("jo", s.Time())
		if err := s.Store.Accounts.InsertAccount(t.Context(), external); err != nil {
			t.Fatal(err)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodPost, "/users/jo/recover", ""), http.StatusConflict, "Conflict")
	})
}
