package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/preset"
	"github.com/ostiary/ostiary/internal/server"
)

// presetsCommand shows presets.
type presetsCommand struct {
	List presetsList `cmd:"" help:"List presets."`
	Show presetsShow `cmd:"" help:"Show a preset, with the settings to paste into the application."`
}

type presetsList struct {
	outputFlags

	Prefix string `arg:"" optional:"" help:"Only presets with a name in which a word begins so."`
}

type presetsShow struct {
	outputFlags

	Name         string `arg:"" help:"The preset, by its name or the name of the application."`
	URL          string `help:"The address of the application; an example by default." name:"url" placeholder:"URL"`
	ProviderName string `help:"The name that the application has for this server; ostiary by default." placeholder:"NAME"`
	ClientID     string `help:"The client_id of the settings; CLIENT_ID by default." placeholder:"ID"`
	Snippet      string `help:"Print only the settings in this format." placeholder:"FORMAT"`
}

// presetView is a preset in output. Its client is resolved for an address.
type presetView struct {
	Preset        string           `json:"preset"`
	Name          string           `json:"name"`
	Aliases       []string         `json:"aliases"`
	Kind          preset.Kind      `json:"kind"`
	Tried         bool             `json:"tried"`
	PKCE          bool             `json:"pkce"`
	Documentation string           `json:"documentation"`
	Checked       string           `json:"checked"`
	Address       string           `json:"address"`
	Client        client.Metadata  `json:"client"`
	Second        *client.Metadata `json:"second_client,omitempty"`
	Notes         []string         `json:"notes"`
	Settings      []preset.Snippet `json:"settings,omitempty"`
}

func viewPreset(c *preset.Connection) presetView {
	p := c.Preset
	return presetView{
		p.ID, p.Name, append([]string{}, p.Aliases...), p.Kind, p.Tried(), p.PKCE, p.Documentation, p.Checked, c.App, c.Client, c.Second,
		append([]string{}, p.Notes...), nil,
	}
}

// Run lists the presets.
func (cmd *presetsList) Run(s Streams) error {
	all, err := preset.List()
	if err != nil {
		return err
	}
	var views []presetView
	for _, p := range preset.Search(all, cmd.Prefix) {
		connection, err := p.Resolve(preset.Application{URL: p.Example})
		if err != nil {
			return err
		}
		views = append(views, viewPreset(connection))
	}
	return printList(s.Out, cmd.outputFlags, table[presetView]{
		[]string{"PRESET", "NAME", "KIND", "AUTHENTICATES WITH", "PKCE", "TRIED", "EXAMPLE OF AN ADDRESS"},
		func(v presetView) []string {
			return []string{v.Preset, v.Name, string(v.Kind), v.Client.TokenEndpointAuthMethod, yesOrDash(v.PKCE), tried(v), dash(v.Address)}
		},
	}, views)
}

// tried says whether a test signs in to the application. Types of applications have no test.
func tried(v presetView) string {
	if v.Kind == preset.KindType {
		return "-"
	}
	return map[bool]string{true: "yes", false: "no"}[v.Tried]
}

// Run shows a preset.
func (cmd *presetsShow) Run(s Streams, c *commandLine) error {
	p, err := preset.Find(cmd.Name)
	if err != nil {
		return err
	}
	if err := checkSnippet(p, cmd.Snippet); err != nil {
		return err
	}
	connection, err := p.Resolve(preset.Application{URL: cmp.Or(cmd.URL, p.Example), Provider: cmd.ProviderName})
	if err != nil {
		return err
	}
	conf, err := c.load()
	if err != nil {
		return err
	}
	conf.Issuer = cmp.Or(conf.Issuer, "https://id.example.org")
	settings, err := connection.Settings(server.PresetServer(conf), preset.Registered{ID: cmd.ClientID, Metadata: connection.Client})
	if err != nil {
		return err
	}
	view := viewPreset(connection)
	view.Settings = selectSnippet(settings, cmd.Snippet)
	switch {
	case !cmd.isTable():
		return cmd.write(s.Out, view)
	case cmd.Snippet != "":
		return s.printf("%s", strings.TrimSuffix(view.Settings[0].Text, "\n"))
	}
	if err := printTable(s.Out, presetRows(view)); err != nil {
		return err
	}
	return s.printSettings(p, view.Settings[0])
}

// presetRows returns the members of a preset as lines of a table.
func presetRows(v presetView) [][]string {
	rows := [][]string{
		{"preset", v.Preset},
		{"name", v.Name},
		{"kind", string(v.Kind)},
		{"redirect URIs", dash(strings.Join(v.Client.RedirectURIs, ", "))},
		{"grant types", strings.Join(v.Client.GrantTypes, ", ")},
		{"scope", dash(v.Client.Scope)},
		{"authenticates with", v.Client.TokenEndpointAuthMethod},
		{"PKCE", yesOrDash(v.PKCE)},
	}
	if v.Second != nil {
		rows = append(rows, []string{"second client", v.Second.ClientName + ": " + strings.Join(v.Second.RedirectURIs, ", ")})
	}
	if v.Kind != preset.KindType {
		rows = append(rows, []string{"tried by us", tried(v)})
	}
	return append(rows, []string{"documentation", fmt.Sprintf("%s (compared %s)", v.Documentation, v.Checked)})
}
