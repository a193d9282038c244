package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/cli/hydraimport"
)

// importCommand imports from other servers.
type importCommand struct {
	Hydra    importHydra    `cmd:"" help:"Import clients, keys, consents and trusted issuers from Ory Hydra."`
	Keycloak importKeycloak `cmd:"" help:"Import users of a Keycloak realm with groups, roles and password hashes."`
	Auth0    importAuth0    `cmd:"" name:"auth0" help:"Import users of Auth0 with password hashes."`
	Dex      importDex      `cmd:"" help:"Import the static passwords of Dex."`
}

// importHydra imports from an Ory Hydra.
type importHydra struct {
	outputFlags

	From          string        `help:"Hydra's database, postgres://..., which is only read; or a file with the clients in the format of Hydra's CLI and API, without secrets; - is standard input. Also HYDRA_DSN." env:"HYDRA_DSN" placeholder:"SOURCE"`
	SecretsSystem []string      `help:"Hydra's secrets.system, which encrypts its keys; may be repeated. Prefer the environment variable HYDRA_SECRETS_SYSTEM, which other users of this machine cannot see." env:"HYDRA_SECRETS_SYSTEM" placeholder:"SECRET"`
	Network       string        `help:"The network to import, if several share the database." placeholder:"UUID"`
	Only          []string      `help:"Import only clients, keys, issuers or consents; may be repeated." enum:"clients,keys,issuers,consents" placeholder:"WHAT"`
	KeepKeys      time.Duration `help:"How long tokens signed by Hydra are still accepted." default:"30d" placeholder:"DURATION"`
	DryRun        bool          `help:"Show the changes without making them."`
}

// Run runs the import.
func (cmd *importHydra) Run(ctx context.Context, s Streams, c *commandLine) error {
	if cmd.DryRun {
		c.change = change{} // a dry run changes nothing
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		m, err := cmd.open(ctx, d)
		if err != nil {
			return err
		}
		defer m.close(ctx)
		if m.source != nil && (cmd.includes("keys") || cmd.includes("issuers")) {
			if err := m.openKeys(ctx); err != nil {
				return err
			}
		}
		for _, part := range []struct {
			name string
			take func(context.Context) error
		}{{"clients", m.importClients}, {"keys", m.importKeys}, {"issuers", m.importIssuers}, {"consents", m.importConsents}} {
			if !cmd.includes(part.name) {
				continue
			}
			if err := part.take(ctx); err != nil {
				return fmt.Errorf("import %s: %w\nThe parts before are imported; the import can be run again", part.name, err)
			}
		}
		return m.print()
	}, "system_secrets")
}

// includes reports whether a part is imported.
func (cmd *importHydra) includes(part string) bool {
	return len(cmd.Only) == 0 || slices.Contains(cmd.Only, part)
}

// open opens the database or the file to import.
func (cmd *importHydra) open(ctx context.Context, d *database) (*hydraImport, error) {
	m := &hydraImport{cmd: cmd, db: d, now: now(), knownClients: map[string]bool{}}
	m.report.DryRun = cmd.DryRun
	if cmd.From == "" {
		return nil, errors.New("no source: set HYDRA_DSN or --from")
	}
	var err error
	if strings.HasPrefix(cmd.From, "postgres://") || strings.HasPrefix(cmd.From, "postgresql://") {
		if m.secrets, err = hydraimport.NewSecrets(cmd.SecretsSystem...); err != nil {
			return nil, err
		}
		m.source, err = hydraimport.Open(ctx, cmd.From, cmd.Network)
		return m, err
	}
	if strings.Contains(cmd.From, "://") {
		return nil, errors.New("--from must be a PostgreSQL URL, postgres://..., or a file")
	}
	text, err := d.readInput(cmd.From)
	if err != nil {
		return nil, err
	}
	if m.clients, err = hydraimport.ParseClients(text); err != nil {
		return nil, fmt.Errorf("%s: %w", cmd.From, err)
	}
	return m, nil
}

// print prints the report.
func (m *hydraImport) print() error {
	r := &m.report
	if !m.cmd.isTable() {
		return m.cmd.write(m.db.Out, r)
	}
	title := "imported"
	if r.DryRun {
		title = "would be imported"
	}
	rows := [][]string{{strings.ToUpper(title), "FOUND", "CREATED", "UPDATED", "UNCHANGED", "SKIPPED"}}
	for _, part := range []struct {
		name string
		tally
	}{
		{"clients", r.Clients}, {"signing keys", r.SigningKeys}, {"other keys", r.Keys}, {"trusted issuers", r.Issuers}, {"consents", r.Consents},
	} {
		rows = append(rows, append([]string{part.name}, part.cells()...))
	}
	if err := printTable(m.db.Out, rows); err != nil {
		return err
	}
	for _, section := range []struct {
		title string
		lines []string
	}{{"Skipped or changed:", m.lines()}, {"Effects on users:", r.Notes}} {
		if len(section.lines) == 0 {
			continue
		}
		if err := m.db.printf("\n%s\n  %s", section.title, strings.Join(section.lines, "\n  ")); err != nil {
			return err
		}
	}
	return nil
}

// lines returns the problems as text.
func (m *hydraImport) lines() []string {
	var lines []string
	for _, p := range m.report.Problems {
		lines = append(lines, sanitize(strings.TrimSpace(p.Kind+" "+p.ID)+": "+p.What))
	}
	return lines
}

// formatCounts returns the counts as text, sorted by kind.
func formatCounts(counts map[string]int) []string {
	var texts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	return texts
}
