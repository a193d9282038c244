package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/audit"
	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server/servertest"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A repeated import keeps a client secret that was changed after the first import.
func TestHydraImportKeepsLaterChanges(t *testing.T) {
	t.Parallel()

	f := newHydraFixture(t, hydraV2)
	database := storetest.SQLiteURL(t)
	sh, words := taking(t, database, f.url)
	sh.Must(words...)
	db := storetest.Open(t, database)
	c, err := db.Clients.Client(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	const newSecret = client.Secret("hmac-sha256$AAAAAAAAAAAAAAAAAAAAAA$AAAA")
	if err := db.Clients.ReplaceClientSecret(t.Context(), "shop", c.Secret, newSecret); err != nil {
		t.Fatal(err)
	}
	f.exec(`UPDATE hydra_client SET client_name = 'Another Name' WHERE id = 'shop'`)
	var got cli.HydraReport
	sh.JSON(&got, append(words, "--only", "clients")...)
	if got.Clients.Updated != 1 || got.Consents.Found != 0 {
		t.Errorf("the import says %+v", got)
	}
	if c, err = db.Clients.Client(t.Context(), "shop"); err != nil || c.Secret != newSecret || c.ClientName != "Another Name" {
		t.Errorf("the client is %+v, %v", c, err)
	}
}

func TestHydraImportRejectsOtherDatabases(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct{ change, want string }{
		"no Hydra at all":        {`DROP TABLE hydra_client`, "no table hydra_client"},
		"lists that are numbers": {`UPDATE hydra_client SET grant_types = '7' WHERE id = 'shop'`, "column grant_types is not a list of texts"},
		"keys that are no JSON":  {`UPDATE hydra_client SET jwks = '{' WHERE id = 'shop'`, "column jwks is not JSON"},
		"several networks": {
			`INSERT INTO hydra_client (id, nid) VALUES ('other', '00000000-fcc0-42db-a796-5976d993168a')`, "several networks",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newHydraFixture(t, hydraV2)
			f.exec(tc.change)
			database := storetest.SQLiteURL(t)
			sh, words := taking(t, database, f.url)
			servertest.Contains(t, sh.MustFail(words...), tc.want)
			if list, err := storetest.Open(t, database).Clients.ListClients(t.Context(), "", 10); err != nil || len(list) != 0 {
				t.Errorf("there are %d clients, %v", len(list), err)
			}
		})
	}
}

// The import skips invalid rows, reports them and imports the others.
func TestHydraImportSkipsInvalidRows(t *testing.T) {
	t.Parallel()

	f := newHydraFixture(t, hydraV2)
	f.exec(`INSERT INTO hydra_jwk VALUES ('mine', 'torn', 'AAAA', '2026-01-01'), ('mine', 'none', '%%%', '2026-01-01')`)
	f.key("a set", "k", jose.JSONWebKey{Key: f.signing, KeyID: "k"})
	f.key("mine", "k2", jose.JSONWebKey{Key: []byte("too short"), KeyID: "k2"})
	f.exec(`INSERT INTO hydra_oauth2_flow SELECT 'x' || n, nid, s, client_id, consent_skip, consent_error, consent_remember, consent_remember_for,
			consent_challenge_id, consent_handled_at, requested_at, granted_scope, i::jsonb, session_access_token
		FROM hydra_oauth2_flow, (VALUES (1, 'gina', '[1]'), (2, E'new\nline', '{}'), (3, repeat('x', 256), '{}'),
			(4, 'hugo', '{"a":"' || repeat('x', 9000) || '"}')) AS more (n, s, i) WHERE login_challenge = 'c6'`)
	f.exec(`UPDATE hydra_oauth2_trusted_jwt_bearer_issuer SET key_id = 'gone', expires_at = '2099-01-01' WHERE issuer = 'https://old.example'`)
	f.exec(`INSERT INTO hydra_client SELECT E'in\nvisible', nid, client_name, client_secret FROM hydra_client WHERE id = 'shop'`)
	sh, words := taking(t, storetest.SQLiteURL(t), f.url)
	var got cli.HydraReport
	sh.JSON(&got, words...)
	if got.Clients.Created != 1 || got.Clients.LeftOut != 2 || got.Keys.Created != 1 || got.Keys.LeftOut != 4 ||
		got.Consents.Created != 2 || got.Consents.LeftOut != 5 || got.Issuers.Created != 1 || got.Issuers.LeftOut != 1 {
		t.Errorf("the import says %+v", got)
	}
	table := sh.Must(words...)
	servertest.Contains(t, table, "its key could not be read", "too long", "with an invalid subject", "2 that none of the given system secrets decrypts")
	if strings.Contains(table, "in\nvisible") {
		t.Errorf("a name breaks the report:\n%s", table)
	}
}

// If the system secrets decrypt no key, the import fails before it changes anything.
func TestHydraImportStopsAtWrongSecret(t *testing.T) {
	t.Parallel()

	f := newHydraFixture(t, hydraV2)
	database := storetest.SQLiteURL(t)
	sh, _ := taking(t, database, f.url)
	for _, secret := range [][]string{nil, {"--secrets-system", "not the secret of that Hydra"}} {
		words := append([]string{"import", "hydra", "--from", f.url}, secret...)
		servertest.Contains(t, sh.MustFail(words...), "none of the given system secrets decrypts any of Hydra's 3 keys")
		servertest.Contains(t, sh.MustFail(append(words, "--only", "issuers")...), "none of the given system secrets")
	}
	db := storetest.Open(t, database)
	if list, err := db.Clients.ListClients(t.Context(), "", 10); err != nil || len(list) != 0 {
		t.Errorf("there are %d clients, %v", len(list), err)
	}
	var got cli.HydraReport
	sh.JSON(&got, "import", "hydra", "--from", f.url, "--only", "clients,consents")
	if got.Clients.Created != 1 || got.Consents.Created == 0 || got.Keys.Found != 0 {
		t.Errorf("without keys the import says %+v", got)
	}
}

func TestHydraImportFlags(t *testing.T) {
	t.Parallel()

	f := newHydraFixture(t, hydraV2)
	sh, words := taking(t, storetest.SQLiteURL(t), f.url)
	for _, from := range [][]string{nil, {"--from", ""}} {
		servertest.Contains(t, sh.MustFail(append([]string{"import", "hydra"}, from...)...), "HYDRA_DSN", "--from")
	}
	servertest.Contains(t, sh.MustFail(append(words, "--network", "00000000-fcc0-42db-a796-5976d993168a")...),
		"no such network in it, but 3eb6ee8e-fcc0-42db-a796-5976d993168a")
	sh.Must(append(words, "--network", "3EB6EE8E-fcc0-42db-a796-5976d993168a")...)
}

// Neither output nor errors nor audit events contain a secret of Hydra or of this server.
func TestHydraImportPrintsNoSecrets(t *testing.T) {
	t.Parallel()

	f := newHydraFixture(t, hydraV2)
	database := storetest.SQLiteURL(t)
	sh, words := taking(t, database, f.url)
	for _, args := range [][]string{
		words, append(words, "--dry-run"), append(words, "--json"),
		{"import", "hydra", "--from", "postgres://user:a-password@127.0.0.1:1/hydra?connect_timeout=1", "--secrets-system", hydraSecret},
		{"import", "hydra", "--from", "postgres://user:a-password@%zz", "--secrets-system", hydraSecret},
		{"import", "hydra", "--from", "mysql://user:a-password@tcp(127.0.0.1)/hydra"},
		{"import", "hydra", "--from", f.url, "--network", "' OR 1=1"},
	} {
		got := sh.Run(args...)
		servertest.Lacks(t, got.Out+got.Err, hydraSecret, "a-password", "$pbkdf2", "a secret of somebody")
	}
	events, err := storetest.Open(t, database).Audit.ListEvents(t.Context(), audit.Filter{Action: "hydra.import"}, "", 10)
	if err != nil || len(events) == 0 {
		t.Errorf("there are %d events, %v", len(events), err)
	}
	for _, e := range events {
		servertest.Lacks(t, e.Target, "postgres", hydraSecret)
	}
}

func TestHydraImportOfClientFile(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	file := filepath.Join(t.TempDir(), "clients.json")
	const page = `{"items":[
		{"client_id":"a","grant_types":["client_credentials"],"response_types":[],"scope":"api","token_endpoint_auth_method":"client_secret_basic","jwks":{}},
		{"client_id":"b","client_secret":"a secret of b, which a file tells","grant_types":["client_credentials"],"scope":"api"}]}`
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	var got cli.HydraReport
	sh.JSON(&got, "import", "hydra", "--from", file)
	if got.Clients.Created != 2 || len(got.Problems) != 1 || got.Problems[0].ID != "a" {
		t.Errorf("the import says %+v", got)
	}
	sh.JSON(&got, "import", "hydra", "--from", file)
	if got.Clients.Unchanged != 2 {
		t.Errorf("the second time it says %+v", got)
	}
	for _, bad := range []string{`{`, `[]`, `"a"`, `{"items":[{"client_id":7}]}`} {
		sh.Input = bad
		sh.MustFail("import", "hydra", "--from", "-")
	}
	sh.MustFail("import", "hydra", "--from", "nowhere.json")
}
