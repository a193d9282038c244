package cli_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// The hashes are of the password "correct horse", by Python's hashlib, argon2-cffi and bcrypt.
const (
	keycloakExport = `{"realm": "Shop", "groups": [{"name": "staff", "path": "/staff"}], "users": [
		{"id": "0f1e-ada", "username": "ada", "email": "ada@rp.example", "emailVerified": true, "firstName": "Ada", "lastName": "Lovelace", "enabled": true,
		 "attributes": {"locale": ["de"], "phoneNumber": ["+49 30 1"], "shoeSize": ["38"]},
		 "credentials": [
			{"type": "password", "secretData": "{\"value\":\"H5R9LZ0QvKxHLm1Lg0IeQXdtUAa+9gf2NeOZns+WHBTpnlaWE/+JwnJ/2OXEjNPW5EusP1xxGLqEqjWDbIcGlg==\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\",\"additionalParameters\":{}}",
			 "credentialData": "{\"hashIterations\":27500,\"algorithm\":\"pbkdf2-sha256\",\"additionalParameters\":{}}"},
			{"type": "otp", "secretData": "{\"value\":\"LO3TH3KEY\"}", "credentialData": "{\"subType\":\"totp\",\"digits\":6}"}],
		 "requiredActions": ["UPDATE_PROFILE"], "realmRoles": ["default-roles-shop", "offline_access", "buyer"],
		 "clientRoles": {"till": ["open"], "account": ["manage-account"]}, "groups": ["/staff/sales"]},
		{"id": "0f1e-bob", "username": "bob", "email": "ADA@rp.example", "emailVerified": true, "enabled": true,
		 "credentials": [{"type": "password", "secretData": "{\"value\":\"Ab6+sBE+Tsn+6D2ktLNSwf7zGnZPIzn8umPKJj3WcwM=\",\"salt\":\"c29tZXNhbHRzb21lc2FsdA==\",\"additionalParameters\":{}}",
			 "credentialData": "{\"hashIterations\":5,\"algorithm\":\"argon2\",\"additionalParameters\":{\"hashLength\":[\"32\"],\"memory\":[\"7168\"],\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}"}]},
		{"id": "0f1e-eve", "username": "eve", "enabled": false, "requiredActions": ["UPDATE_PASSWORD"]},
		{"id": "0f1e-fay", "username": "fay", "enabled": true, "requiredActions": ["CONFIGURE_TOTP", "UPDATE_PASSWORD"],
		 "credentials": [{"type": "password", "hashedSaltedValue": "H5R9LZ0QvKxHLm1Lg0IeQXdtUAa+9gf2NeOZns+WHBTpnlaWE/+JwnJ/2OXEjNPW5EusP1xxGLqEqjWDbIcGlg==", "salt": "MDEyMzQ1Njc4OWFiY2RlZg==", "hashIterations": 27500, "algorithm": "pbkdf2-sha256"}]},
		{"username": "gil", "requiredActions": ["webauthn-register"], "attributes": {"department": "Sales", "floor": ["7"], "tags": ["a", "b"], "manager": ["yes"], "gone": null},
		 "credentials": [{"type": "password", "value": "correct horse"}], "applicationRoles": {"till": ["open"]}},
		{"username": "hal", "credentials": [{"type": "password", "value": "correct horse", "temporary": true}]},
		{"id": "0f1e-old", "username": "old", "enabled": true,
		 "credentials": [{"type": "password", "secretData": "{\"value\":\"3j/kSXDCFGf+gK+IC5hDJA==\",\"salt\":\"MDEyMzQ1Njc4OWFiY2RlZg==\"}", "credentialData": "{\"hashIterations\":20000,\"algorithm\":\"pbkdf2\"}"}]},
		{"id": "0f1e-bad", "username": "has space", "enabled": true},
		{"id": "bad ☃", "username": "snow", "enabled": true},
		{"id": "0f1e-svc", "username": "service-account-till", "serviceAccountClientId": "till", "enabled": true}]}`

	auth0Users = `{"user_id":"auth0|ada","email":"ada@rp.example","email_verified":true,"name":"Ada Lovelace","nickname":"ada","picture":"https://rp.example/ada.png","user_metadata":{"theme":"dark","floor":3},"app_metadata":{"floor":7},"multifactor":["guardian"]}
{"user_id":"google-oauth2|7","email":"bob@rp.example","email_verified":true}
{"user_id":"auth0|eve","email":"eve@rp.example","blocked":true}
`
	auth0Hashes = `{"_id":{"$oid":"ada"},"email_verified":true,"email":"ada@rp.example","passwordHash":"$2b$04$IGZhx62WDibTsSFRztP54OFQjGq/lEVYer938RmkYvsOXH2oZx2/q","tenant":"shop","connection":"Username-Password-Authentication"}
{"_id":{"$oid":"5dea"},"alt_id":"cyn","passwordHash":"$2b$04$IGZhx62WDibTsSFRztP54OFQjGq/lEVYer938RmkYvsOXH2oZx2/q","identifiers":[{"type":"email","value":"cyn@rp.example","verified":false},{"type":"username","value":"cyn"}]}
`
	dexConfig = `
issuer: https://dex.rp.example
staticPasswords:
- email: ada@rp.example
  hash: "$2a$04$9gmCD9E7C5EAf8Oi0EzkTOKCi1cBn0uMzSdy9ozUk/mkZG6PdDiP."
  username: ada
  userID: 08a8684b-db88-4b73-90a9-3cd1661f5466
  groups: [staff]
- email: bob@rp.example
  hashFromEnv: BOB
  userID: "2"
`
)

func TestImportOfUsersFromKeycloak(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	for _, attribute := range [][]string{{"department"}, {"floor", "--type=number"}, {"tags", "--type=list"}, {"manager", "--type=boolean"}} {
		sh.Must(append([]string{"attributes", "create"}, attribute...)...)
	}
	file := sh.WriteFile("realm.json", keycloakExport)
	var report cli.UsersReport
	sh.JSON(&report, "import", "keycloak", file)
	want := cli.UsersReport{Found: 10, Created: 7, LeftOut: 3, Users: []cli.UserReportLine{
		{ID: "0f1e-ada", Username: "ada", Taken: true, NotTaken: []string{
			"authenticator app: the user adds one again", "required action UPDATE_PROFILE", "attributes: shoeSize",
		}},
		{ID: "0f1e-bob", Username: "bob", Taken: true, NotTaken: []string{
			"email address: imported as not verified, because 0f1e-ada has verified it",
		}},
		{ID: "0f1e-eve", Username: "eve", Taken: true, NotTaken: []string{"required action UPDATE_PASSWORD", "a password: the user sets one by a recovery (ostiary users recover)"}},
		{ID: "0f1e-fay", Username: "fay", Taken: true, NotTaken: []string{"required action CONFIGURE_TOTP"}},
		{Username: "gil", Taken: true, NotTaken: []string{"attributes: attributes.manager must be true or false", "attributes: gone"}},
		{Username: "hal", Taken: true},
		{ID: "0f1e-old", Username: "old", Taken: true, NotTaken: []string{
			`password: the algorithm "pbkdf2" is not supported`, "a password: the user sets one by a recovery (ostiary users recover)",
		}},
		{ID: "0f1e-bad", Username: "has space", Why: "username: a username has 1 to 128 characters: letters, digits and ASCII punctuation, without spaces"},
		{ID: "bad ☃", Username: "snow", Why: "subject must be 1 to 255 printable ASCII characters"},
		{ID: "0f1e-svc", Username: "service-account-till", Why: "the service account of the client till"},
	}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}
	for name, state := range map[string]account.State{"ada": account.Active, "bob": account.Active, "fay": account.MustChangePassword, "gil": account.MustEnrol, "hal": account.MustChangePassword} {
		if got := accountOf(sh, name).CurrentState(); got != state {
			t.Errorf("%s is %s, want %s", name, got, state)
		}
		if !signsIn(sh, name, "correct horse") {
			t.Errorf("%s does not sign in", name)
		}
	}
	if state := accountOf(sh, "eve").CurrentState(); state != account.Disabled {
		t.Errorf("eve is %s", state)
	}
	if diff := cmp.Diff(map[string]any{"department": "Sales", "floor": 7.0, "tags": []any{"a", "b"}}, accountOf(sh, "gil").Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	a := accountOf(sh, "ada")
	claims := map[string]any{
		"name": "Ada Lovelace", "given_name": "Ada", "family_name": "Lovelace", "locale": "de", "phone_number": "+49 30 1",
		"email": "ada@rp.example", "email_verified": true,
	}
	if diff := cmp.Diff(claims, a.Claims); diff != "" || a.Subject != "0f1e-ada" {
		t.Errorf("the claims of %s (-want +got):\n%s", a.Subject, diff)
	}
	if diff := cmp.Diff([][]string{{"staff/sales"}, {"buyer", "till/open"}}, [][]string{a.Groups, a.Roles}); diff != "" {
		t.Errorf("groups and roles (-want +got):\n%s", diff)
	}

	text := sh.Must("import", "keycloak", file)
	servertest.Contains(t, text, "7 of 10 users imported: 0 created, 0 updated, 7 unchanged; 3 left out", "service account")
	servertest.Lacks(t, text, "LO3TH3KEY", "H5R9LZ0QvKx")
}

func TestImportOfUsersFromAuth0(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("attributes", "create", "floor", "--type=number")
	var report cli.UsersReport
	sh.JSON(&report, "import", "auth0", sh.WriteFile("users.json", auth0Users), sh.WriteFile("hashes.json", auth0Hashes))
	want := cli.UsersReport{Found: 4, Created: 3, LeftOut: 1, Users: []cli.UserReportLine{
		{ID: "auth0|ada", Username: "ada@rp.example", Taken: true, NotTaken: []string{
			"second factors: the user adds them again", "user_metadata: theme",
		}},
		{ID: "google-oauth2|7", Username: "bob@rp.example", Why: "signs in with the identity provider google-oauth2"},
		{ID: "auth0|eve", Username: "eve@rp.example", Taken: true, NotTaken: []string{"a password: the user sets one by a recovery (ostiary users recover)"}},
		{ID: "auth0|cyn", Username: "cyn", Taken: true},
	}}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}
	if a := accountOf(sh, "ada@rp.example"); a.Subject != "auth0|ada" || a.Claims["picture"] != "https://rp.example/ada.png" || a.Claims["email_verified"] != true {
		t.Errorf("the account is %+v", a)
	}
	if ada, eve := accountOf(sh, "ada@rp.example"), accountOf(sh, "eve@rp.example"); ada.Attributes["floor"] != 7.0 || eve.CurrentState() != account.Disabled {
		t.Errorf("the attributes are %v, and a blocked user is %s", ada.Attributes, eve.CurrentState())
	}
	if a := accountOf(sh, "cyn"); len(a.Addresses) != 1 || !a.Addresses[0].VerifiedAt.IsZero() || !signsIn(sh, "cyn", "correct horse") {
		t.Errorf("the account is %+v, want an address that is not verified, and the password", a)
	}
}

func TestImportOfUsersFromDex(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	text := sh.Must("import", "dex", sh.WriteFile("dex.yaml", dexConfig))
	servertest.Contains(t, text, "2 of 2 users imported: 2 created", "bob@rp.example", "environment variable BOB")
	// The subject that Dex issues for this entry of its example.
	const subject = "CiQwOGE4Njg0Yi1kYjg4LTRiNzMtOTBhOS0zY2QxNjYxZjU0NjYSBWxvY2Fs"
	if a := accountOf(sh, "ada"); a.Subject != subject || !signsIn(sh, "ada", "correct horse") || !cmp.Equal(a.Groups, []string{"staff"}) {
		t.Errorf("the account is %+v, want the subject %s, its password and group", a, subject)
	}
}

// A dry run reports what an import would do, and changes nothing.
func TestDryRunOfImports(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"keycloak": {[]string{"import", "keycloak", "--dry-run"}, "7 of 10 users would be imported: 7 created"},
		"users":    {[]string{"users", "import", "--dry-run"}, "3 created, 0 updated, 0 unchanged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sh := clitest.NewShell(t)
			text := map[string]string{"keycloak": keycloakExport, "users": goodUsers}[name]
			servertest.Contains(t, sh.Must(append(tc.args, sh.WriteFile("users.json", text))...), tc.want)
			if list, err := sh.Store().Accounts.ListAccounts(t.Context(), "", 10); err != nil || len(list) != 0 {
				t.Errorf("a dry run left %d accounts, %v", len(list), err)
			}
			var events []cli.EventView
			if sh.JSON(&events, "audit"); len(events) != 0 {
				t.Errorf("a dry run is in the audit log: %+v", events)
			}
		})
	}
}

func TestBadFilesOfOtherServers(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	for _, tc := range map[string]struct{ server, text, want string }{
		"no realm":       {"keycloak", `[1]`, "not a realm export"},
		"no users":       {"keycloak", `{"realm": "shop"}`, "no users"},
		"no Auth0":       {"auth0", `{"user_id": 7}`, "user 1: not an export of Auth0"},
		"no ID":          {"auth0", "{\"user_id\": \"auth0|a\"}\n{\"email\": \"a@rp.example\"}", "user 2 has neither user_id"},
		"no YAML":        {"dex", "staticPasswords: {", "not a configuration of Dex"},
		"no Dex entries": {"dex", "issuer: https://dex.rp.example", "no staticPasswords"},
	} {
		servertest.Contains(t, sh.MustFail("import", tc.server, sh.WriteFile("import", tc.text)), tc.want, "nothing was changed")
	}
}

// An export of users is in the audit log.
func TestExportOfUsersIsAudited(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "export")
	var events []cli.EventView
	if sh.JSON(&events, "audit"); len(events) != 1 || events[0].Action != "user.export" || events[0].Outcome != "done" {
		t.Errorf("the audit log has %+v, want the export", events)
	}
}

// A second database has the same users after an import of the export, in every state.
func TestExportOfUsersIsImported(t *testing.T) {
	t.Parallel()

	sh, other := clitest.NewShell(t), clitest.NewShell(t)
	for _, one := range []*clitest.Shell{sh, other} {
		one.Must("attributes", "create", "floor", "--type=number")
		one.Must("attributes", "create", "team", "--editable-by=user", "--visible-to=user")
	}
	sh.Must("users", "import", sh.WriteFile("users.json", `[
		{"username":"ada","subject":"sub-1","password":"correct horse battery","state":"must_change_password","admin_role":"owner","groups":["staff"],"roles":["editor"]},
		{"username":"bob","password_hash":null,"state":"disabled","emails":[{"address":"bob@rp.example","verified":true,"primary":true},{"address":"b@rp.example"}]},
		{"username":"cyn","password":"correct horse battery","state":"must_enrol","claims":{"name":"Cyn","address":{"country":"UK"},"email":"cyn@rp.example"},"attributes":{"floor":7.5,"team":"engines"}},
		{"username":"dan","password_hash":null}
	]`))
	sh.Must("users", "update", "dan", "--state=disabled")
	exported := sh.Must("users", "export", "--credentials")
	if got := strings.Count(exported, `"state": "disabled"`); got != 2 || strings.Count(exported, `"password_hash": null`) != 2 {
		t.Errorf("%d disabled users in %s", got, exported)
	}
	file := other.WriteFile("users.json", exported)
	other.Must("users", "import", file)
	if diff := cmp.Diff(exported, other.Must("users", "export", "--credentials")); diff != "" {
		t.Errorf("the export of the import (-want +got):\n%s", diff)
	}
	var done cli.ImportResult
	if other.JSON(&done, "users", "import", file); done.Unchanged != 4 {
		t.Errorf("a second import did %+v", done)
	}
	if a := accountOf(other, "bob"); a.DisabledAt.IsZero() || a.Password != nil {
		t.Errorf("the account is %+v", a)
	}
	if other.JSON(&done, "users", "import", other.WriteFile("users.json", `[{"username":"bob","state":"active"},{"username":"cyn","state":"disabled"}]`)); done.Updated != 2 {
		t.Errorf("a change of states did %+v", done)
	}
	if bob, cyn := accountOf(other, "bob"), accountOf(other, "cyn"); !bob.DisabledAt.IsZero() || cyn.DisabledAt.IsZero() {
		t.Errorf("bob is %+v and cyn %+v", bob, cyn)
	}
	servertest.Contains(t, other.MustFail("users", "import", other.WriteFile("users.json", `[{"username":"ada","state":"disabled"}]`)), "this is the last owner")
	servertest.Contains(t, other.MustFail("users", "import", other.WriteFile("users.json", `[{"username":"eve"}]`)), "password or password_hash is required")
}

// The audit log says which role an administrator had and has.
func TestRolesInTheAuditLog(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("users", "create", "ada", "--generate", "--admin")
	sh.Must("users", "create", "bob", "--generate", "--admin")
	sh.Must("users", "update", "bob", "--admin-role=support")
	sh.Must("users", "update", "bob", "--admin-role=none")
	var events []cli.EventView
	sh.JSON(&events, "audit", "--target=bob")
	var details []string
	for _, e := range events {
		details = append(details, e.Detail)
	}
	if diff := cmp.Diff([]string{"admin_role: support to none", "admin_role: owner to support", "admin_role: none to owner"}, details); diff != "" {
		t.Errorf("details (-want +got):\n%s", diff)
	}
}
