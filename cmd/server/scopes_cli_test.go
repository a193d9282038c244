package main

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestScopesAreDeclaredOnTheCommandLine(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	read := func(out string) (said object) {
		t.Helper()
		if err := json.Unmarshal([]byte(out), &said); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return said
	}
	made := read(sh.must("scopes", "create", "hr", "--title", "See where you work", "--claim", "department=id_token,userinfo",
		"--claim", "https://claims.example/?a=b=access_token", "--json"))
	wantMembers(t, made, object{
		"name": "hr", "title": "See where you work", "description": "", "self_registration": false,
		"claims": object{"department": []any{"id_token", "userinfo"}, "https://claims.example/?a=b": []any{"access_token"}},
	})
	contains(t, sh.refused("scopes", "create", "hr"), "exists already")
	contains(t, sh.refused("scopes", "create", "two words"), "name must be")
	contains(t, sh.refused("scopes", "create", "a", "--claim", "groups"), "NAME=PLACES")
	contains(t, sh.refused("scopes", "create", "a", "--claim", "groups=header"), "id_token")
	contains(t, sh.refused("scopes", "create", "a", "--claim", "sub=userinfo"), "sub")
	contains(t, sh.refused("scopes", "create", "clients:write", "--self-registration"), "administrators' API")

	changed := read(sh.must("scopes", "update", "hr", "--claim", "department=", "--claim", "desk=userinfo", "--description", "Your desk.", "--self-registration", "--json"))
	wantMembers(t, changed, object{
		"title": "See where you work", "description": "Your desk.", "self_registration": true,
		"claims": object{"desk": []any{"userinfo"}, "https://claims.example/?a=b": []any{"access_token"}},
	})
	if diff := cmp.Diff(changed, read(sh.must("scopes", "get", "hr", "--json"))); diff != "" {
		t.Errorf("get differs (-want +got):\n%s", diff)
	}
	contains(t, sh.must("scopes", "list"), "hr", "desk", "groups", "See your groups", "openid")
	contains(t, sh.refused("scopes", "get", "other"), "no record")
	contains(t, sh.refused("scopes", "update", "other", "--title", "x"), "no record")
	contains(t, sh.refused("scopes", "update", "email", "--claim", "email="), "email")
	wantMembers(t, read(sh.must("scopes", "update", "email", "--title", "Mail", "--json")), object{"title": "Mail"})

	contains(t, sh.refused("scopes", "delete", "hr"), "--yes")
	contains(t, sh.must("scopes", "delete", "hr", "--yes"), "deleted the scope hr")
	contains(t, sh.refused("scopes", "delete", "hr", "--yes"), "no record")
	contains(t, sh.refused("scopes", "delete", "email", "--yes"), "cannot be deleted")
	contains(t, sh.must("audit"), "scope.create", "scope.update", "scope.delete")
}

// The command names imported claims that no scope releases.
func TestClaimsThatNoScopeReleasesAreNamed(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	file := sh.file("people.json", `[
		{"username": "ada", "password": "correct horse", "claims": {"name": "Ada", "name#ja": "エイダ", "groups": ["staff"], "department": "engines", "https://claims.example/tenant": 7}},
		{"username": "bob", "password": "battery staple", "claims": {"department": "looms", "shoe_size": 38}}]`)
	import1 := sh.run("users", "import", file)
	contains(t, import1.err, "no scope releases these claims: department, https://claims.example/tenant, shoe_size\n", "ostiary scopes create")
	sh.must("scopes", "create", "hr", "--claim", "department=access_token", "--claim", "https://claims.example/tenant=userinfo", "--claim", "shoe_size=introspection")
	if again := sh.run("users", "import", file); again.code != 0 || again.err != "" {
		t.Errorf("once all are released: %d %q", again.code, again.err)
	}

	var created struct{ Claims object }
	sh.json(&created, "users", "create", "eve", "--generate", "--claim", `groups=["a","b"]`, "--claim", `department={"row":3}`, "--claim", "nickname=[x]", "--claim", "shoe_size=[x")
	want := object{"groups": []any{"a", "b"}, "department": object{"row": 3.0}, "nickname": "[x]", "shoe_size": "[x"}
	if diff := cmp.Diff(want, created.Claims); diff != "" {
		t.Errorf("claims of the command line differ (-want +got):\n%s", diff)
	}
	contains(t, sh.run("users", "create", "mallory", "--generate", "--claim", "hat=red").err, "no scope releases these claims: hat\n")
}
