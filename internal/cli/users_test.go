package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func accountOf(sh *clitest.Shell, username string) *account.Account {
	sh.T.Helper()
	a, err := sh.Store().Accounts.AccountByUsername(sh.T.Context(), username)
	if err != nil {
		sh.T.Fatal(err)
	}
	return a
}

func signsIn(sh *clitest.Shell, username, password string) bool {
	sh.T.Helper()
	ok, err := server.NewHasher(sh.Config()).Verify(sh.T.Context(), accountOf(sh, username).PasswordHash(), password)
	if err != nil {
		sh.T.Fatal(err)
	}
	return ok
}

func TestUserLifecycle(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	var made cli.UserView
	sh.JSON(&made, "users", "create", "ADA", "--generate", "--admin", "--claim=email=ada@example.com",
		"--claim=email_verified=true", "--claim=updated_at=7", `--claim=address={"country":"UK"}`, "--claim=team=7")
	claims := map[string]any{
		"email": "ada@example.com", "email_verified": true, "updated_at": 7.0,
		"address": map[string]any{"country": "UK"}, "team": "7",
	}
	if diff := cmp.Diff(claims, made.Claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if made.Username != "ada" || !made.Administrator || !signsIn(sh, "ada", made.Password) {
		t.Errorf("users create made %+v, whose password is not the one printed or who is somebody else", made)
	}

	var all []cli.UserView
	sh.JSON(&all, "users", "list")
	made.Password = ""
	if diff := cmp.Diff([]cli.UserView{made}, all); diff != "" {
		t.Errorf("users list (-want +got):\n%s", diff)
	}
	servertest.Contains(t, sh.Must("users", "list"), "USERNAME", "ada", made.Subject)

	sh.Input = "another password\r\n"
	sh.Must("users", "set-password", "ada", "--password-file=-")
	if !signsIn(sh, "ada", "another password") {
		t.Error("set-password did not set the password")
	}
	if a := accountOf(sh, "ada"); !a.SessionsValidAfter.After(a.CreatedAt) {
		t.Error("set-password did not end what was given before")
	}
	if got := strings.TrimSpace(sh.Must("users", "set-password", "Ada", "--generate")); !signsIn(sh, "ada", got) {
		t.Errorf("set-password --generate printed %q, which is not the password", got)
	}

	servertest.Contains(t, sh.MustFail("users", "disable", "ada"), "the last owner")
	sh.Must("users", "create", "root", "--generate", "--admin")
	servertest.Contains(t, sh.Must("users", "disable", "ada"), "disabled")
	first := accountOf(sh, "ada").DisabledAt
	servertest.Contains(t, sh.Must("users", "disable", "ada"), "already disabled")
	if again := accountOf(sh, "ada").DisabledAt; first.IsZero() || !again.Equal(first) {
		t.Errorf("disabled at %v, and again at %v", first, again)
	}
	sh.Must("users", "enable", "ada")
	if !accountOf(sh, "ada").DisabledAt.IsZero() {
		t.Error("enable left the account disabled")
	}

	servertest.Contains(t, sh.Must("users", "lock", "ada"), "locked ada")
	servertest.Contains(t, sh.MustFail("users", "enable", "ada"), "locked down: unlock it first")
	servertest.Contains(t, sh.Must("users", "unlock", "ada"), "unlocked ada")
	if a := accountOf(sh, "ada"); !a.DisabledAt.IsZero() || !a.LockedAt.IsZero() {
		t.Errorf("unlock left the account disabled at %v, locked at %v", a.DisabledAt, a.LockedAt)
	}
	servertest.Contains(t, sh.Must("users", "activity", "ada"), "EVENT", "unlocked", "locked", "password_changed")

	servertest.Contains(t, sh.MustFail("users", "delete", "ada"), "--yes")
	sh.Must("users", "delete", "ada", "-y")
	servertest.Contains(t, sh.MustFail("users", "delete", "ada", "-y"), "no user has the username")
}

func TestInvalidUsersAreRejected(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "create", "taken", "--generate")
	for name, tc := range map[string]struct {
		input string
		args  []string
		want  []string
	}{
		"nobody to ask for a password":  {"", []string{"create", "jo"}, []string{"--password-file or --generate"}},
		"a password too short":          {"short", []string{"create", "jo", "--password-file=-"}, []string{"8 to 128 characters"}},
		"no password at all":            {"", []string{"create", "jo", "--password-file=-"}, []string{"8 to 128 characters"}},
		"a password file not there":     {"", []string{"create", "jo", "--password-file=/does/not/exist"}, []string{"/does/not/exist"}},
		"a username with a space":       {"", []string{"create", "j o", "--generate"}, []string{"a username has"}},
		"a username taken in capitals":  {"", []string{"create", "TAKEN", "--generate"}, []string{"taken"}},
		"claims at fault, all of them":  {"", []string{"create", "jo", "--generate", "--claim=email_verified=perhaps", "--claim=sub=me", "--claim=updated_at=now"}, []string{"claims.email_verified must be true or false", "claims.sub must be absent", "claims.updated_at must be a number"}},
		"an address of a wrong shape":   {"", []string{"create", "jo", "--generate", `--claim=address={"country":44}`}, []string{"claims.address must be an object of strings"}},
		"a password for nobody":         {"", []string{"set-password", "jo", "--generate"}, []string{"no user has the username jo"}},
		"a person to disable not there": {"", []string{"disable", "jo"}, []string{"no user has the username jo"}},
		"a person to enable not there":  {"", []string{"enable", "jo"}, []string{"no user has the username jo"}},
	} {
		t.Run(name, func(t *testing.T) {
			sh := *sh
			sh.T, sh.Input = t, tc.input
			servertest.Contains(t, sh.MustFail(append([]string{"users"}, tc.args...)...), tc.want...)
		})
	}
	var all []cli.UserView
	if sh.JSON(&all, "users", "list"); len(all) != 1 {
		t.Errorf("refused commands left %d people, want 1", len(all))
	}
}

func TestPasswordsAreNeverListed(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	password := strings.TrimSpace(sh.Must("users", "create", "jo", "--generate", "--json"))
	var made cli.UserView
	sh.JSON(&made, "users", "create", "ann", "--generate")
	for _, format := range [][]string{nil, {"--json"}} {
		text := sh.Must(append([]string{"users", "list"}, format...)...)
		servertest.Lacks(t, text, made.Password, accountOf(sh, "jo").PasswordHash(), "argon2", `"password"`)
	}
	servertest.Contains(t, password, `"password"`)
}
