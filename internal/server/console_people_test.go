package server_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// twoAdministrators signs ada in twice, as two administrators with the role.
func twoAdministrators(t *testing.T, db *store.Store, settings ...string) (s *servertest.Server, mine, theirs *servertest.Browser) {
	t.Helper()
	s = startConsole(t, db, settings...)
	setAdminRole(s, account.Owner)
	mine, theirs = s.NewBrowser(), s.NewBrowser()
	secret := addApp(s)
	signInToConsole(mine, "/console", secret)
	s.Advance(time.Minute)
	signInToConsole(theirs, "/console", secret)
	return s, mine, theirs
}

// hiddenFields returns the values of the form that has the button, as a browser sends them.
func hiddenFields(p servertest.Response) url.Values {
	form := url.Values{}
	for _, name := range p.HiddenFields() {
		form.Set(name, p.HiddenField(name))
	}
	return form
}

// The second of two administrators who edit the same thing sees who changed it and both values, and
// decides.
func TestConsoleConflicts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, mine, theirs := twoAdministrators(t, db)
		for path, form := range map[string]url.Values{
			"/console/groups/new":       {"name": {"staff"}, "description": {"All"}},
			"/console/attributes/new":   {"name": {"team"}, "type": {"string"}, "visible_to": {"administrator"}, "editable_by": {"administrator"}},
			"/console/resources/new":    {"identifier": {"urn:example:print"}, "name": {"Print"}},
			"/console/scopes/new":       {"name": {"print"}, "title": {"Print"}, "claims": {"printer"}},
			"/console/applications/new": {"kind": {"web"}, "name": {"Wiki"}, "redirect_uri": {"https://wiki.example/a"}},
		} {
			if p := mine.Post(path, form); p.Status >= http.StatusBadRequest {
				t.Fatalf("%s: %d\n%s", path, p.Status, p.Body)
			}
		}
		clients, err := db.Clients.ListClients(t.Context(), "", 100)
		servertest.Must(t, err)
		wiki := clients[slices.IndexFunc(clients, func(c *client.Client) bool { return c.ClientName == "Wiki" })].ID
		bob := "/console/people/" + accountOf(s, "bob").Subject
		for name, tc := range map[string]struct{ path, field, change string }{
			"profile of a person":    {bob, "given_name", "profile"},
			"attributes of a person": {bob, "attribute.team", "attributes"},
			"group":                  {"/console/groups/staff", "description", "description"},
			"attribute":              {"/console/attributes/team", "title", "definition"},
			"scope":                  {"/console/scopes/print", "title", ""},
			"resource":               {"/console/resources/urn:example:print", "name", "definition"},
			"application":            {"/console/applications/" + wiki, "redirect_uris", "redirect_uris"},
		} {
			t.Run(name, func(t *testing.T) {
				value := func(v string) string {
					if tc.change == "redirect_uris" {
						return "https://wiki.example/" + v
					}
					return v
				}
				seen := mine.Get(tc.path)
				edit := func(v string) url.Values {
					form := url.Values{"shown": {"yes"}}
					for _, field := range seen.HiddenFields() {
						if strings.HasPrefix(field, "before.") {
							form.Set(field, seen.HiddenField(field))
							form.Set(strings.TrimPrefix(field, "before."), seen.HiddenField(field))
						}
					}
					form.Set(tc.field, value(v))
					if tc.change != "" {
						form.Set("change", tc.change)
					}
					return form
				}
				if p := theirs.Post(tc.path, edit("theirs")); p.Status != http.StatusSeeOther {
					t.Fatalf("the first change: %d\n%s", p.Status, p.Body)
				}
				p := mine.Post(tc.path, edit("mine"))
				if p.Status != http.StatusConflict || !strings.Contains(p.Body, value("theirs")) || !strings.Contains(p.Body, value("mine")) || !hasElement(p, "take") {
					t.Fatalf("the second change: %d\n%s", p.Status, p.Body)
				}
				if !strings.Contains(p.Body, "<bdi>ada</bdi> changed this") {
					t.Errorf("the page does not say who changed it\n%s", p.Body)
				}
				if stored := mine.Get(tc.path); !strings.Contains(stored.Body, value("theirs")) {
					t.Errorf("the conflict changed the value\n%s", stored.Body)
				}
				if p = mine.Post(tc.path, hiddenFields(p)); p.Status != http.StatusSeeOther {
					t.Errorf("keep mine: %d\n%s", p.Status, p.Body)
				}
				if stored := mine.Get(tc.path); !strings.Contains(stored.Body, value("mine")) {
					t.Errorf("the value is not mine\n%s", stored.Body)
				}
			})
		}
		// Changes of different members do not conflict.
		seen := mine.Get(bob)
		for i, name := range []string{"name", "family_name"} {
			form := url.Values{"change": {"profile"}, "shown": {"yes"}}
			for _, field := range []string{"name", "given_name", "family_name"} {
				form.Set("before."+field, seen.HiddenField("before."+field))
				form.Set(field, seen.HiddenField("before."+field))
			}
			form.Set(name, "Changed")
			if i == 1 {
				form.Set("name", "Changed")
			}
			if p := mine.Post(bob, form); p.Status != http.StatusSeeOther {
				t.Errorf("change of %s: %d\n%s", name, p.Status, p.Body)
			}
		}
	})
}

// The page of a person shows and changes addresses, factors, sessions, applications and attributes; the
// questions say what a change ends.
func TestConsolePerson(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		servertest.Must(t, db.Attributes.InsertAttribute(t.Context(), &account.Attribute{Name: "floor", AttributeDefinition: account.AttributeDefinition{Type: account.NumberAttribute}, CreatedAt: s.Time(), UpdatedAt: s.Time()}))
		own := "/console/people/" + accountOf(s, "ada").Subject
		other := s.NewBrowser()
		other.Follow(other.SubmitPassword(other.BeginSignIn(), "bob", ""))
		bob := "/console/people/" + accountOf(s, "bob").Subject
		p := b.Get(own)
		if strings.Contains(p.Body, "&lt;bdi") {
			t.Errorf("the page shows markup\n%s", p.Body)
		}
		for _, id := range []string{"username", "state", "last-sign-in", "addresses", "factors", "sessions", "applications", "activity", "attributes", "reset-factors"} {
			if !hasElement(p, id) {
				t.Errorf("the page has no element %s", id)
			}
		}
		for _, form := range []url.Values{
			{"change": {"address"}, "email": {"new@example.org"}, "verified": {"true"}},
			{"primary_address": {"new@example.org"}},
			{"change": {"address"}, "email": {"second@example.org"}},
			{"verify_address": {"second@example.org"}},
			{"change": {"attributes"}, "before.attribute.floor": {""}, "attribute.floor": {"3.5"}},
			{"change": {"profile"}, "before.name": {fmt.Sprint(accountOf(s, "bob").Claims["name"])}, "name": {"Bob B."}},
		} {
			if form.Get("before.name") == "<nil>" {
				form.Set("before.name", "")
			}
			if p := b.Post(bob, form); p.Status != http.StatusSeeOther {
				t.Errorf("%v: %d\n%s", form, p.Status, p.Body)
			}
		}
		a := accountOf(s, "bob")
		if second := a.Address("second@example.org"); a.PrimaryAddress().Address != "new@example.org" || second == nil || second.VerifiedAt.IsZero() || a.Attributes["floor"] != 3.5 || a.Claims["name"] != "Bob B." {
			t.Errorf("bob is %+v", a)
		}
		if p := b.Post(bob, url.Values{"change": {"attributes"}, "before.attribute.floor": {"3.5"}, "attribute.floor": {"ground"}}); p.Status != http.StatusConflict || !hasElement(p, "faults") {
			t.Errorf("a number that is none: %d", p.Status)
		}
		if p := b.Post(bob, url.Values{"change": {"lock"}}); !strings.Contains(p.Body, "1 session") || !hasElement(p, "numbers") {
			t.Errorf("the question: %d\n%s", p.Status, p.Body)
		}
		sid := b.Get(bob).Attribute("value", func(a map[string]string) bool { return a["name"] == "end_session" })
		if p := b.Post(bob, url.Values{"end_session": {sid}}); sid == "" || p.Status != http.StatusSeeOther {
			t.Errorf("end of the session %q: %d", sid, p.Status)
		}
		if p := b.Post(own, url.Values{"change": {"reset-factors"}}); !hasElement(p, "confirm") {
			t.Errorf("reset without a question: %d", p.Status)
		}
		for _, form := range []url.Values{{"remove_address": {"second@example.org"}, "confirm": {"yes"}}, {"stop": {"web"}, "confirm": {"yes"}}, {"change": {"reset-factors"}, "confirm": {"yes"}}} {
			if p := b.Post(bob, form); p.Status != http.StatusSeeOther {
				t.Errorf("%v: %d\n%s", form, p.Status, p.Body)
			}
		}
		if a := accountOf(s, "bob"); a.Address("second@example.org") != nil {
			t.Error("the address stays")
		}
	})
}

// Which people support reads is in the audit log, once for each in 15 minutes; others read without
// events. Support resets the factors of users, and those of an administrator only an owner does.
func TestConsoleSupport(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Support)
		bob := accountOf(s, "bob").Subject
		reads := func(action, target string) int {
			t.Helper()
			list, err := db.Audit.ListEvents(t.Context(), audit.Filter{Action: action, Target: target, Actor: accountOf(s, "ada").Subject}, "", 10)
			servertest.Must(t, err)
			for _, e := range list {
				if e.Outcome != audit.Done || e.RequestID == "" {
					t.Errorf("event %+v", e)
				}
			}
			return len(list)
		}
		for range 3 {
			b.Get("/console/people/" + bob)
			b.Get("/console/people?q=bo")
		}
		if n, m := reads("user.read", bob), reads("user.list", "q=bo"); n != 1 || m != 1 {
			t.Errorf("%d reads and %d searches in the audit log, want one of each", n, m)
		}
		s.Advance(10 * time.Minute)
		b.Get("/console")
		s.Advance(6 * time.Minute)
		b.Get("/console/people/" + bob)
		if n := reads("user.read", bob); n != 2 {
			t.Errorf("%d reads after 16 minutes, want 2", n)
		}
		setAdminRole(s, account.Administrator)
		b.Get("/console/people?q=ad")
		if n := reads("user.list", "q=ad"); n != 0 {
			t.Errorf("%d searches of an administrator in the audit log, want none", n)
		}
	})
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Administrator)
		_, err := db.Accounts.ChangeAccount(t.Context(), accountOf(s, "bob").Subject, s.Time(), func(a *account.Account) error { a.AdminRole = account.Owner; return nil })
		servertest.Must(t, err)
		peer := &account.Account{Subject: "peer", Username: "peer", AdminRole: account.Administrator, CreatedAt: s.Time(), UpdatedAt: s.Time()}
		servertest.Must(t, db.Accounts.InsertAccount(t.Context(), peer))
		page := "/console/people/peer"
		if p := b.Get(page); hasElement(p, "recover") || hasElement(p, "reset-factors") || hasElement(p, "add-address") || !hasElement(p, "lock") {
			t.Errorf("what an administrator is offered for another one\n%s", p.Body)
		}
		for _, form := range []url.Values{
			{"change": {"recover"}}, {"change": {"reset-factors"}, "confirm": {"yes"}}, {"change": {"address"}, "email": {"x@example.org"}}, {"remove_factor": {"password"}, "confirm": {"yes"}},
		} {
			if p := b.Post(page, form); p.Status != http.StatusForbidden {
				t.Errorf("%v: %d, want it refused", form, p.Status)
			}
		}
	})
}

// The page of a group shows and changes its members, and its deletion says who loses it.
func TestConsoleGroup(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		b.Post("/console/groups/new", url.Values{"name": {"Domain Admins/ü"}, "description": {"They may"}})
		page := "/console/groups/" + url.PathEscape("Domain Admins/ü")
		if p := b.Post(page, url.Values{"change": {"member"}, "member": {"BOB"}}); p.Status != http.StatusSeeOther {
			t.Errorf("new member: %d\n%s", p.Status, p.Body)
		}
		if p := b.Post(page, url.Values{"change": {"member"}, "member": {"nobody"}}); p.Status != http.StatusBadRequest || !hasElement(p, "faults") {
			t.Errorf("unknown member: %d", p.Status)
		}
		if p := b.Get(page); !strings.Contains(p.Body, accountOf(s, "bob").Subject) || !strings.Contains(p.Body, "1 member") {
			t.Errorf("members: %d\n%s", p.Status, p.Body)
		}
		if p := b.Post(page, url.Values{"change": {"delete"}}); !strings.Contains(p.Body, "1 member") || !strings.Contains(p.Body, "0 applications") {
			t.Errorf("the question: %d\n%s", p.Status, p.Body)
		}
		for _, form := range []url.Values{{"remove": {accountOf(s, "bob").Subject}}, {"change": {"delete"}, "confirm": {"yes"}}} {
			if p := b.Post(page, form); p.Status != http.StatusSeeOther {
				t.Errorf("%v: %d\n%s", form, p.Status, p.Body)
			}
		}
		if a := accountOf(s, "bob"); len(a.Groups) != 0 {
			t.Errorf("bob is in %v", a.Groups)
		}
		if p := b.Get(page); p.Status != http.StatusNotFound {
			t.Errorf("the deleted group: %d", p.Status)
		}
	})
}

// An attribute says how many people have a value before it is deleted.
func TestConsoleAttributes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.Store) {
		t.Helper()
		s, b := openConsole(t, db, account.Owner)
		form := url.Values{"name": {"team"}, "type": {"list"}, "visible_to": {"both"}, "editable_by": {"administrator"}, "scope": {"profile"}, "required": {""}}
		if p := b.Post("/console/attributes/new", url.Values{"name": {"1"}, "type": {"list"}, "visible_to": {"both"}, "editable_by": {"both"}}); p.Status != http.StatusBadRequest || !hasElement(p, "faults") {
			t.Errorf("a name that no attribute can have: %d", p.Status)
		}
		if p := b.Post("/console/attributes/new", form); p.Status != http.StatusSeeOther {
			t.Fatalf("new attribute: %d\n%s", p.Status, p.Body)
		}
		bob := "/console/people/" + accountOf(s, "bob").Subject
		if p := b.Post(bob, url.Values{"change": {"attributes"}, "before.attribute.team": {""}, "attribute.team": {"red\r\nblue\r\n"}}); p.Status != http.StatusSeeOther {
			t.Errorf("value: %d\n%s", p.Status, p.Body)
		}
		if got := fmt.Sprint(accountOf(s, "bob").Attributes["team"]); got != "[red blue]" {
			t.Errorf("the value is %s", got)
		}
		if p := b.Post("/console/attributes/team", url.Values{"change": {"delete"}}); !strings.Contains(p.Body, "1 person") {
			t.Errorf("the question: %d\n%s", p.Status, p.Body)
		}
		if p := b.Post("/console/attributes/team", url.Values{"change": {"delete"}, "confirm": {"yes"}}); p.Status != http.StatusSeeOther {
			t.Errorf("deletion: %d", p.Status)
		}
	})
}

// A list of people is previewed with its faults by line, then invited, with a report; open invitations
// are sent again and taken back.
func TestConsoleInvitations(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string][]string{
		"with mail":    {"sign_up", "invited", "mail_url", "smtp+plain://127.0.0.1:9", "mail_from", "no-reply@id.example"},
		"without mail": {"sign_up", "invited"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, db *store.Store) {
				t.Helper()
				s, b, _ := twoAdministrators(t, db, settings...)
				servertest.Must(t, db.Groups.InsertGroup(t.Context(), &account.Group{Name: "staff", CreatedAt: s.Time(), UpdatedAt: s.Time()}))
				const bulk = "/console/people/invitations/bulk"
				list := "\uFEFFName;E-Mail;Groups\r\nAnn;ann@example.org;staff\r\nX;nobody;\r\nY;ann@example.org;\r\nZ;eve@example.org;none\r\nQ;\"b\"ob@example.org;\r\nCy;cy@example.org;\r\n"
				var body bytes.Buffer
				form := multipart.NewWriter(&body)
				file, err := form.CreateFormFile("file", "people.csv")
				servertest.Must(t, err)
				_, _ = file.Write([]byte(list))
				servertest.Must(t, form.WriteField("list", ""))
				servertest.Must(t, form.Close())
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+bulk, &body)
				servertest.Must(t, err)
				r.Header.Set("Content-Type", form.FormDataContentType())
				r.Header.Set("Origin", s.URL)
				p := servertest.Send(t, b.Client, r)
				for _, want := range []string{"Invite 2 people", "This is not an email address", "Occurs earlier in the list", "A group does not exist", "quotation marks", "Line 6"} {
					if !strings.Contains(p.Body, want) {
						t.Errorf("the preview (%d) does not say %q\n%s", p.Status, want, p.Body)
					}
				}
				if open, err := db.OneTimeLinks.ListInvitations(t.Context(), "", 10, s.Time()); err != nil || len(open) != 0 {
					t.Errorf("the preview invited %v, %v", open, err)
				}
				p = b.Post(bulk, url.Values{"list": {p.HiddenField("list")}, "confirm": {"yes"}})
				links := strings.Count(p.Body, "/invitation?token=")
				if want := map[string]int{"with mail": 0, "without mail": 4}[name]; p.Status != http.StatusOK || !hasElement(p, "download") || links != want { // on the page and in the report
					t.Errorf("the report: %d, %d links\n%s", p.Status, links, p.Body)
				}
				report := b.Post("/console/people/invitations/report", url.Values{"report": {p.HiddenField("report")}})
				if report.Status != http.StatusOK || !strings.HasPrefix(report.Header.Get("Content-Disposition"), "attachment") || !strings.Contains(report.Body, "2,ann@example.org,staff,") {
					t.Errorf("the file: %d\n%s", report.Status, report.Body)
				}
				p = b.Get("/console/people/invitations")
				if !strings.Contains(p.Body, "ann@example.org") || !strings.Contains(p.Body, "cy@example.org") || strings.Contains(p.Body, "eve@example.org") {
					t.Errorf("open invitations: %d\n%s", p.Status, p.Body)
				}
				if p = b.Post("/console/people/invitations", url.Values{"again": {"ann@example.org"}}); p.Status >= http.StatusBadRequest {
					t.Errorf("send again: %d\n%s", p.Status, p.Body)
				}
				messages, err := db.Mails.ListMails(t.Context(), store.MailFilter{Kind: mail.Invitation}, "", 10)
				if want := map[string]int{"with mail": 3, "without mail": 0}[name]; err != nil || len(messages) != want {
					t.Errorf("%d messages, %v, want %d", len(messages), err, want)
				}
				if p = b.Post("/console/people/invitations", url.Values{"withdraw": {"ann@example.org"}}); !hasElement(p, "confirm") {
					t.Errorf("take back without a question: %d", p.Status)
				}
				if p = b.Post("/console/people/invitations", url.Values{"withdraw": {"ann@example.org"}, "confirm": {"yes"}}); p.Status != http.StatusSeeOther {
					t.Errorf("take back: %d", p.Status)
				}
				if p = b.Get("/console/people/invitations"); strings.Contains(p.Body, "mailto") || strings.Count(p.Body, "again") == 0 {
					t.Errorf("after that: %d", p.Status)
				}
				for _, bad := range []string{"", "name,groups\nAnn,staff", strings.Repeat("a@example.org\n", 1001)} {
					if p := b.Post(bulk, url.Values{"list": {bad}}); p.Status != http.StatusBadRequest || !hasElement(p, "faults") {
						t.Errorf("%.20q: %d", bad, p.Status)
					}
				}
				if p := b.Post(bulk, url.Values{"list": {strings.Repeat("a", 2<<20)}}); p.Status != http.StatusRequestEntityTooLarge {
					t.Errorf("2 MiB: %d", p.Status)
				}
			})
		})
	}
}
