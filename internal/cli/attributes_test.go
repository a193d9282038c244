package cli_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// Attributes are defined, set on users, imported and exported.
func TestAttributes(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "create", "ada", "--generate")
	sh.Must("attributes", "create", "department", "--scope=hr", "--required")
	sh.Must("attributes", "create", "floor", "--type=number")
	servertest.Contains(t, sh.MustFail("attributes", "create", "floor"), "exists already")
	servertest.Contains(t, sh.MustFail("attributes", "create", "born", "--type=date"), "type must be")
	servertest.Contains(t, sh.Must("attributes", "list"), "department", "hr", "floor", "number")

	var got cli.UserView
	sh.JSON(&got, "users", "update", "ada", "--attribute=department=Sales", "--attribute=floor=7")
	if diff := cmp.Diff(map[string]any{"department": "Sales", "floor": 7.0}, got.Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	servertest.Contains(t, sh.MustFail("users", "update", "ada", "--attribute=floor=high"), "attributes.floor must be a number")
	servertest.Contains(t, sh.MustFail("users", "update", "ada", "--attribute=shoe=7"), "attribute not found")
	servertest.Contains(t, sh.MustFail("users", "update", "ada", "--remove-attribute=department"), "attributes.department is required")
	sh.Must("users", "update", "ada", "--remove-attribute=floor", "--state=must_enrol")

	exported := sh.Must("users", "export")
	servertest.Contains(t, exported, `"department": "Sales"`, `"state": "must_enrol"`)
	var done cli.ImportResult
	sh.JSON(&done, "users", "import", sh.WriteFile("users.json", exported))
	if done.Unchanged != 1 {
		t.Errorf("import of the export did %+v, want one unchanged user", done)
	}
	file := sh.WriteFile("users.json", `[{"username":"ada","attributes":{"department":"R&D"},"state":"active"}]`)
	sh.JSON(&done, "users", "import", file)
	if a := accountOf(sh, "ada"); done.Updated != 1 || a.Attributes["department"] != "R&D" || a.State != "active" {
		t.Errorf("import did %+v and made %+v", done, a)
	}
	for entry, want := range map[string]string{
		`{"username":"ada","attributes":{"floor":1}}`: "attributes.department is required", `{"username":"ada","attributes":{"department":1}}`: "attributes.department must be a string",
		`{"username":"ada","attributes":{"department":"x","shoe":1}}`: "attribute not found", `{"username":"ada","state":"gone"}`: "state must be",
	} {
		servertest.Contains(t, sh.MustFail("users", "import", sh.WriteFile("bad.json", "["+entry+"]")), want)
	}

	sh.Must("attributes", "update", "department", "--no-required", "--claim=dept", "--title=Department", "--visible-to=user")
	servertest.Contains(t, sh.Must("attributes", "list"), "user, administrator")
	sh.Must("attributes", "create", "nickname", "--editable-by=user", "--required")
	servertest.Contains(t, sh.MustFail("attributes", "create", "other", "--visible-to=everyone"), "visible_to and editable_by must be lists of user and administrator")
	servertest.Contains(t, sh.MustFail("users", "update", "ada", "--attribute=nickname=Ada"), "attributes.nickname can be changed only by the user")
	sh.JSON(&done, "users", "import", sh.WriteFile("users.json", `[{"username":"ada","attributes":{"department":"R&D","nickname":"Ada"}}]`))
	if a := accountOf(sh, "ada"); a.Attributes["nickname"] != "Ada" {
		t.Errorf("import did %+v and made %+v", done, a)
	}
	servertest.Contains(t, sh.MustFail("attributes", "update", "none", "--required"), "attribute not found")
	servertest.Contains(t, sh.MustFail("attributes", "delete", "department"), "--yes")
	sh.Must("attributes", "delete", "department", "--yes")
	servertest.Contains(t, sh.MustFail("attributes", "delete", "department", "--yes"), "attribute not found")
}
