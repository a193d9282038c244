package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/preset"
	"github.com/ostiary/ostiary/internal/server"
)

// presetFlags select the preset of a new client.
type presetFlags struct {
	Preset       string `help:"Register an application by its preset, as in grafana, and print the settings to paste into it; other flags override the preset; see presets list." placeholder:"NAME"`
	URL          string `help:"The address of the application, for --preset." name:"url" placeholder:"URL"`
	ProviderName string `help:"The name that the application has for this server, for --preset; some applications have it in their redirect URI; ostiary by default." placeholder:"NAME"`
	Snippet      string `help:"The format of the settings, for --preset, as in env or helm; by default the first of presets show." placeholder:"FORMAT"`
}

// unused returns an error if a flag is given that needs --preset.
func (f *presetFlags) unused() error {
	if f.URL != "" || f.ProviderName != "" || f.Snippet != "" {
		return errors.New("--url, --provider-name and --snippet need --preset")
	}
	return nil
}

// createFromPreset registers the clients of a preset and prints the settings of the application.
func (cmd *clientsCreate) createFromPreset(ctx context.Context, s Streams, c *commandLine) error {
	p, err := preset.Find(cmd.Preset)
	if err != nil {
		return err
	}
	connection, err := p.Resolve(preset.Application{
		URL: cmd.URL, Provider: cmd.ProviderName, AllowHTTP: cmd.AllowHTTPRedirects != nil && *cmd.AllowHTTPRedirects,
	})
	if err != nil {
		return err
	}
	if err := checkSnippet(p, cmd.Snippet); err != nil {
		return err
	}
	id, err := manage.ClientID(cmp.Or(cmd.ID, p.NewClientID()))
	if err != nil {
		return err
	}
	created := &client.Client{ID: id, Metadata: connection.Client}
	c.change.targets = []string{id}
	var second []*client.Client
	if connection.Second != nil {
		second = []*client.Client{{ID: p.NewClientID(), Metadata: *connection.Second}}
		c.change.targets = append(c.change.targets, second[0].ID)
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		policy := server.CommandPolicy(d.config)
		if err := cmd.apply(&created.Metadata, policy); err != nil {
			return err
		}
		for _, other := range second {
			if err := manage.InvalidMetadata(other.Validate(policy)); err != nil {
				return err
			}
		}
		given, err := cmd.read(d, created, false)
		if err != nil {
			return err
		}
		clients, err := server.NewClients(d.config, d.store, server.NewHasher(d.config))
		if err != nil {
			return err
		}
		generated := ""
		if given == "" {
			generated = newSecret(created)
		}
		registered := preset.Registered{ID: id, Secret: cmp.Or(given, generated), Metadata: created.Metadata}
		for _, one := range second {
			registered.SecondID = one.ID
		}
		settings, err := connection.Settings(server.PresetServer(d.config), registered)
		if err != nil {
			return err
		}
		if err := warnOfConnection(ctx, d, connection, created); err != nil {
			return err
		}
		if _, err := clients.CreateTogether(ctx, created, registered.Secret, second...); err != nil {
			return fmt.Errorf("create %s: %w", id, err)
		}
		view := connectedView{viewClient(created, generated), connectedMembers{
			Preset: p.ID, Settings: selectSnippet(settings, cmd.Snippet), Notes: p.Notes,
		}}
		for _, one := range second {
			viewed := viewClient(one, "")
			view.Second = &viewed
		}
		return printConnection(d, cmd.outputFlags, p, view)
	}, "issuer")
}

// newSecret returns a new client secret, or "" for a client that authenticates without one.
func newSecret(c *client.Client) string {
	switch {
	case !c.UsesSecret():
		return ""
	case c.TokenEndpointAuthMethod == client.AuthSecretJWT:
		return c.NewSecret()
	}
	return client.NewAlphanumericSecret()
}

// connectedView is a client that was registered by a preset, with the settings of its
// application.
type connectedView struct {
	clientView
	connectedMembers
}

type connectedMembers struct {
	Preset   string           `json:"preset"`
	Second   *clientView      `json:"second_client,omitempty"`
	Settings []preset.Snippet `json:"settings"`
	Notes    []string         `json:"notes,omitempty"`
}

// MarshalJSON writes the members of the client next to the others.
func (v connectedView) MarshalJSON() ([]byte, error) {
	type members clientView
	return v.MarshalWith(struct {
		members
		connectedMembers
	}{members(v.clientView), v.connectedMembers})
}

// printConnection prints the clients that were created, and the settings of the application.
func printConnection(d *database, a outputFlags, p *preset.Preset, view connectedView) error {
	if view.Secret != "" {
		d.notef(shownOnceNote, "secret")
	}
	if !a.isTable() {
		return a.write(d.Out, view)
	}
	if err := printObject(d.Out, a, view.clientView); err != nil {
		return err
	}
	if view.Second != nil {
		if err := d.printf("\nA second client, for the %s of %s:\n", p.Second.Name, p.Name); err != nil {
			return err
		}
		if err := printObject(d.Out, a, *view.Second); err != nil {
			return err
		}
	}
	return d.printSettings(p, view.Settings[0])
}

// warnOfConnection prints the warnings of a connection, and the scopes that release nothing.
func warnOfConnection(ctx context.Context, d *database, connection *preset.Connection, created *client.Client) error {
	known, err := loadScopes(ctx, d)
	if err != nil {
		return err
	}
	warnings := slices.Clone(connection.Warnings)
	for _, name := range created.Scopes() {
		if known.Get(name) == nil {
			warnings = append(warnings, fmt.Sprintf("the scope %s has no record, so it releases no claims; see scopes create", name))
		}
	}
	for _, warning := range warnings {
		d.notef("warning: %s\n", warning)
	}
	return nil
}

// printSettings prints the settings to paste into an application, and the notes of its preset.
func (s Streams) printSettings(p *preset.Preset, settings preset.Snippet) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nSettings of %s (%s), to paste into %s:\n\n%s", p.Name, settings.Format, settings.Place, settings.Text)
	for i, note := range p.Notes {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString("- " + note + "\n")
	}
	others := slices.DeleteFunc(formats(p), func(f string) bool { return f == settings.Format })
	if len(others) > 0 {
		fmt.Fprintf(&b, "\nOther formats: %s. See presets show %s --snippet FORMAT.\n", strings.Join(others, ", "), p.ID)
	}
	return s.printf("%s", strings.TrimSuffix(b.String(), "\n"))
}

// checkSnippet returns an error if the preset has no settings in the format.
func checkSnippet(p *preset.Preset, format string) error {
	if all := formats(p); format != "" && !slices.Contains(all, format) {
		return fmt.Errorf("the preset %s has no settings in the format %q; it has %s", p.ID, format, strings.Join(all, ", "))
	}
	return nil
}

func formats(p *preset.Preset) (all []string) {
	for _, snippet := range p.Snippets {
		all = append(all, snippet.Format)
	}
	return all
}

// selectSnippet returns the settings in a format, or all for an empty format.
func selectSnippet(all []preset.Snippet, format string) []preset.Snippet {
	if i := slices.IndexFunc(all, func(s preset.Snippet) bool { return s.Format == format }); i >= 0 {
		return all[i : i+1]
	}
	return all
}
