package preset_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/preset"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

func list(t *testing.T) []*preset.Preset {
	t.Helper()
	all, err := preset.List()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// resolve resolves a preset for its example address.
func resolve(t *testing.T, p *preset.Preset) *preset.Connection {
	t.Helper()
	c, err := p.Resolve(preset.Application{URL: p.Example})
	if err != nil {
		t.Fatalf("%s: %v", p.ID, err)
	}
	return c
}

func TestPresetsAreComplete(t *testing.T) {
	t.Parallel()

	kinds := []preset.Kind{preset.KindType, preset.KindApplication, preset.KindService, preset.KindFramework}
	seen := map[string]string{}
	for _, p := range list(t) {
		if !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(p.ID) || p.Name == "" || !slices.Contains(kinds, p.Kind) {
			t.Errorf("%s has the name %q and the kind %q", p.ID, p.Name, p.Kind)
		}
		for _, name := range append([]string{p.ID, p.Name}, p.Aliases...) {
			if name = strings.ToLower(name); seen[name] != "" && seen[name] != p.ID {
				t.Errorf("%q is a name of %s and of %s", name, seen[name], p.ID)
			}
			seen[name] = p.ID
		}
		if page, err := url.Parse(p.Documentation); err != nil || page.Scheme != "https" || page.Host == "" {
			t.Errorf("%s: documentation = %q, want an https URL", p.ID, p.Documentation)
		}
		if checked, err := time.Parse(time.DateOnly, p.Checked); err != nil || checked.Before(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: checked = %q, want a date", p.ID, p.Checked)
		}
		if (p.Address == preset.AddressNone) != (p.Example == "") {
			t.Errorf("%s: address = %s and example = %q", p.ID, p.Address, p.Example)
		}
		if len(p.Snippets) == 0 {
			t.Errorf("%s has no settings", p.ID)
		}
		var formats []string
		for _, s := range p.Snippets {
			if !slices.Contains(preset.Formats(), s.Format) || slices.Contains(formats, s.Format) || s.Place == "" {
				t.Errorf("%s: settings in the format %q for %q", p.ID, s.Format, s.Place)
			}
			formats = append(formats, s.Format)
		}
		for _, note := range p.Notes {
			if !strings.HasSuffix(note, ".") {
				t.Errorf("%s: the note %q is not a sentence", p.ID, note)
			}
		}
	}
}

// All presets of the design exist, under the names that users search for.
func TestPresetsAreFound(t *testing.T) {
	t.Parallel()

	for name, want := range map[string]string{
		"web": "web", "single page": "spa", "native": "native", "device": "device", "m2m": "service", "API": "api",
		"Grafana": "grafana", "argo cd": "argocd", "GitLab": "gitlab", "gitea": "gitea", "forgejo": "forgejo", "Nextcloud": "nextcloud",
		"oidc_login": "nextcloud-oidc-login", "immich": "immich", "jellyfin": "jellyfin", "Home Assistant": "home-assistant",
		"proxmox": "proxmox", "portainer": "portainer", "minio": "minio", "vault": "vault", "OpenBao": "vault", "kubelogin": "kubernetes",
		"oauth2-proxy": "oauth2-proxy", "paperless": "paperless", "mealie": "mealie", "outline": "outline", "bookstack": "bookstack",
		"harbor": "harbor", "jenkins": "jenkins", "sonarqube": "sonarqube", "mattermost": "mattermost", "Rocket.Chat": "rocketchat",
		"open-webui": "open-webui", "vaultwarden": "vaultwarden", "tailscale": "tailscale", "cloudflare access": "cloudflare-access",
		"cognito": "cognito", "auth.js": "authjs", "next.js": "nextjs", "spring boot": "spring", "django": "django", "allauth": "django-allauth",
		"express": "express", "ASP.NET Core": "aspnet", "flask": "flask",
	} {
		if p, err := preset.Find(name); err != nil || p.ID != want {
			t.Errorf("Find(%q) = %v, %v, want %s", name, p, err, want)
		}
	}
	for name, want := range map[string]string{
		"graf": `preset "graf" not found; similar: grafana`, "nextcl": "similar: nextcloud-oidc-login, nextcloud", "nothing": `preset "nothing" not found`,
	} {
		if _, err := preset.Find(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Find(%q) = %v, want %q", name, err, want)
		}
	}
}

func TestSearchFindsBeginningsOfWords(t *testing.T) {
	t.Parallel()

	all := list(t)
	for prefix, want := range map[string][]string{
		"": ids(all), "Graf": {"grafana"}, "cd": {"argocd"}, "rafana": nil, "assist": {"home-assistant"}, "next": {"nextjs", "nextcloud-oidc-login", "nextcloud"},
	} {
		got := ids(preset.Search(all, prefix))
		slices.Sort(got)
		want = slices.Sorted(slices.Values(want))
		if !slices.Equal(got, want) {
			t.Errorf("Search(%q) = %v, want %v", prefix, got, want)
		}
	}
}

func ids(all []*preset.Preset) (list []string) {
	for _, p := range all {
		list = append(list, p.ID)
	}
	return list
}

func TestAddressesAreNormalizedOrRejected(t *testing.T) {
	t.Parallel()

	for address, want := range map[string]string{
		"https://grafana.example.org":       "https://grafana.example.org/login/generic_oauth",
		"https://grafana.example.org/":      "https://grafana.example.org/login/generic_oauth",
		"https://Grafana.Example.org:443//": "https://grafana.example.org/login/generic_oauth",
		"https://example.org:8443/grafana/": "https://example.org:8443/grafana/login/generic_oauth",
		"http://localhost:3000":             "http://localhost:3000/login/generic_oauth",
		"http://[::1]:3000":                 "http://[::1]:3000/login/generic_oauth",

		"":                                  "the address of Grafana is missing, as in https://grafana.example.org",
		"grafana.example.org":               "must be a URL that begins with https://",
		"ftp://grafana.example.org":         "must be a URL that begins with https://",
		"https://":                          "must be a URL that begins with https://",
		"http://grafana.example.org":        "must be https unless its host is 127.0.0.1, [::1] or localhost",
		"https://ada@grafana.example.org":   "must have a plain host without a user name",
		"https://grafana.example.org#a":     "must have neither a fragment nor a wildcard",
		"https://*.example.org":             "must have neither a fragment nor a wildcard",
		"https://grafana.example.org?a=b":   "must have neither a query",
		"https://grafana.example.org/?":     "must have neither a query",
		"https://grafana.example.org/$(a)":  "characters other than letters",
		"https://grafana.example.org/a%2fb": "characters other than letters",
		"https://grafana.example.org/a//b":  "must have no empty",
		"https://grafana.example.org/../b":  "must have no empty and no dot segments",
		"https://grafana.example.org:99999": "must have a valid port",
		"https://grafana .example.org":      "must be a URL",
	} {
		p, err := preset.Find("grafana")
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.Resolve(preset.Application{URL: address})
		switch {
		case strings.HasPrefix(want, "http"):
			if err != nil || !slices.Equal(c.Client.RedirectURIs, []string{want}) {
				t.Errorf("Resolve(%q) = %+v, %v, want %s", address, c, err, want)
			}
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("Resolve(%q) = %v, want an error with %q", address, err, want)
		}
	}
}

func TestPartsOfTheRequestAreChecked(t *testing.T) {
	t.Parallel()

	for name, tc := range map[string]struct {
		preset string
		app    preset.Application
		want   string
	}{
		"an address that it does not have": {"kubernetes", preset.Application{URL: "https://k8s.example.org"}, "it needs no address"},
		"a path where none can be":         {"proxmox", preset.Application{URL: "https://pve.example.org:8006/ui"}, "must have no path"},
		"a name with a slash":              {"gitea", preset.Application{URL: "https://git.example.org", Provider: "a/b"}, "invalid name"},
		"a name in upper case":             {"gitea", preset.Application{URL: "https://git.example.org", Provider: "Ostiary"}, "invalid name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			p, err := preset.Find(tc.preset)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Resolve(tc.app); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Resolve(%+v) = %v, want %q", tc.app, err, tc.want)
			}
		})
	}
}

// The table of the design: redirect URIs byte for byte, with and without slashes at the end.
func TestRedirectURIsAreExact(t *testing.T) {
	t.Parallel()

	for id, want := range map[string][]string{
		"gitea":     {"https://gitea.example.org/user/oauth2/main/callback"},
		"paperless": {"https://paperless.example.org/accounts/oidc/main/login/callback/"},
		"django":    {"https://app.example.org/oidc/callback/"},
		"proxmox":   {"https://pve.example.org:8006"},
		"portainer": {"https://portainer.example.org"},
		"spa":       {"https://app.example.org/"},
		"immich":    {"https://photos.example.org/auth/login", "https://photos.example.org/user-settings", "app.immich:///oauth-callback"},
		"vault":     {"https://vault.example.org:8200/ui/vault/auth/oidc/oidc/callback", "http://localhost:8250/oidc/callback"},
		"mealie":    {"https://mealie.example.org/login", "https://mealie.example.org/login?direct=1"},
		"tailscale": {"https://login.tailscale.com/a/oauth_response"},
	} {
		p, err := preset.Find(id)
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.Resolve(preset.Application{URL: p.Example, Provider: "main"})
		if err != nil || !slices.Equal(c.Client.RedirectURIs, want) {
			t.Errorf("%s registers %v (%v), want %v", id, c, err, want)
		}
	}
}

// Every preset can be registered as it is, on both engines.
func TestPresetsAreRegistered(t *testing.T) {
	t.Parallel()

	storetest.Each(t, func(t *testing.T, s *store.Store) {
		clients := &manage.Clients{Store: s.Clients, Now: time.Now}
		records, err := s.Scopes.ListScopes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		scopes := scope.NewSet(records, nil, nil)
		for _, p := range list(t) {
			c := resolve(t, p)
			all := []*client.Client{{ID: p.ID, Metadata: c.Client}}
			if c.Second != nil {
				all = append(all, &client.Client{ID: p.ID + "-second", Metadata: *c.Second})
			}
			for _, one := range all {
				if faults := one.Validate(client.Policy{PlainLoopback: true}); len(faults) > 0 {
					t.Fatalf("%s: %v", p.ID, faults)
				}
			}
			if _, err := clients.CreateTogether(t.Context(), all[0], client.NewAlphanumericSecret(), all[1:]...); err != nil {
				t.Fatalf("%s: %v", p.ID, err)
			}
			for _, one := range all {
				wantRegistered(t, s, one)
			}
			for name := range strings.FieldsSeq(c.Client.Scope) {
				if explained := strings.Contains(strings.Join(p.Notes, " "), "ostiary scopes create "+name); scopes.Get(name) == nil && !explained {
					t.Errorf("%s requests the scope %s, which has no record, and no note says how to create it", p.ID, name)
				}
			}
		}
	})
}

func wantRegistered(t *testing.T, s *store.Store, want *client.Client) {
	t.Helper()
	got, err := s.Clients.Client(t.Context(), want.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.IDTokenSignedResponseAlg != "RS256" || got.UsesSecret() != (got.Secret != "") || got.ClientName == "" {
		t.Errorf("%s is registered as %+v", want.ID, got)
	}
	if got.TokenEndpointAuthMethod == client.AuthNone && got.AllowsGrantType(client.GrantAuthorizationCode) && !got.RequirePKCE {
		t.Errorf("%s has neither a secret nor PKCE", want.ID)
	}
	for _, uri := range got.RedirectURIs {
		other := uri + "/"
		if slash, ok := strings.CutSuffix(uri, "/"); ok {
			other = slash
		}
		if !got.MatchRedirectURI(uri) || got.MatchRedirectURI(other) {
			t.Errorf("%s: MatchRedirectURI(%s) = %t and (%s) = %t", want.ID, uri, got.MatchRedirectURI(uri), other, got.MatchRedirectURI(other))
		}
	}
}
