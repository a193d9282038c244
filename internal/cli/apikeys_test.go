package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
)

func TestAPIKeyLifecycle(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	var made cli.APIKeyView
	sh.JSON(&made, "apikeys", "create", "login app", "--scope", "requests:write", "--scope", "requests:read", "--scope", "requests:read", "--expires-in", "24h")
	if id, ok := apikey.Parse(made.Key); !ok || id != made.ID || strings.Join(made.Scopes, " ") != "requests:read requests:write" || made.ExpiresAt.IsZero() {
		t.Fatalf("apikeys create made %+v", made)
	}
	var all []cli.APIKeyView
	sh.JSON(&all, "apikeys", "list")
	if len(all) != 1 || all[0].ID != made.ID || all[0].Key != "" || all[0].Name != "login app" {
		t.Errorf("apikeys list shows %+v", all)
	}
	if got := sh.MustFail("apikeys", "create", "x", "--scope", "everything"); !strings.Contains(got, "unknown scope everything") {
		t.Errorf("an unknown scope: %s", got)
	}
	if got := sh.MustFail("apikeys", "revoke", made.ID, "another"); !strings.Contains(got, "nothing was revoked") {
		t.Errorf("an unknown key: %s", got)
	}
	sh.Must("apikeys", "revoke", made.ID)
	sh.JSON(&all, "apikeys", "list")
	if len(all) != 0 {
		t.Errorf("after revoking, apikeys list shows %+v", all)
	}
}

// A user of a login app has no username, so commands take the subject.
func TestAppUsersAreManagedBySubject(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "create", "ada", "--generate")
	if err := sh.Store().Accounts.InsertAccount(t.Context(), account.NewExternal("jo at home", time.Now())); err != nil {
		t.Fatal(err)
	}
	var all []cli.UserView
	sh.JSON(&all, "users", "list")
	if len(all) != 2 || all[0].Username != "" || all[0].Subject != "jo at home" || all[0].HasPassword {
		t.Errorf("users list shows %+v", all)
	}
	if got := sh.Must("users", "disable", "jo at home"); !strings.Contains(got, "disabled jo at home") {
		t.Errorf("users disable says %s", got)
	}
	if got := sh.MustFail("users", "set-password", "jo at home", "--generate"); !strings.Contains(got, "signs in with a custom login app") {
		t.Errorf("users set-password says %s", got)
	}
	sh.Must("users", "delete", "--yes", "jo at home")
}
