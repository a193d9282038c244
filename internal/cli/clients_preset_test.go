package cli_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ostiary/ostiary/internal/cli"
	"github.com/ostiary/ostiary/internal/cli/clitest"
	"github.com/ostiary/ostiary/internal/preset"
	"github.com/ostiary/ostiary/internal/server/servertest"
)

// connected is the JSON of a client that was created by a preset.
type connected struct {
	cli.ClientView
	connectedMembers
}

type connectedMembers struct {
	Preset   string           `json:"preset"`
	Second   *cli.ClientView  `json:"second_client"`
	Settings []preset.Snippet `json:"settings"`
}

// create runs clients create --json with a preset.
func create(t *testing.T, sh *clitest.Shell, args ...string) (c connected) {
	t.Helper()
	text := sh.Must(append([]string{"clients", "create", "--json"}, args...)...)
	for _, into := range []any{&c.ClientView, &c.connectedMembers} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
	}
	return c
}

func newIssuerShell(t *testing.T) *clitest.Shell {
	t.Helper()
	sh := clitest.NewShell(t)
	sh.Settings = append(sh.Settings, "--set=issuer=https://id.example.org")
	return sh
}

func TestAPresetRegistersTheClientAndPrintsTheSettings(t *testing.T) {
	t.Parallel()

	sh := newIssuerShell(t)
	got := create(t, sh, "--preset=grafana", "--url=https://Grafana.example.org/")
	if !slices.Equal(got.RedirectURIs, []string{"https://grafana.example.org/login/generic_oauth"}) || got.TokenEndpointAuthMethod != "client_secret_basic" ||
		got.Scope != "openid profile email groups" || got.ClientName != "Grafana" || !got.RequirePKCE || got.Preset != "grafana" || got.Second != nil {
		t.Errorf("clients create --preset grafana registered %+v", got)
	}
	if !regexp.MustCompile(`^grafana-[a-z2-7]{8}$`).MatchString(got.ID) || !regexp.MustCompile(`^[A-Za-z0-9]{40}$`).MatchString(got.Secret) || !verifies(t, sh, got.ID, got.Secret) {
		t.Errorf("the client %s has the secret %q", got.ID, got.Secret)
	}
	var formats []string
	for _, s := range got.Settings {
		formats = append(formats, s.Format)
		servertest.Contains(t, s.Text, got.ID, got.Secret, "https://id.example.org/oauth2/auth")
	}
	if !slices.Equal(formats, []string{"env", "ini", "helm", "hcl"}) {
		t.Errorf("the settings have the formats %v", formats)
	}

	table := sh.Run("clients", "create", "--preset=grafana", "--url=https://grafana.example.org", "--id=second", "--snippet=ini", "--name=Boards")
	servertest.Contains(t, table.Out, "client_secret ", "Boards", "Settings of Grafana (ini), to paste into grafana.ini:", "client_id = second\n",
		"root_url = https://grafana.example.org/\n", "Other formats: env, helm, hcl.")
	servertest.Contains(t, table.Err, "shown only once", "warning: Grafana was not tried with Ostiary")
	shown := regexp.MustCompile(`client_secret = (\w{40})\n`).FindStringSubmatch(table.Out)
	if shown == nil || !verifies(t, sh, "second", shown[1]) {
		t.Errorf("the settings lack the secret:\n%s", table.Out)
	}
}

func TestFlagsOverrideThePreset(t *testing.T) {
	t.Parallel()

	sh := newIssuerShell(t)
	got := create(t, sh, "--preset=Gitea", "--url=https://git.example.org/git", "--provider-name=door", "--scope=openid email", "--auth-method=client_secret_post",
		"--secret=my-own-secret", "--redirect-uri=https://git.example.org/user/oauth2/door/callback", "--grant-type=authorization_code", "--grant-type=refresh_token",
		"--allowed-group=staff", "--id=git", "--snippet=shell")
	if !slices.Equal(got.RedirectURIs, []string{"https://git.example.org/user/oauth2/door/callback"}) || got.Scope != "openid email" ||
		got.TokenEndpointAuthMethod != "client_secret_post" || !slices.Equal(got.AllowedGroups, []string{"staff"}) || len(got.GrantTypes) != 2 {
		t.Errorf("clients create registered %+v", got.ClientView)
	}
	if got.Secret != "" || !verifies(t, sh, "git", "my-own-secret") || len(got.Settings) != 1 {
		t.Errorf("the given secret was printed or not stored: %+v", got)
	}
	servertest.Contains(t, got.Settings[0].Text, "--name=door", "--key=git", "--secret=my-own-secret", "--scopes=email ")

	signs := create(t, sh, "--preset=web", "--url=https://a.example.org", "--auth-method=client_secret_jwt")
	if len(signs.Secret) != 64 {
		t.Errorf("a client that signs with its secret has %q, want 64 characters", signs.Secret)
	}
	servertest.Contains(t, signs.Settings[0].Text, "OIDC_CLIENT_SECRET="+signs.Secret)

	public := create(t, sh, "--preset=web", "--url=http://localhost:3000", "--auth-method=none")
	servertest.Contains(t, public.Settings[0].Text, "OIDC_CLIENT_SECRET=CLIENT_SECRET", "http://localhost:3000/callback")
}

func TestAnApplicationMayHaveTwoClients(t *testing.T) {
	t.Parallel()

	sh := newIssuerShell(t)
	argo := []string{"--preset=argocd", "--url=https://argocd.example.org"}
	got := create(t, sh, append(argo, "--id=argo")...)
	if got.Second == nil || got.Second.TokenEndpointAuthMethod != "none" || !slices.Equal(got.Second.RedirectURIs, []string{"http://localhost:8085/auth/callback"}) {
		t.Fatalf("the second client is %+v", got.Second)
	}
	servertest.Contains(t, got.Settings[0].Text, `clientID: "argo"`, `cliClientID: "`+got.Second.ID+`"`)
	servertest.Contains(t, sh.Must(append([]string{"clients", "create"}, argo...)...), "A second client, for the command line of Argo CD:")

	servertest.Contains(t, sh.MustFail(append([]string{"clients", "create", "--id=argo"}, argo...)...), "create argo: client_id is taken")
	var all []cli.ClientView
	if sh.JSON(&all, "clients", "list"); len(all) != 4 {
		t.Errorf("%d clients are stored, want two of each command that succeeded", len(all))
	}
	var events []cli.EventView
	sh.JSON(&events, "audit", "--action=client.create")
	var targets []string
	for _, e := range events {
		targets = append(targets, e.Target+" "+e.Outcome)
	}
	for _, want := range []string{"argo done", "argo refused", got.Second.ID + " done"} {
		if !slices.Contains(targets, want) {
			t.Errorf("the audit log has %q, want %s", targets, want)
		}
	}
}

func TestInvalidPresetsAreRejected(t *testing.T) {
	t.Parallel()

	sh := newIssuerShell(t)
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"an unknown preset":            {[]string{"--preset=graf", "--url=https://a.example.org"}, `preset "graf" not found; similar: grafana`},
		"no address":                   {[]string{"--preset=grafana"}, "the address of Grafana is missing, as in https://grafana.example.org"},
		"an address without a scheme":  {[]string{"--preset=grafana", "--url=grafana.example.org"}, "must be a URL that begins with https://"},
		"an address in the network":    {[]string{"--preset=grafana", "--url=http://grafana.lan:3000"}, "must be https"},
		"an unknown format":            {[]string{"--preset=grafana", "--url=https://a.example.org", "--snippet=toml"}, "it has env, ini, helm, hcl"},
		"an address without a preset":  {[]string{"--url=https://a.example.org"}, "--url, --provider-name and --snippet need --preset"},
		"a secret for a public client": {[]string{"--preset=spa", "--url=https://a.example.org", "--secret=my-own-secret"}, "none has no secret"},
		"a flag with an invalid value": {[]string{"--preset=grafana", "--url=https://a.example.org", "--redirect-uri=ftp://a"}, "redirect_uris item 1"},
		"an invalid ID":                {[]string{"--preset=device", "--id=a b"}, "client_id must be"},
		"an address that it has not":   {[]string{"--preset=device", "--url=https://a.example.org"}, "it needs no address"},
	} {
		t.Run(name, func(t *testing.T) {
			sh := *sh
			sh.T = t
			servertest.Contains(t, sh.MustFail(append([]string{"clients", "create"}, tc.args...)...), tc.want)
		})
	}
	got := create(t, sh, "--preset=grafana", "--url=http://grafana.lan:3000", "--allow-http-redirects")
	if !got.AllowHTTPRedirects {
		t.Errorf("--allow-http-redirects registered %+v", got.ClientView)
	}
	mattermost := sh.Run("clients", "create", "--preset=mattermost", "--url=https://chat.example.org")
	servertest.Contains(t, mattermost.Err, "warning: the scope mattermost has no record")
	servertest.Contains(t, mattermost.Out, "ostiary scopes create mattermost")

	servertest.Contains(t, clitest.NewShell(t).MustFail("clients", "create", "--preset=device"), "issuer")

	odd := clitest.NewShell(t)
	odd.Settings = append(odd.Settings, "--set=issuer=https://id.example.org/$a")
	servertest.Contains(t, odd.MustFail("clients", "create", "--preset=device"), "the issuer has characters that settings would need to quote")
	var all []cli.ClientView
	if odd.JSON(&all, "clients", "list"); len(all) > 0 {
		t.Errorf("a failed command left %+v", all)
	}
}

func TestPresetsAreListedAndShown(t *testing.T) {
	t.Parallel()

	all, err := preset.List()
	if err != nil {
		t.Fatal(err)
	}
	sh := clitest.NewEmptyShell(t)
	var views []struct {
		Preset string `json:"preset"`
		Tried  *bool  `json:"tried"`
	}
	if sh.JSON(&views, "presets", "list"); len(views) != len(all) || views[0].Tried == nil {
		t.Errorf("presets list has %d entries, want %d", len(views), len(all))
	}
	if sh.JSON(&views, "presets", "list", "graf"); len(views) != 1 || views[0].Preset != "grafana" {
		t.Errorf("presets list graf = %+v", views)
	}
	servertest.Contains(t, sh.Must("presets", "list", "--format=yaml", "argo"), "- preset: argocd\n")
	if lines := strings.Count(sh.Must("presets", "list"), "\n"); lines != len(all)+1 {
		t.Errorf("the table has %d lines, want %d", lines, len(all)+1)
	}

	servertest.Contains(t, sh.Must("presets", "show", "Paperless-ngx"), "client_secret_basic", "https://paperless.example.org/accounts/oidc/ostiary/login/callback/",
		"tried by us ", "https://docs.paperless-ngx.com/", "PAPERLESS_APPS=")
	shown := sh.Must("presets", "show", "grafana", "--set=issuer=https://id.example.com", "--url=https://g.example.com", "--client-id=g1", "--snippet=env")
	if !strings.HasPrefix(shown, "GF_SERVER_ROOT_URL=https://g.example.com/\n") || strings.Contains(shown, "\n\n") {
		t.Errorf("presets show --snippet printed more than the settings:\n%s", shown)
	}
	servertest.Contains(t, shown, "GF_AUTH_GENERIC_OAUTH_CLIENT_ID=g1\n", "GF_AUTH_GENERIC_OAUTH_CLIENT_SECRET=CLIENT_SECRET\n", "AUTH_URL=https://id.example.com/oauth2/auth\n")
	servertest.Contains(t, sh.MustFail("presets", "show", "graf"), "similar: grafana")
	servertest.Contains(t, sh.MustFail("presets", "show", "grafana", "--snippet=ruby"), "it has env, ini, helm, hcl")
}
