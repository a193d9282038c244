package cli_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestScopeLifecycle(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	read := func(out string) (scope servertest.Object) {
		t.Helper()
		if err := json.Unmarshal([]byte(out), &scope); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return scope
	}
	made := read(sh.Must("scopes", "create", "hr", "--title", "See where you work", "--claim", "department=id_token,userinfo",
		"--claim", "https://claims.example/?a=b=access_token", "--json"))
	servertest.WantMembers(t, made, servertest.Object{
		"name": "hr", "title": "See where you work", "description": "", "self_registration": false,
		"claims": servertest.Object{"department": []any{"id_token", "userinfo"}, "https://claims.example/?a=b": []any{"access_token"}},
	})
	servertest.Contains(t, sh.MustFail("scopes", "create", "hr"), "exists already")
	servertest.Contains(t, sh.MustFail("scopes", "create", "two words"), "name must be")
	servertest.Contains(t, sh.MustFail("scopes", "create", "a", "--claim", "groups"), "NAME=PLACES")
	servertest.Contains(t, sh.MustFail("scopes", "create", "a", "--claim", "groups=header"), "id_token")
	servertest.Contains(t, sh.MustFail("scopes", "create", "a", "--claim", "sub=userinfo"), "sub")
	servertest.Contains(t, sh.MustFail("scopes", "create", "clients:write", "--self-registration"), "admin API")

	changed := read(sh.Must("scopes", "update", "hr", "--claim", "department=", "--claim", "desk=userinfo", "--description", "Your desk.", "--self-registration", "--json"))
	servertest.WantMembers(t, changed, servertest.Object{
		"title": "See where you work", "description": "Your desk.", "self_registration": true,
		"claims": servertest.Object{"desk": []any{"userinfo"}, "https://claims.example/?a=b": []any{"access_token"}},
	})
	if diff := cmp.Diff(changed, read(sh.Must("scopes", "get", "hr", "--json"))); diff != "" {
		t.Errorf("get differs (-want +got):\n%s", diff)
	}
	servertest.Contains(t, sh.Must("scopes", "list"), "hr", "desk", "groups", "See your groups", "openid")
	servertest.Contains(t, sh.MustFail("scopes", "get", "other"), "not found")
	servertest.Contains(t, sh.MustFail("scopes", "update", "other", "--title", "x"), "not found")
	servertest.Contains(t, sh.MustFail("scopes", "update", "email", "--claim", "email="), "email")
	servertest.WantMembers(t, read(sh.Must("scopes", "update", "email", "--title", "Mail", "--json")), servertest.Object{"title": "Mail"})

	servertest.Contains(t, sh.MustFail("scopes", "delete", "hr"), "--yes")
	servertest.Contains(t, sh.Must("scopes", "delete", "hr", "--yes"), "deleted the scope hr")
	servertest.Contains(t, sh.MustFail("scopes", "delete", "hr", "--yes"), "not found")
	servertest.Contains(t, sh.MustFail("scopes", "delete", "email", "--yes"), "cannot be deleted")
	servertest.Contains(t, sh.Must("audit"), "scope.create", "scope.update", "scope.delete")
}

// The command names imported claims that no scope releases.
func TestWarnsOfClaimsWithoutScope(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	file := sh.WriteFile("people.json", `[
		{"username": "ada", "password": "correct horse", "claims": {"name": "Ada", "name#ja": "エイダ", "groups": ["staff"], "department": "engines", "https://claims.example/tenant": 7}},
		{"username": "bob", "password": "battery staple", "claims": {"department": "looms", "shoe_size": 38}}]`)
	import1 := sh.Run("users", "import", file)
	servertest.Contains(t, import1.Err, "no scope releases these claims: department, https://claims.example/tenant, shoe_size\n", "ostiary scopes create")
	sh.Must("scopes", "create", "hr", "--claim", "department=access_token", "--claim", "https://claims.example/tenant=userinfo", "--claim", "shoe_size=introspection")
	if again := sh.Run("users", "import", file); again.Code != 0 || again.Err != "" {
		t.Errorf("once all are released: %d %q", again.Code, again.Err)
	}

	var created struct{ Claims servertest.Object }
	sh.JSON(&created, "users", "create", "eve", "--generate", "--claim", `groups=["a","b"]`, "--claim", `department={"row":3}`, "--claim", "nickname=[x]", "--claim", "shoe_size=[x")
	want := servertest.Object{"groups": []any{"a", "b"}, "department": servertest.Object{"row": 3.0}, "nickname": "[x]", "shoe_size": "[x"}
	if diff := cmp.Diff(want, created.Claims); diff != "" {
		t.Errorf("claims of the command line differ (-want +got):\n%s", diff)
	}
	servertest.Contains(t, sh.Run("users", "create", "mallory", "--generate", "--claim", "hat=red").Err, "no scope releases these claims: hat\n")
}
