package cli

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/server/servertest"
)

func TestScopesAreDeclaredOnTheCommandLine(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	read := func(out string) (said servertest.Object) {
		t.Helper()
		if err := json.Unmarshal([]byte(out), &said); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return said
	}
	made := read(sh.must("scopes", "create", "hr", "--title", "See where you work", "--claim", "department=id_token,userinfo",
		"--claim", "https://claims.example/?a=b=access_token", "--json"))
	servertest.WantMembers(t, made, servertest.Object{
		"name": "hr", "title": "See where you work", "description": "", "self_registration": false,
		"claims": servertest.Object{"department": []any{"id_token", "userinfo"}, "https://claims.example/?a=b": []any{"access_token"}},
	})
	servertest.Contains(t, sh.refused("scopes", "create", "hr"), "exists already")
	servertest.Contains(t, sh.refused("scopes", "create", "two words"), "name must be")
	servertest.Contains(t, sh.refused("scopes", "create", "a", "--claim", "groups"), "NAME=PLACES")
	servertest.Contains(t, sh.refused("scopes", "create", "a", "--claim", "groups=header"), "id_token")
	servertest.Contains(t, sh.refused("scopes", "create", "a", "--claim", "sub=userinfo"), "sub")
	servertest.Contains(t, sh.refused("scopes", "create", "clients:write", "--self-registration"), "administrators' API")

	changed := read(sh.must("scopes", "update", "hr", "--claim", "department=", "--claim", "desk=userinfo", "--description", "Your desk.", "--self-registration", "--json"))
	servertest.WantMembers(t, changed, servertest.Object{
		"title": "See where you work", "description": "Your desk.", "self_registration": true,
		"claims": servertest.Object{"desk": []any{"userinfo"}, "https://claims.example/?a=b": []any{"access_token"}},
	})
	if diff := cmp.Diff(changed, read(sh.must("scopes", "get", "hr", "--json"))); diff != "" {
		t.Errorf("get differs (-want +got):\n%s", diff)
	}
	servertest.Contains(t, sh.must("scopes", "list"), "hr", "desk", "groups", "See your groups", "openid")
	servertest.Contains(t, sh.refused("scopes", "get", "other"), "no record")
	servertest.Contains(t, sh.refused("scopes", "update", "other", "--title", "x"), "no record")
	servertest.Contains(t, sh.refused("scopes", "update", "email", "--claim", "email="), "email")
	servertest.WantMembers(t, read(sh.must("scopes", "update", "email", "--title", "Mail", "--json")), servertest.Object{"title": "Mail"})

	servertest.Contains(t, sh.refused("scopes", "delete", "hr"), "--yes")
	servertest.Contains(t, sh.must("scopes", "delete", "hr", "--yes"), "deleted the scope hr")
	servertest.Contains(t, sh.refused("scopes", "delete", "hr", "--yes"), "no record")
	servertest.Contains(t, sh.refused("scopes", "delete", "email", "--yes"), "cannot be deleted")
	servertest.Contains(t, sh.must("audit"), "scope.create", "scope.update", "scope.delete")
}

// The command names imported claims that no scope releases.
func TestClaimsThatNoScopeReleasesAreNamed(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	file := sh.file("people.json", `[
		{"username": "ada", "password": "correct horse", "claims": {"name": "Ada", "name#ja": "エイダ", "groups": ["staff"], "department": "engines", "https://claims.example/tenant": 7}},
		{"username": "bob", "password": "battery staple", "claims": {"department": "looms", "shoe_size": 38}}]`)
	import1 := sh.run("users", "import", file)
	servertest.Contains(t, import1.err, "no scope releases these claims: department, https://claims.example/tenant, shoe_size\n", "ostiary scopes create")
	sh.must("scopes", "create", "hr", "--claim", "department=access_token", "--claim", "https://claims.example/tenant=userinfo", "--claim", "shoe_size=introspection")
	if again := sh.run("users", "import", file); again.code != 0 || again.err != "" {
		t.Errorf("once all are released: %d %q", again.code, again.err)
	}

	var created struct{ Claims servertest.Object }
	sh.json(&created, "users", "create", "eve", "--generate", "--claim", `groups=["a","b"]`, "--claim", `department={"row":3}`, "--claim", "nickname=[x]", "--claim", "shoe_size=[x")
	want := servertest.Object{"groups": []any{"a", "b"}, "department": servertest.Object{"row": 3.0}, "nickname": "[x]", "shoe_size": "[x"}
	if diff := cmp.Diff(want, created.Claims); diff != "" {
		t.Errorf("claims of the command line differ (-want +got):\n%s", diff)
	}
	servertest.Contains(t, sh.run("users", "create", "mallory", "--generate", "--claim", "hat=red").err, "no scope releases these claims: hat\n")
}
