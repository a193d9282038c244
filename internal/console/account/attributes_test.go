package account_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// Users change the attributes that are theirs, with values of the right type, see those that are
// shown to them, and neither see nor change the others.
func TestAttributesOfTheProfile(t *testing.T) {
	each(t, nil, func(t *testing.T, s *servertest.Server) {
		t.Helper()
		user := []account.Party{account.PartyUser}
		for name, d := range map[string]account.AttributeDefinition{
			"team":   {Type: account.StringAttribute, Title: "Your team", EditableBy: user, Required: true},
			"floor":  {Type: account.NumberAttribute, EditableBy: user},
			"remote": {Type: account.BooleanAttribute, EditableBy: user},
			"tags":   {Type: account.ListAttribute, EditableBy: user},
			"desk":   {Type: account.StringAttribute, VisibleTo: user},
			"rating": {Type: account.StringAttribute},
		} {
			if err := s.Store.Attributes.InsertAttribute(t.Context(), &account.Attribute{Name: name, AttributeDefinition: d, CreatedAt: s.Time(), UpdatedAt: s.Time()}); err != nil {
				t.Fatal(err)
			}
		}
		ada, err := s.Store.Accounts.AccountByUsername(t.Context(), "ada")
		if err != nil {
			t.Fatal(err)
		}
		set := func(values map[string]any) {
			t.Helper()
			if _, err := s.Store.Accounts.ChangeAccount(t.Context(), ada.Subject, s.Time(), func(a *account.Account) error { a.Attributes = values; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		want := func(when string, want map[string]any) {
			t.Helper()
			a, err := s.Store.Accounts.Account(t.Context(), ada.Subject)
			if diff := cmp.Diff(want, a.Attributes); err != nil || diff != "" {
				t.Errorf("%s: %v (-want +got):\n%s", when, err, diff)
			}
		}
		managed := map[string]any{"desk": "4-17", "rating": "secret rating"}
		set(managed)

		b := s.NewBrowser()
		servertest.Contains(t, open(b, "/account").Body, "Your profile lacks required details", `href="`+s.URL+`/account/profile"`)
		page := open(b, "/account/profile")
		servertest.Contains(t, page.Body, `id="attribute-team" name="attributes.team"`, "Your team", `id="attribute-floor"`, `<textarea id="attribute-tags"`, `<select id="attribute-remote"`, "4-17")
		servertest.Lacks(t, page.Body, ">rating<", `id="attribute-desk"`)

		for name, fields := range map[string][]string{
			"a required attribute": {"team", "attribute-team", " "},
			"a long text":          {"team", "attribute-team", strings.Repeat("a", 1001)},
			"a control character":  {"team", "attribute-team", "a\x01b"},
			"a word as a number":   {"floor", "attribute-floor", "seven"},
			"infinity":             {"floor", "attribute-floor", "1e999"},
			"a number as a choice": {"remote", "attribute-remote", "1"},
			"null as a choice":     {"remote", "attribute-remote", "null"},
			"too many lines":       {"tags", "attribute-tags", strings.Repeat("a\n", 101)},
			"a long line":          {"tags", "attribute-tags", strings.Repeat("a", 1001)},
		} {
			p := b.Post("/account/profile", form("name", "Changed", "attributes."+fields[0], fields[2]))
			wantStatus(t, name, p, http.StatusBadRequest)
			servertest.Contains(t, p.Body, `href="#`+fields[1]+`"`, `aria-invalid="true"`)
		}
		want("after invalid forms", managed)
		submit(b, "/account/profile", "attributes.desk", "5-1", "attributes.rating", "best", "attributes.other", "x", "attributes.team", "Engines")
		want("after fields of administrators", map[string]any{"desk": "4-17", "rating": "secret rating", "team": "Engines"})
		servertest.Lacks(t, open(b, "/account").Body, "Your profile lacks required details")

		submit(b, "/account/profile", "attributes.floor", " 7.5 ", "attributes.remote", "false", "attributes.tags", "one\r\n\r\n two ")
		all := map[string]any{"desk": "4-17", "rating": "secret rating", "team": "Engines", "floor": 7.5, "remote": false, "tags": []any{"one", "two"}}
		want("with every type", all)
		servertest.Contains(t, open(b, "/account/profile").Body, `value="7.5"`, `<option value="false" selected>`, ">\none\ntwo</textarea>")
		submit(b, "/account/profile", "name", "Ada Lovelace", "fields", page.HiddenField("fields"), "attributes.team", "Engines", "attributes.floor", "", "attributes.remote", "", "attributes.tags", "")
		want("after empty fields", map[string]any{"desk": "4-17", "rating": "secret rating", "team": "Engines"})

		var file struct {
			Account struct{ Attributes map[string]any }
		}
		submit(b, "/account/data")
		makeFile(s)
		if err := json.Unmarshal([]byte(b.Get("/account/data/file").Body), &file); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]any{"desk": "4-17", "team": "Engines"}, file.Account.Attributes); diff != "" {
			t.Errorf("the file of the user (-want +got):\n%s", diff)
		}
		changes := strings.Count(open(b, "/account/activity").Body, "<strong>Profile changed")
		submit(b, "/account/profile", "attributes.team", "Engines")
		if again := strings.Count(open(b, "/account/activity").Body, "<strong>Profile changed"); changes != 3 || again != changes {
			t.Errorf("activity has %d changes, and %d after a form that changes nothing; want 3", changes, again)
		}
	})
}
