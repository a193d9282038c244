package cli

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func (sh *shell) person(username string) *account.Account {
	sh.t.Helper()
	a, err := sh.store().Accounts.AccountByUsername(sh.t.Context(), username)
	if err != nil {
		sh.t.Fatal(err)
	}
	return a
}

func (sh *shell) signsIn(username, password string) bool {
	sh.t.Helper()
	ok, err := server.NewHasher(sh.config()).Verify(sh.t.Context(), sh.person(username).PasswordHash, password)
	if err != nil {
		sh.t.Fatal(err)
	}
	return ok
}

func TestAPersonIsAddedChangedAndDeleted(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	var made userView
	sh.json(&made, "users", "create", "ADA", "--generate", "--admin", "--claim=email=ada@example.com",
		"--claim=email_verified=true", "--claim=updated_at=7", `--claim=address={"country":"UK"}`, "--claim=team=7")
	claims := map[string]any{
		"email": "ada@example.com", "email_verified": true, "updated_at": 7.0,
		"address": map[string]any{"country": "UK"}, "team": "7",
	}
	if diff := cmp.Diff(claims, made.Claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if made.Username != "ada" || !made.Administrator || !sh.signsIn("ada", made.Password) {
		t.Errorf("users create made %+v, whose password is not the one printed or who is somebody else", made)
	}

	var all []userView
	sh.json(&all, "users", "list")
	made.Password = ""
	if diff := cmp.Diff([]userView{made}, all); diff != "" {
		t.Errorf("users list (-want +got):\n%s", diff)
	}
	servertest.Contains(t, sh.must("users", "list"), "USERNAME", "ada", made.Subject)

	sh.input = "another password\r\n"
	sh.must("users", "set-password", "ada", "--password-file=-")
	if !sh.signsIn("ada", "another password") {
		t.Error("set-password did not set the password")
	}
	if a := sh.person("ada"); !a.SessionsValidAfter.After(a.CreatedAt) {
		t.Error("set-password did not end what was given before")
	}
	if got := strings.TrimSpace(sh.must("users", "set-password", "Ada", "--generate")); !sh.signsIn("ada", got) {
		t.Errorf("set-password --generate printed %q, which is not the password", got)
	}

	servertest.Contains(t, sh.must("users", "disable", "ada"), "disabled")
	first := sh.person("ada").DisabledAt
	servertest.Contains(t, sh.must("users", "disable", "ada"), "before")
	if again := sh.person("ada").DisabledAt; first.IsZero() || !again.Equal(first) {
		t.Errorf("disabled at %v, and again at %v", first, again)
	}
	sh.must("users", "enable", "ada")
	if !sh.person("ada").DisabledAt.IsZero() {
		t.Error("enable left the account disabled")
	}

	servertest.Contains(t, sh.refused("users", "delete", "ada"), "--yes")
	sh.must("users", "delete", "ada", "-y")
	servertest.Contains(t, sh.refused("users", "delete", "ada", "-y"), "nobody")
}

func TestPeopleThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	sh.must("users", "create", "taken", "--generate")
	for name, tc := range map[string]struct {
		input string
		args  []string
		want  []string
	}{
		"nobody to ask for a password":  {"", []string{"create", "jo"}, []string{"--password-file or --generate"}},
		"a password too short":          {"short", []string{"create", "jo", "--password-file=-"}, []string{"at least 8 characters"}},
		"no password at all":            {"", []string{"create", "jo", "--password-file=-"}, []string{"at least 8 characters"}},
		"a password file not there":     {"", []string{"create", "jo", "--password-file=/does/not/exist"}, []string{"/does/not/exist"}},
		"a username with a space":       {"", []string{"create", "j o", "--generate"}, []string{"a username has"}},
		"a username taken in capitals":  {"", []string{"create", "TAKEN", "--generate"}, []string{"taken"}},
		"claims at fault, all of them":  {"", []string{"create", "jo", "--generate", "--claim=email_verified=perhaps", "--claim=sub=me", "--claim=updated_at=now"}, []string{"claims.email_verified must be true or false", "claims.sub must be left out", "claims.updated_at must be a number"}},
		"an address of a wrong shape":   {"", []string{"create", "jo", "--generate", `--claim=address={"country":44}`}, []string{"claims.address must be an object of strings"}},
		"a password for nobody":         {"", []string{"set-password", "jo", "--generate"}, []string{"nobody with the username jo"}},
		"a person to disable not there": {"", []string{"disable", "jo"}, []string{"nobody with the username jo"}},
		"a person to enable not there":  {"", []string{"enable", "jo"}, []string{"nobody with the username jo"}},
	} {
		t.Run(name, func(t *testing.T) {
			sh := *sh
			sh.t, sh.input = t, tc.input
			servertest.Contains(t, sh.refused(append([]string{"users"}, tc.args...)...), tc.want...)
		})
	}
	var all []userView
	if sh.json(&all, "users", "list"); len(all) != 1 {
		t.Errorf("refused commands left %d people, want 1", len(all))
	}
}

func TestPasswordsAreNeverListed(t *testing.T) {
	t.Parallel()

	sh := newShell(t)
	password := strings.TrimSpace(sh.must("users", "create", "jo", "--generate", "--json"))
	var made userView
	sh.json(&made, "users", "create", "ann", "--generate")
	for _, format := range [][]string{nil, {"--json"}} {
		text := sh.must(append([]string{"users", "list"}, format...)...)
		servertest.Lacks(t, text, made.Password, sh.person("jo").PasswordHash, "argon2", `"password"`)
	}
	servertest.Contains(t, password, `"password"`)
}
