package cli_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// Updates of claims and administrator rights keep the password, for accounts created by an
// operator, by sign-up and by a login app.
func TestUserUpdateKeepsPassword(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "create", "ada", "--generate", "--claim=email=wrong@example.com", "--claim=team=7")
	at := time.Now()
	signedUp := &account.Account{Subject: "sub-of-eve", Username: "eve", SelfRegistered: true, CreatedAt: at, UpdatedAt: at}
	external := account.NewExternal("sub-of-app", at)
	for _, a := range []*account.Account{signedUp, external} {
		if err := sh.Store().Accounts.InsertAccount(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	sh.Must("users", "create", "root", "--generate", "--admin") // the last owner cannot be lowered
	for _, name := range []string{"ADA", "eve", "sub-of-app"} {
		var before, changed, got cli.UserView
		sh.JSON(&before, "users", "get", name)
		email := strings.ToLower(name) + ".right@example.com"
		sh.JSON(&changed, "users", "update", name, "--claim=email="+email, "--claim=email_verified=true", "--remove-claim=team", "--admin")
		want := before
		want.Claims = map[string]any{"email": email, "email_verified": true}
		want.Emails = []cli.EmailView{{Address: email, Verified: true, Primary: true}}
		want.Administrator, want.AdminRole, want.UpdatedAt = true, "owner", changed.UpdatedAt
		sh.JSON(&got, "users", "get", name)
		for what, view := range map[string]cli.UserView{"users update": changed, "users get": got} {
			if diff := cmp.Diff(want, view); diff != "" {
				t.Errorf("%s of %s (-want +got):\n%s", what, name, diff)
			}
		}
		if !changed.UpdatedAt.After(before.UpdatedAt) {
			t.Errorf("%s was updated at %v, before at %v", name, changed.UpdatedAt, before.UpdatedAt)
		}
		sh.JSON(&got, "users", "update", name, "--no-admin")
		if got.Administrator || len(got.Claims) != 2 {
			t.Errorf("users update --no-admin made %+v of %s", got, name)
		}
	}
	if a := accountOf(sh, "ada"); !a.SessionsValidAfter.IsZero() {
		t.Error("an update ended ada's sessions")
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"update", "ada"}, "no change"},
		{[]string{"update", "ada", "--claim=sub=x"}, "claims.sub must be absent"},
		{[]string{"update", "ada", "--claim=team=1", "--remove-claim=team"}, "both set and removed"},
		{[]string{"update", "nobody", "--admin"}, "nobody"},
		{[]string{"get", "nobody"}, "nobody"},
		{[]string{"unlock", "nobody"}, "nobody"},
	} {
		servertest.Contains(t, sh.MustFail(append([]string{"users"}, tc.args...)...), tc.want)
	}
}

func TestUserSearch(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "create", "ada", "--generate", "--claim=name=Ada Lovelace", "--claim=email=ada@Example.com")
	sh.Must("users", "create", "lovejoy", "--generate", "--claim=team=Example")
	if err := sh.Store().Accounts.InsertAccount(t.Context(), account.NewExternal("sub-of-app", time.Now())); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]string{
		"LOVE": {"ada", "lovejoy"}, "lace": {"ada"}, "@example": {"ada"}, "example": {"ada"}, "sub-of-app": {""}, "sub-of": nil, "": {"", "ada", "lovejoy"},
	} {
		var found []cli.UserView
		sh.JSON(&found, "users", "list", "--search", text)
		var got []string
		for _, v := range found {
			got = append(got, v.Username)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("users list --search %q found %q, want %q", text, got, want)
		}
	}
}

// An import changes administrator rights only if the entry has the member.
func TestImportSetsAdministrator(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "create", "root", "--generate", "--admin") // the last owner cannot be lowered
	for step, tc := range []struct {
		entry   string
		updated int
		want    bool
	}{
		{`{"username": "ada", "password": "correct horse", "administrator": true}`, 0, true},
		{`{"username": "ada"}`, 0, true},
		{`{"username": "ada", "administrator": null}`, 0, true},
		{`{"username": "ada", "administrator": false}`, 1, false},
		{`{"username": "ada", "administrator": false}`, 0, false},
		{`{"username": "ada"}`, 0, false},
		{`{"username": "ada", "administrator": true}`, 1, true},
	} {
		var done cli.ImportResult
		sh.JSON(&done, "users", "import", sh.WriteFile("users.json", "["+tc.entry+"]"))
		if got := accountOf(sh, "ada"); (got.AdminRole == account.Owner) != tc.want || done.Updated != tc.updated || !got.SessionsValidAfter.IsZero() {
			t.Errorf("step %d, %s: administrator %v, %d updated; want %v, %d, and all sessions kept",
				step, tc.entry, got.AdminRole, done.Updated, tc.want, tc.updated)
		}
	}
}

// The export of users is an import that changes nothing.
func TestExportUsers(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "create", "ada", "--generate", "--admin", "--claim=email=ada@example.com", "--claim=name=Ada")
	file := sh.WriteFile("users.json", `[{"username": "ada", "groups": ["staff"], "roles": ["editor"]}]`)
	sh.Must("users", "import", file)
	plain := sh.Must("users", "export")
	servertest.Contains(t, plain, `"username": "ada"`, `"address": "ada@example.com"`, `"staff"`, `"editor"`, `"admin_role": "owner"`)
	servertest.Lacks(t, plain, "password", "$argon2id")
	all := sh.Must("users", "export", "--credentials")
	servertest.Contains(t, all, `"password_hash": "$argon2id$`)
	for _, text := range []string{plain, all} {
		var done cli.ImportResult
		sh.JSON(&done, "users", "import", sh.WriteFile("again.json", text))
		if done.Created != 0 || done.Updated != 0 || done.Unchanged != 1 {
			t.Errorf("import of the export did %+v, want one unchanged user", done)
		}
	}
	servertest.Contains(t, sh.Must("users", "get", "ada", "--json"), `"groups"`, `"admin_role": "owner"`)
}

// Addresses, groups, roles, state and role of administrators change by flags; password and
// sessions stay.
func TestUserUpdateOfMembers(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "create", "ada", "--generate", "--admin", "--claim=email=ada@example.com")
	sh.Must("users", "create", "bob", "--generate", "--claim=email=bob@example.com", "--claim=email_verified=true")
	sh.Must("groups", "create", "staff", "--description=All of us")
	sh.Must("groups", "create", "vip")
	var got cli.UserView
	sh.JSON(&got, "users", "update", "ada", "--verify-email=ADA@example.com", "--add-email=a2@example.com", "--primary-email=a3@example.com",
		"--add-group=staff", "--add-group=vip", "--add-role=editor", "--add-role=author", "--state=must_change_password")
	want := []cli.EmailView{{Address: "a3@example.com", Primary: true}, {Address: "a2@example.com"}, {Address: "ada@example.com", Verified: true}}
	if diff := cmp.Diff(want, got.Emails); diff != "" {
		t.Errorf("addresses (-want +got):\n%s", diff)
	}
	if !slices.Equal(got.Groups, []string{"staff", "vip"}) || !slices.Equal(got.Roles, []string{"author", "editor"}) || got.State != "must_change_password" || got.AdminRole != "owner" {
		t.Errorf("users update made %+v", got)
	}
	var again cli.UserView
	sh.JSON(&again, "users", "get", "ada")
	if diff := cmp.Diff(got, again); diff != "" {
		t.Errorf("users get (-update +get):\n%s", diff)
	}
	sh.JSON(&got, "users", "update", "ada", "--remove-email=a3@example.com", "--remove-email=a2@example.com", "--remove-group=vip", "--remove-role=author", "--state=active")
	if len(got.Emails) != 1 || !got.Emails[0].Primary || !slices.Equal(got.Groups, []string{"staff"}) || !slices.Equal(got.Roles, []string{"editor"}) || got.State != "active" {
		t.Errorf("users update made %+v", got)
	}
	sh.JSON(&got, "users", "update", "bob", "--admin-role=auditor")
	if got.AdminRole != "auditor" || got.Administrator {
		t.Errorf("users update --admin-role made %+v", got)
	}
	got = cli.UserView{}
	sh.JSON(&got, "users", "update", "bob", "--admin-role=none")
	if got.AdminRole != "" {
		t.Errorf("users update --admin-role=none made %+v", got)
	}
	for flag, want := range map[string]string{
		"--admin-role=none": "last owner", "--admin-role=root": "admin_role must be", "--state=disabled": "last owner", "--state=frozen": "state must be", "--add-group=none": "group not found",
		"--add-email=nobody": "not an email address", "--remove-email=x@example.com": "does not have this email", "--verify-email=bob@example.com": "another account has verified",
		"--add-role= x": "the name of a role",
	} {
		servertest.Contains(t, sh.MustFail("users", "update", "ada", flag), want)
	}

	servertest.Contains(t, sh.Must("groups", "add", "vip", "ada", "bob"), "added ada to vip", "added bob to vip")
	sh.Must("groups", "add", "vip", "bob")
	servertest.Contains(t, sh.MustFail("groups", "add", "vip", "ada", "nobody"), "nobody")
	servertest.Contains(t, sh.MustFail("groups", "add", "none", "ada"), "group not found")
	var members []cli.UserView
	if sh.JSON(&members, "users", "list", "--group=vip"); len(members) != 2 {
		t.Errorf("%d members of vip, want 2", len(members))
	}
	sh.Must("groups", "remove", "vip", "bob")
	if sh.JSON(&members, "users", "list", "--group=vip"); len(members) != 1 || members[0].Username != "ada" {
		t.Errorf("members of vip: %+v, want ada", members)
	}
	servertest.Contains(t, sh.MustFail("groups", "create", "vip"), "exists already")
	sh.Must("groups", "update", "vip", "--description=Guests")
	servertest.Contains(t, sh.MustFail("groups", "update", "none", "--description=x"), "group not found")
	servertest.Contains(t, sh.MustFail("groups", "delete", "vip"), "--yes")
	servertest.Contains(t, sh.Must("groups", "list"), "staff", "All of us", "vip", "Guests")
	sh.Must("groups", "delete", "vip", "--yes")
	servertest.Contains(t, sh.MustFail("groups", "delete", "vip", "--yes"), "group not found")
	servertest.Lacks(t, sh.Must("groups", "list"), "vip")
	if a := accountOf(sh, "ada"); !a.SessionsValidAfter.IsZero() || a.Password == nil {
		t.Error("an update ended ada's sessions or removed the password")
	}
}
