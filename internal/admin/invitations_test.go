package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/login"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
	"github.com/ostiary/ostiary/internal/totp"
)

// Several users are invited at once, each with a result; open invitations are listed and taken back.
func TestInvitationsInBulk(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, map[string]string{"login_url": "", "consent_url": "", "sign_up": "invited", "mail_url": "smtp+plain://127.0.0.1:9", "mail_from": "no-reply@id.example"})
		if p := s.CallAdmin(http.MethodPost, "/groups", `{"name":"staff"}`); p.Status != http.StatusCreated {
			t.Fatalf("%d %s", p.Status, p.Body)
		}
		addUser(s, "zoe", map[string]any{"email": "zoe@example.org", "email_verified": true})
		results := func(path, body string) (list []struct {
			Address, Link, Error string
			SentTo               string `json:"sent_to"`
			Invited              bool
		},
		) {
			t.Helper()
			p := s.CallAdmin(http.MethodPost, path, body)
			if p.Status != http.StatusOK || json.Unmarshal([]byte(p.Body), &list) != nil {
				t.Fatalf("%s: %d %s", path, p.Status, p.Body)
			}
			return list
		}
		const body = `{"invitations":[{"address":"Ann@example.org","groups":["staff"]},{"address":"nobody"},{"address":"zoe@example.org"},
			{"address":"ann@example.org"},{"address":"bob@example.org","groups":["none"]},{"address":"eve@example.org"}]}`
		want := []string{"", "address_invalid", "address_taken", "address_repeated", "group_unknown", ""}
		errorsOf := func(path string) (errs []string) {
			t.Helper()
			for _, one := range results(path, body) {
				errs = append(errs, one.Error)
			}
			return errs
		}
		if got := errorsOf("/invitations/check"); !slices.Equal(got, want) {
			t.Errorf("checked: %q, want %q", got, want)
		}
		if list := listed(s, "/invitations"); len(list) != 0 {
			t.Errorf("a check invited %v", list)
		}
		for i, one := range results("/invitations/bulk", body) {
			if one.Error != want[i] || strings.HasPrefix(one.Link, s.URL+"/invitation?token=") != (want[i] == "") || one.Invited {
				t.Errorf("invited: %+v, want the error %q", one, want[i])
			}
		}
		for i, one := range results("/invitations/bulk?mail=true", body) {
			if one.Error != want[i] || (one.SentTo == one.Address) != (want[i] == "") || one.Link != "" || one.Invited != (want[i] == "" || want[i] == "address_repeated") {
				t.Errorf("invited by mail: %+v, want the error %q", one, want[i])
			}
		}
		list := listed(s, "/invitations")
		if len(list) != 2 || list[0]["address"] != "ann@example.org" || fmt.Sprint(list[0]["groups"]) != "[staff]" || list[1]["address"] != "eve@example.org" {
			t.Errorf("open invitations: %v", list)
		}
		// An invitation that is taken back is not sent.
		ended(s, "/invitations/Ann@example.org")
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, "/invitations/ann@example.org", ""), http.StatusNotFound, "Not Found")
		messages, err := db.Mails.ListMails(t.Context(), store.MailFilter{Kind: mail.Invitation}, "", 10)
		if err != nil || len(messages) != 2 {
			t.Fatalf("%d messages, %v, want 2", len(messages), err)
		}
		links := &login.MailLinks{Issuer: s.URL, Accounts: db.Accounts, SignUps: db.SignUps, Links: db.OneTimeLinks}
		for _, m := range messages {
			_, err := links.Complete(t.Context(), m, s.Time())
			if withdrawn := m.To == "Ann@example.org"; (err != nil) != withdrawn {
				t.Errorf("message to %s: %v", m.To, err)
			}
		}
		// An address gets three messages in an hour.
		for range 2 {
			results("/invitations/bulk?mail=true", `{"invitations":[{"address":"eve@example.org"}]}`)
		}
		if got := results("/invitations/bulk?mail=true", `{"invitations":[{"address":"eve@example.org"}]}`); got[0].Error != "too_many_mails" {
			t.Errorf("a fourth message: %+v", got)
		}
		many := strings.Repeat(`{"address":"a@example.org"},`, 1001)
		for _, bad := range []string{`{}`, `{"invitations":[]}`, `{"invitations":[` + strings.TrimSuffix(many, ",") + `]}`, `[]`} {
			servertest.WantError(t, s.CallAdmin(http.MethodPost, "/invitations/bulk", bad), http.StatusBadRequest, "invalid_request")
		}
		events, err := db.Audit.ListEvents(t.Context(), audit.Filter{Action: "user.invite.bulk"}, "", 100)
		if err != nil || !slices.ContainsFunc(events, func(e *audit.Event) bool { return e.Detail == "invited: 2 of 6" && e.Outcome == audit.Done }) {
			t.Errorf("audit events %+v, %v", events, err)
		}
	})
}

// A thousand users are invited in one call.
func TestInvitationsInBulkAreBounded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s := servertest.StartWithApps(t, db, map[string]string{"login_url": "", "consent_url": "", "sign_up": "invited", "mail_url": "smtp+plain://127.0.0.1:9", "mail_from": "no-reply@id.example"})
		var all []string
		for i := range 1000 {
			all = append(all, fmt.Sprintf(`{"address":"user%d@example.org","groups":[]}`, i))
		}
		p := s.CallAdmin(http.MethodPost, "/invitations/bulk?mail=true", `{"invitations":[`+strings.Join(all, ",")+`]}`)
		if p.Status != http.StatusOK || strings.Count(p.Body, `"sent_to"`) != 1000 {
			t.Errorf("%d, %d are invited", p.Status, strings.Count(p.Body, `"sent_to"`))
		}
	})
}

// An operator sees which applications may use an account and what happened to it, and resets factors.
func TestAccessOfUsers(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		s.ExchangeCode(servertest.CodeOf(t, s.NewBrowser().AuthorizeByApps(s, servertest.AuthorizationRequest(), "jo")))
		applications := listed(s, "/users/jo/applications")
		if len(applications) != 1 || applications[0]["client_id"] != "web" || applications[0]["grants"] == 0.0 {
			t.Fatalf("applications: %v", applications)
		}
		if events := listed(s, "/users/jo/activity"); len(events) == 0 || !slices.ContainsFunc(events, func(e servertest.Object) bool { return e["kind"] == "signed_in" }) {
			t.Errorf("activity: %v", events)
		}
		for range 2 {
			ended(s, "/users/jo/applications/web")
		}
		if left := listed(s, "/users/jo/applications"); len(left) != 0 {
			t.Errorf("after the end: %v", left)
		}
		for _, path := range []string{"/users/nobody/applications", "/users/nobody/activity"} {
			servertest.WantError(t, s.CallAdmin(http.MethodGet, path, ""), http.StatusNotFound, "Not Found")
		}
		servertest.WantError(t, s.CallAdmin(http.MethodDelete, "/users/nobody/applications/web", ""), http.StatusNotFound, "Not Found")

		ada, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
		servertest.Must(t, err)
		binding := secondfactor.Binding{Purpose: secondfactor.ForAccountPage, Session: "cookie"}
		e, err := s.App.SecondFactors.BeginTOTP(t.Context(), ada.Subject, "issuer", "ada", binding)
		servertest.Must(t, err)
		_, err = s.App.SecondFactors.ConfirmTOTP(t.Context(), ada.Subject, totp.Code(e.Secret, totp.Step(s.Time())), "phone", binding, s.Time())
		servertest.Must(t, err)
		_, err = s.App.SecondFactors.GenerateRecoveryCodes(t.Context(), ada.Subject, s.Time())
		servertest.Must(t, err)
		ended(s, "/users/"+ada.Subject+"/credentials")
		if left := listed(s, "/users/"+ada.Subject+"/credentials"); len(left) != 1 || left[0]["kind"] != "password" {
			t.Errorf("after the reset: %v", left)
		}
	})
}

// A group says how many members it has and which clients require it, an attribute how many users have a
// value.
func TestNumbersOfGroupsAndAttributes(t *testing.T) {
	servertest.EachAppServer(t, func(t *testing.T, s *servertest.AppServer) {
		t.Helper()
		for path, body := range map[string]string{
			"/groups": `{"name":"staff"}`, "/attributes": `{"name":"team","type":"string"}`, "/clients": `{"client_id":"wiki","client_name":"Wiki","grant_types":["client_credentials"],"allowed_groups":["staff"]}`,
		} {
			if p := s.CallAdmin(http.MethodPost, path, body); p.Status != http.StatusCreated {
				t.Fatalf("POST %s: %d %s", path, p.Status, p.Body)
			}
		}
		zoe := addUser(s, "zoe", nil)
		_, err := s.Store.Accounts.ChangeAccount(t.Context(), zoe.Subject, s.Time().Add(time.Second), func(a *account.Account) error {
			a.Groups, a.Attributes = []string{"staff"}, map[string]any{"team": "blue"}
			return nil
		})
		servertest.Must(t, err)
		servertest.WantMembers(t, s.CallAdmin(http.MethodGet, "/groups/staff", "").JSON(t), servertest.Object{"members": 1.0})
		servertest.WantMembers(t, s.CallAdmin(http.MethodGet, "/attributes/team", "").JSON(t), servertest.Object{"users": 1.0})
		if list := listed(s, "/groups/staff/applications"); len(list) != 1 || list[0]["client_name"] != "Wiki" {
			t.Errorf("applications of the group: %v", list)
		}
		servertest.WantError(t, s.CallAdmin(http.MethodGet, "/groups/none/applications", ""), http.StatusNotFound, "Not Found")
	})
}
