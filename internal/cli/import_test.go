package cli_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

const (
	goodClients = `[
		{"client_id": "web", "client_secret": "0123456789abcdef0123456789abcdef", "redirect_uris": ["https://a.example/cb"]},
		{"client_id": "slow", "client_secret": "chosen by hand", "redirect_uris": ["https://b.example/cb"]},
		{"client_id": "app", "token_endpoint_auth_method": "none", "redirect_uris": ["https://c.example/cb"]}]`
	goodUsers = `[
		{"username": "Ada", "password": "correct horse", "claims": {"email": "ada@example.com", "email_verified": true}},
		{"username": "bob", "password_hash": "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQxMjM0NTY3OA$mBVmNB4KqrcPZ1Fs1qq9rKhJyW8CQCqRgNgTgwZnOxc"},
		{"username": "eve", "password": "battery staple", "claims": {"name": "Eve"}, "administrator": true}]`
)

func TestRepeatedImportChangesNothing(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	for resource, text := range map[string]string{"clients": goodClients, "users": goodUsers} {
		file := sh.WriteFile(resource+".json", text)
		servertest.Contains(t, sh.Must(resource, "import", file), "3 created, 0 updated, 0 unchanged")
		before := rows(sh)
		servertest.Contains(t, sh.Must(resource, "import", file), "0 created, 0 updated, 3 unchanged")
		if diff := cmp.Diff(before, rows(sh)); diff != "" {
			t.Errorf("importing the same %s again changed (-before +after):\n%s", resource, diff)
		}
	}
	if !signsIn(sh, "ada", "correct horse") || !verifies(t, sh, "slow", "chosen by hand") {
		t.Error("what was imported does not sign in")
	}
}

// rows returns all stored clients and accounts, with hashes and times.
func rows(sh *clitest.Shell) []any {
	sh.T.Helper()
	s := sh.Store()
	clients, err := s.Clients.ListClients(sh.T.Context(), "", 100)
	if err != nil {
		sh.T.Fatal(err)
	}
	accounts, err := s.Accounts.ListAccounts(sh.T.Context(), "", 100)
	if err != nil {
		sh.T.Fatal(err)
	}
	return []any{clients, accounts}
}

func TestImportUpdatesDifferences(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("clients", "import", sh.WriteFile("a.json", goodClients))
	sh.Must("users", "import", sh.WriteFile("b.json", goodUsers))

	var done cli.ImportResult
	sh.JSON(&done, "clients", "import", sh.WriteFile("c.json", `{"clients": [
		{"client_id": "web", "client_secret": "another secret, which is as long as it", "redirect_uris": ["https://a.example/cb"]},
		{"client_id": "slow", "redirect_uris": ["https://b.example/new"]},
		{"client_id": "app", "redirect_uris": ["https://c.example/cb"]}]}`))
	if done.Created != 0 || done.Updated != 3 || len(done.Secrets) != 1 || done.Secrets[0].ID != "app" {
		t.Errorf("clients import did %+v, want three updates and a secret for app, which needs one now", done)
	}
	if !verifies(t, sh, "web", "another secret, which is as long as it") || !verifies(t, sh, "slow", "chosen by hand") ||
		!verifies(t, sh, "app", done.Secrets[0].Secret) {
		t.Error("a client's secret is not the one that was imported, kept or made")
	}

	before := accountOf(sh, "eve")
	sh.JSON(&done, "users", "import", sh.WriteFile("d.json", `{"users": [
		{"username": "ada", "claims": {"email": "new@example.com"}},
		{"username": "EVE", "password": "another battery"}]}`))
	if done.Updated != 2 {
		t.Errorf("users import did %+v, want two updates", done)
	}
	if got := accountOf(sh, "ada"); !signsIn(sh, "ada", "correct horse") || got.Claims["email"] != "new@example.com" || !got.SessionsValidAfter.IsZero() {
		t.Errorf("ada = %+v; want the new claim, the old password, and all sessions", got)
	}
	if got := accountOf(sh, "eve"); !signsIn(sh, "eve", "another battery") || !got.SessionsValidAfter.After(before.CreatedAt) ||
		got.Subject != before.Subject || got.AdminRole != account.Owner || got.Claims["name"] != "Eve" {
		t.Errorf("eve = %+v; want the new password, no sessions from before, and the same subject, rights and claims", got)
	}
}

func TestImportIsAtomic(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "create", "known", "--generate")
	for name, tc := range map[string]struct {
		resource, text string
		want           []string
	}{
		"clients, every error": {
			"clients",
			`[{"client_id": "good", "redirect_uris": ["https://a.example"]}, {"client_id": "bad id", "redirect_uris": ["nowhere"]}, {"client_id": "good", "redirect_uris": 7}, 8]`,
			[]string{`entry 2 ("bad id"): client_id must`, "entry 2 (\"bad id\"): redirect_uris item 1", "client_id is already used in entry 1", `entry 3 ("good"): redirect_uris must be a list of strings`, "entry 4: must be a JSON object"},
		},
		"users, every error": {
			"users",
			`[{"username": "good", "password": "correct horse"}, {"username": "jo", "pasword": "x", "password": "short"}, {"username": "GOOD", "password": "correct horse"}, {"password": 7},
			  {"username": "new"}, {"username": "j o", "password": "correct horse"}, {"username": "hash", "password_hash": "$2y$10$abc"}, {"username": "both", "password": "correct horse", "password_hash": "x"},
			  {"username": "claims", "password": "correct horse", "claims": {"email_verified": "yes", "sub": "me"}, "administrator": 1, "Username": "x"}, [], {"username": "known"}]`,
			[]string{
				`entry 2 ("jo"): password: a password has 8`, `entry 2 ("jo"): "pasword" is unknown; did you mean password?`,
				`entry 3 ("good"): username is that of entry 1`, "entry 4: username is missing", "entry 4: password must be a string",
				`entry 5 ("new"): password or password_hash is required`, "entry 6: username: a username has",
				`entry 7 ("hash"): password_hash must be`, `entry 8 ("both"): password and password_hash exclude`,
				`entry 9 ("claims"): claims.email_verified must be true or false`, `entry 9 ("claims"): claims.sub must be absent`,
				`entry 9 ("claims"): administrator must be true or false`, `"Username" is unknown; did you mean username?`,
				"entry 10: must be a JSON object",
			},
		},
		"users that are no list":      {"users", `{"people": []}`, []string{"must be an array, or an object with an array users"}},
		"users that are no JSON":      {"users", "[\n{\"username\": \"jo\",}\n]", []string{"line 2", "not JSON"}},
		"users that are null":         {"users", `null`, []string{"must be an array"}},
		"clients that are no list":    {"clients", `{"apps": []}`, []string{"expected an array"}},
		"clients that are not a JSON": {"clients", `[{"client_id": ]`, []string{"read clients"}},
	} {
		t.Run(name, func(t *testing.T) {
			sh := *sh
			sh.T = t
			before := rows(&sh)
			message := sh.MustFail(tc.resource, "import", sh.WriteFile("import.json", tc.text))
			servertest.Contains(t, message, append(tc.want, "nothing was changed")...)
			servertest.Lacks(t, message, `("known")`, "correct horse", "short\"")
			if diff := cmp.Diff(before, rows(&sh)); diff != "" {
				t.Errorf("a refused import changed (-before +after):\n%s", diff)
			}
		})
	}
	servertest.Contains(t, sh.MustFail("users", "import", "/does/not/exist"), "/does/not/exist")
}

func TestImportKeepsConcurrentChanges(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("clients", "import", sh.WriteFile("a.json", goodClients))
	sh.Must("users", "import", sh.WriteFile("b.json", goodUsers))
	s, h := sh.Store(), server.NewHasher(sh.Config())
	quiet := func(int, int) {}
	importer, err := server.NewClientImporter(sh.Config(), s, h)
	if err != nil {
		t.Fatal(err)
	}
	batch, err := importer.Read(t.Context(), []byte(goodClients), quiet)
	if err != nil {
		t.Fatal(err)
	}
	accounts, err := server.NewUserImporter(s, h).Read(t.Context(), []byte(goodUsers), quiet)
	if err != nil {
		t.Fatal(err)
	}

	sh.Input = "changed since reading"
	sh.Must("clients", "update", "slow", "--secret-file=-")
	sh.Must("users", "set-password", "ada", "--password-file=-")
	if _, _, err := s.Clients.ImportClients(t.Context(), batch.Clients); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Accounts.ImportAccounts(t.Context(), accounts); err != nil {
		t.Fatal(err)
	}
	if !verifies(t, sh, "slow", "changed since reading") || !signsIn(sh, "ada", "changed since reading") {
		t.Error("an import that had nothing new put back a secret or password from before a change")
	}
}

func TestImportReadsStandardInputAndWarns(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Input = `[{"client_id": "a", "grant_types": ["client_credentials"], "client_nam": "A"}]`
	got := sh.Run("clients", "import", "-")
	servertest.Contains(t, got.Err, "warning: entry 1: client_nam is not understood")
	servertest.Contains(t, got.Out, "1 created", "Generated secrets", "a ")
	if got := sh.Must("clients", "import", "-"); strings.Contains(got, "Secrets") {
		t.Errorf("importing again generated the secrets again: %s", got)
	}
}

func TestImportedClientWithoutIDStaysTheSame(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	file := sh.WriteFile("clients.json", `[
		{"client_name": "A", "redirect_uris": ["https://a.example"], "scope": "openid"},
		{"client_name": "B", "redirect_uris": ["https://a.example"]},
		{"client_name": "B", "redirect_uris": ["https://a.example"]}]`)
	servertest.Contains(t, sh.Must("clients", "import", file), "3 created")
	servertest.Contains(t, sh.Must("clients", "import", file), "3 unchanged")
	servertest.Contains(t, sh.Must("clients", "import", sh.WriteFile("clients.json",
		`[{"client_name": "A", "redirect_uris": ["https://a.example"], "scope": "openid email"}]`)), "1 updated")
}

func TestImportKeepsRegistrationData(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	s := sh.Store()
	when := time.Now().Add(-time.Hour).Truncate(time.Microsecond)
	dynamic := &client.Client{ID: "self", Dynamic: true, RegistrationToken: []byte("hash"), CreatedAt: when, UpdatedAt: when}
	if err := s.Clients.InsertClient(t.Context(), dynamic); err != nil {
		t.Fatal(err)
	}
	sh.Must("clients", "import", sh.WriteFile("a.json", `[{"client_id": "self", "redirect_uris": ["https://a.example"]}]`))
	got, err := s.Clients.Client(t.Context(), "self")
	if err != nil {
		t.Fatal(err)
	}
	if string(got.RegistrationToken) != "hash" || !got.Dynamic || !got.CreatedAt.Equal(when) {
		t.Errorf("after an import the client is %+v; want its registration kept", got)
	}
}

func TestImportRejectsMissingSecret(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	importer, err := server.NewClientImporter(sh.Config(), sh.Store(), server.NewHasher(sh.Config()))
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = importer.Import(t.Context(), []byte(`[{"client_id": "a", "grant_types": ["client_credentials"]}]`))
	if err == nil || !strings.Contains(err.Error(), `entry 1 ("a"): client_secret is missing`) {
		t.Errorf("Import without a secret = %v, want the entry and the member", err)
	}
}

func TestEveryImportableHashVerifies(t *testing.T) {
	t.Parallel()

	h := credential.NewHasher(64, 1, 2, time.Minute)
	own, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	const salt, key = "c29tZXNhbHQxMjM0NTY3OA", "mBVmNB4KqrcPZ1Fs1qq9rKhJyW8CQCqRgNgTgwZnOxc"
	for hash, want := range map[string]bool{
		own: true,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key:              true,
		"$argon2id$v=19$m=64,t=16,p=16$" + salt + "$" + key:            true,
		"$argon2id$v=19$m=64,t=17,p=1$" + salt + "$" + key:             false,
		"$argon2id$v=19$m=1048577,t=1,p=1$" + salt + "$" + key:         false,
		"$argon2id$v=19$m=64,t=0,p=1$" + salt + "$" + key:              false,
		"$argon2id$v=16$m=64,t=1,p=1$" + salt + "$" + key:              false,
		"$argon2i$v=19$m=64,t=1,p=1$" + salt + "$" + key:               true,
		"$argon2d$v=19$m=64,t=1,p=1$" + salt + "$" + key:               false,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$short":               false,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key[:41]:         false,
		"$argon2id$v=19$m=64,t=1,p=1$" + salt + "$" + key + "=":        false,
		"$2b$04$zRX.vX0lCj1C1qFEtn.sD.bWB0dV462bJHBAfK/lATvIHHpFAESo.": true,
		"$2b$15$zRX.vX0lCj1C1qFEtn.sD.bWB0dV462bJHBAfK/lATvIHHpFAESo.": false,
		"$pbkdf2-sha512$i=1000,l=32$" + salt + "$" + key:               true,
		"$pbkdf2-sha512$i=10000000,l=32$" + salt + "$" + key:           false,
		"correct horse": false,
	} {
		if got := credential.CheckImportedHash(hash) == nil; got != want {
			t.Errorf("CheckImportedHash(%q) takes it: %v, want %v", hash, got, want)
		}
		if !want {
			continue
		}
		if _, err := h.Verify(t.Context(), hash, "correct horse"); err != nil {
			t.Errorf("Verify(%q) = %v, want it to be understood", hash, err)
		}
	}
}
