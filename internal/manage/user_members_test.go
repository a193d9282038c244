package manage_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/manage"
)

// An export is an import that changes nothing, and makes the same users elsewhere.
func TestExportIsAnImport(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		o.importUsers(t, `[
			{"subject":"sub-of-carol","username":"carol","password":"`+password+`","claims":{"name":"Carol"},"groups":["staff","Domain Admins"],"roles":["editor"],
			 "emails":[{"address":"carol@home.example"},{"address":"carol@example.org","verified":true,"primary":true}],"admin_role":"support"},
			{"username":"root","password":"`+password+`","administrator":true}]`, 2, 0)
		carol := o.account(t, "carol")
		wantSame(t, "subject", carol.Subject, "sub-of-carol")
		wantSame(t, "addresses", carol.Addresses, []account.Address{{Address: "carol@example.org", VerifiedAt: later, Primary: true}, {Address: "carol@home.example"}})
		wantSame(t, "groups", carol.Groups, []string{"Domain Admins", "staff"})
		wantSame(t, "role", carol.AdminRole, account.Support)

		var users []manage.UserExport
		for _, name := range []string{"carol", "root"} {
			users = append(users, manage.ExportUser(o.account(t, name), true))
		}
		text, err := json.Marshal(users)
		must(t, err)
		before := o.records(t)
		o.importUsers(t, string(text), 0, 0)
		wantSame(t, "the records after the import of the export", o.records(t), before)
		if plain := manage.ExportUser(carol, false); plain.PasswordHash != nil || strings.Contains(string(text), "email_verified") {
			t.Errorf("export without credentials = %+v", plain)
		}
		must(t, o.Accounts.DeleteAccount(t.Context(), carol.Subject, later))
		o.importUsers(t, string(text), 1, 0)
		wantSame(t, "the account that the export made again", manage.ExportUser(o.account(t, "carol"), true), users[0])

		o.importUsers(t, `[{"username":"carol","groups":[],"emails":[{"address":"CAROL@example.org","verified":true}],"admin_role":""}]`, 0, 1)
		changed := o.account(t, "carol")
		wantSame(t, "groups", len(changed.Groups), 0)
		wantSame(t, "roles that the entry lacks", changed.Roles, []string{"editor"})
		wantSame(t, "role", changed.AdminRole, account.NoAdminRole)
	})
}

func TestInvalidMembersOfUsers(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		o.importUsers(t, `[{"username":"carol","password":"`+password+`"}]`, 1, 0)
		for entry, want := range map[string]string{
			`{"username":"carol","subject":"another"}`:                                "subject differs",
			`{"username":"x","password":"` + password + `","subject":"ü"}`:            "printable ASCII",
			`{"username":"carol","emails":[{"address":"no"}]}`:                        "not an email address",
			`{"username":"carol","emails":[{"address":"a@b.c"},{"address":"A@b.c"}]}`: "twice",
			`{"username":"carol","emails":"a@b.c"}`:                                   "emails must be an array",
			`{"username":"carol","emails":[],"claims":{"email":"a@b.c"}}`:             "exclude each other",
			`{"username":"carol","groups":[" staff"]}`:                                "name of a group",
			`{"username":"carol","roles":["a","a"]}`:                                  "listed twice",
			`{"username":"carol","admin_role":"king"}`:                                "admin_role must be",
			`{"username":"carol","admin_role":"owner","administrator":true}`:          "exclude each other",
		} {
			_, _, err := o.userIn.Import(t.Context(), []byte("["+entry+"]"))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("import of %s = %v, want an error with %q", entry, err, want)
			}
		}
	})
}
