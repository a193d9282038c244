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
		{[]string{"update", "ada", "--claim=team=1", "--remove-claim=team"}, "both name"},
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
