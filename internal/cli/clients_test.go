package cli_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/server"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

func verifies(t *testing.T, sh *clitest.Shell, id, secret string) bool {
	t.Helper()
	c, err := sh.Store().Clients.Client(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	ok, err := c.Secret.Verify(t.Context(), server.NewHasher(sh.Config()), secret)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func TestClientLifecycle(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	var made cli.ClientView
	sh.JSON(&made, "clients", "create", "--id=app", "--name=My App",
		"--redirect-uri=https://a.example/cb", "--redirect-uri=https://a.example/cb?list=1,2",
		"--grant-type=authorization_code,refresh_token", "--scope=openid api", "--audience=https://api.example",
		"--post-logout-redirect-uri=https://a.example/bye", "--access-token-format=opaque", "--skip-consent")
	want := client.Metadata{
		ClientName: "My App", ApplicationType: "web",
		RedirectURIs:           []string{"https://a.example/cb", "https://a.example/cb?list=1,2"},
		PostLogoutRedirectURIs: []string{"https://a.example/bye"},
		GrantTypes:             []string{"authorization_code", "refresh_token"}, ResponseTypes: []string{"code"},
		Scope: "openid api", Audience: []string{"https://api.example"}, TokenEndpointAuthMethod: "client_secret_basic",
		SubjectType: "public", IDTokenSignedResponseAlg: "RS256", AccessTokenStrategy: "opaque", SkipConsent: true,
	}
	if diff := cmp.Diff(want, made.Metadata); diff != "" {
		t.Errorf("clients create stored (-want +got):\n%s", diff)
	}
	if len(made.Secret) < 43 || !verifies(t, sh, "app", made.Secret) {
		t.Errorf("the secret that was printed, %q, is not the client's", made.Secret)
	}

	var got cli.ClientView
	sh.JSON(&got, "clients", "get", "app")
	if diff := cmp.Diff(cli.ClientView{ID: "app", Metadata: want, CreatedAt: made.CreatedAt, UpdatedAt: made.UpdatedAt}, got); diff != "" {
		t.Errorf("clients get (-want +got):\n%s", diff)
	}
	servertest.Contains(t, sh.Must("clients", "get", "app"), "My App", "https://a.example/cb, ")

	got = cli.ClientView{}
	sh.JSON(&got, "clients", "update", "app", "--name=Ours", "--no-skip-consent", "--audience=")
	want.ClientName, want.SkipConsent, want.Audience = "Ours", false, nil
	if diff := cmp.Diff(want, got.Metadata); diff != "" {
		t.Errorf("clients update changed something else (-want +got):\n%s", diff)
	}
	if got.Secret != "" || !verifies(t, sh, "app", made.Secret) {
		t.Error("clients update touched the secret")
	}
	if !got.CreatedAt.Equal(made.CreatedAt) || !got.UpdatedAt.After(made.UpdatedAt) {
		t.Errorf("clients update left the times %v and %v, which were %v", got.CreatedAt, got.UpdatedAt, made.CreatedAt)
	}
	got = cli.ClientView{}
	sh.JSON(&got, "clients", "update", "app", "--grant-type=client_credentials")
	if got.ResponseTypes != nil {
		t.Errorf("a client without authorization_code keeps the response types %q", got.ResponseTypes)
	}

	servertest.Contains(t, sh.MustFail("clients", "delete", "app"), "--yes")
	servertest.Contains(t, sh.Must("clients", "delete", "app", "--yes"), "deleted app")
	servertest.Contains(t, sh.MustFail("clients", "get", "app"), `client "app" not found`)
	servertest.Contains(t, sh.MustFail("clients", "delete", "app", "--yes"), `client "app" not found`)
	servertest.Contains(t, sh.MustFail("clients", "update", "app"), `client "app" not found`)
}

func TestInvalidClientsAreRejectedWithEveryFault(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("clients", "create", "--id=taken", "--grant-type=client_credentials")
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"two members at fault": {
			[]string{"create", "--redirect-uri=http://far.example", "--grant-type=magic"},
			[]string{"redirect_uris item 1", "grant_types may hold"},
		},
		"no place for the code":        {[]string{"create"}, []string{"redirect_uris must hold"}},
		"an id with a space":           {[]string{"create", "--id=a b"}, []string{"client_id must be 1 to 255 visible"}},
		"an id that is taken":          {[]string{"create", "--id=taken", "--grant-type=client_credentials"}, []string{"taken"}},
		"a secret too short":           {[]string{"create", "--grant-type=client_credentials", "--secret=abc"}, []string{"client_secret must be 6 to 512 printable"}},
		"a secret nobody needs":        {[]string{"create", "--redirect-uri=https://a.example", "--auth-method=none", "--secret=abcdefgh"}, []string{"none has no secret"}},
		"an empty secret file":         {[]string{"create", "--grant-type=client_credentials", "--secret-file=-"}, []string{"empty"}},
		"a secret file not there":      {[]string{"create", "--grant-type=client_credentials", "--secret-file=/does/not/exist"}, []string{"/does/not/exist"}},
		"keys needed and not given":    {[]string{"create", "--grant-type=client_credentials", "--auth-method=private_key_jwt"}, []string{"jwks"}},
		"a change that makes no sense": {[]string{"update", "taken", "--auth-method=none"}, []string{"grant_types must not hold client_credentials"}},
	} {
		t.Run(name, func(t *testing.T) {
			sh := *sh
			sh.T = t
			servertest.Contains(t, sh.MustFail(append([]string{"clients"}, tc.args...)...), tc.want...)
		})
	}
	var all []cli.ClientView
	sh.JSON(&all, "clients", "list")
	if len(all) != 1 || all[0].ID != "taken" || all[0].TokenEndpointAuthMethod != "client_secret_basic" {
		t.Errorf("refused commands left %+v", all)
	}
}

func TestSecretFollowsAuthenticationMethod(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Input = "a secret from a file\n"
	sh.Must("clients", "create", "--id=a", "--redirect-uri=https://a.example", "--secret-file=-")
	if !verifies(t, sh, "a", "a secret from a file") {
		t.Error("the secret in the file is not the client's")
	}
	var got cli.ClientView
	sh.JSON(&got, "clients", "update", "a", "--new-secret")
	if verifies(t, sh, "a", "a secret from a file") || !verifies(t, sh, "a", got.Secret) {
		t.Error("--new-secret did not replace the secret")
	}
	sh.Must("clients", "update", "a", "--auth-method=none")
	if c, err := sh.Store().Clients.Client(t.Context(), "a"); err != nil || c.Secret != "" {
		t.Errorf("a client without authentication keeps the secret %q (%v)", c.Secret, err)
	}
	got = cli.ClientView{}
	sh.JSON(&got, "clients", "update", "a", "--auth-method=client_secret_post")
	if got.Secret == "" || !verifies(t, sh, "a", got.Secret) {
		t.Error("a client that needs a secret again got none")
	}
}

func TestSecretsAreNeverListed(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("clients", "create", "--id=a", "--grant-type=client_credentials", "--secret=hunter2-hunter2-hunter2-hunter2-hunter2")
	sh.Must("clients", "create", "--id=b", "--grant-type=client_credentials", "--secret=hunter2")
	c, err := sh.Store().Clients.Client(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"clients", "list"}, {"clients", "get", "a"}, {"clients", "get", "b"}} {
		for _, format := range [][]string{nil, {"--json"}} {
			text := sh.Must(append(args, format...)...)
			servertest.Lacks(t, text, "hunter2", string(c.Secret), "hmac-sha256", "argon2", "secret\"")
		}
	}
}

func TestClientListIsComplete(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	entries := make([]string, 0, cli.PageSize+3)
	for i := range cli.PageSize + 3 {
		entries = append(entries, `{"client_id":"c`+strings.Repeat("x", i%7)+string(rune('a'+i%26))+strings.Repeat("y", i/26)+
			`","client_secret":"0123456789abcdef0123456789abcdef","grant_types":["client_credentials"]}`)
	}
	sh.Must("clients", "import", sh.WriteFile("clients.json", "["+strings.Join(entries, ",")+"]"))
	var all []map[string]any
	sh.JSON(&all, "clients", "list")
	ids := make(map[string]bool)
	for _, c := range all {
		ids[c["client_id"].(string)] = true
	}
	if len(all) != len(entries) || len(ids) != len(entries) {
		t.Errorf("%d clients listed, %d of them different; want %d", len(all), len(ids), len(entries))
	}
	if got := sh.Must("clients", "list"); strings.Count(got, "\n") != len(entries)+1 {
		t.Errorf("the table has %d lines, want one for each of %d clients and a head", strings.Count(got, "\n"), len(entries))
	}
}

func TestListedClientsCanBeImported(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	sh.Must("clients", "create", "--id=a", "--redirect-uri=https://a.example", "--secret=0123456789")
	sh.Must("clients", "create", "--id=b", "--grant-type=client_credentials", "--audience=https://api.example")
	listed := sh.Must("clients", "list", "--json")
	servertest.Contains(t, sh.Must("clients", "import", sh.WriteFile("listed.json", listed)), "0 created, 0 updated, 2 unchanged")
	if again := sh.Must("clients", "list", "--json"); again != listed {
		t.Errorf("after importing what was listed (-before +after):\n%s", cmp.Diff(listed, again))
	}
}

func members(t *testing.T, text string) []string {
	t.Helper()
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return slices.Sorted(maps.Keys(object))
}

func TestTimesAreRFC3339InUTC(t *testing.T) {
	t.Parallel()

	sh := clitest.NewShell(t)
	text := sh.Must("clients", "create", "--id=a", "--grant-type=client_credentials", "--json")
	for _, member := range []string{"created_at", "updated_at", "client_secret"} {
		if !slices.Contains(members(t, text), member) {
			t.Errorf("clients create --json lacks %s: %s", member, text)
		}
	}
	var v struct {
		CreatedAt string `json:"created_at"`
	}
	sh.JSON(&v, "clients", "get", "a")
	if !strings.HasSuffix(v.CreatedAt, "Z") || !strings.Contains(v.CreatedAt, "T") {
		t.Errorf("created_at = %q, want RFC 3339 in UTC", v.CreatedAt)
	}
}
