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

// importCommand takes over from other servers.
type importCommand struct {
	Hydra importHydra `cmd:"" help:"Import clients, keys, consents and trusted issuers from Ory Hydra."`
}

// importHydra takes over from an Ory Hydra.
type importHydra struct {
	outputFlags

	From          string        `help:"Hydra's database, postgres://..., which is only read; or a file with the clients in the format of Hydra's CLI and API, without secrets; - is standard input. Also HYDRA_DSN." env:"HYDRA_DSN" placeholder:"SOURCE"`
	SecretsSystem []string      `help:"Hydra's secrets.system, which encrypts its keys; may be repeated. Prefer the environment variable HYDRA_SECRETS_SYSTEM, which other users of this machine cannot see." env:"HYDRA_SECRETS_SYSTEM" placeholder:"SECRET"`
	Network       string        `help:"The network to import, if several share the database." placeholder:"UUID"`
	Only          []string      `help:"Import only clients, keys, issuers or consents; may be repeated." enum:"clients,keys,issuers,consents" placeholder:"WHAT"`
	KeepKeys      time.Duration `help:"How long tokens signed by Hydra are still accepted." default:"30d" placeholder:"DURATION"`
	DryRun        bool          `help:"Show the changes without making them."`
}

// Run takes over.
func (cmd *importHydra) Run(ctx context.Context, s Streams, c *commandLine) error {
	if cmd.DryRun {
		c.change = change{} // there is none
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
				return fmt.Errorf("%s: %w\nWhat came before is there; the import can be run again", part.name, err)
			}
		}
		return m.print()
	}, "system_secrets")
}

// takes reports whether a part is to come over.
func (cmd *importHydra) includes(part string) bool {
	return len(cmd.Only) == 0 || slices.Contains(cmd.Only, part)
}

// open opens what is to be taken over.
func (cmd *importHydra) open(ctx context.Context, d *database) (*hydraImport, error) {
	m := &hydraImport{cmd: cmd, desk: d, now: now(), knownClients: map[string]bool{}}
	m.report.DryRun = cmd.DryRun
	if cmd.From == "" {
		return nil, errors.New("say where Hydra's data are: its DSN in HYDRA_DSN, or --from")
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
		return nil, errors.New("Hydra's data come from PostgreSQL, postgres://..., or from a file") //nolint:staticcheck // a name
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

// tell says what was done.
func (m *hydraImport) print() error {
	r := &m.report
	if !m.cmd.isTable() {
		return m.cmd.write(m.desk.Out, r)
	}
	title := "taken over"
	if r.DryRun {
		title = "would be taken over"
	}
	rows := [][]string{{strings.ToUpper(title), "FOUND", "NEW", "CHANGED", "AS BEFORE", "LEFT OUT"}}
	for _, part := range []struct {
		name string
		tally
	}{
		{"clients", r.Clients}, {"signing keys", r.SigningKeys}, {"other keys", r.Keys}, {"trusted issuers", r.Issuers}, {"consents", r.Consents},
	} {
		rows = append(rows, append([]string{part.name}, part.cells()...))
	}
	if err := printTable(m.desk.Out, rows); err != nil {
		return err
	}
	for _, section := range []struct {
		title string
		lines []string
	}{{"Left out, or other than it was:", m.lines()}, {"What this means for people:", r.Notes}} {
		if len(section.lines) == 0 {
			continue
		}
		if err := m.desk.printf("\n%s\n  %s", section.title, strings.Join(section.lines, "\n  ")); err != nil {
			return err
		}
	}
	return nil
}

// lines are the problems, those of one thing together.
func (m *hydraImport) lines() []string {
	var lines []string
	for _, p := range m.report.Problems {
		lines = append(lines, sanitize(strings.TrimSpace(p.Kind+" "+p.ID)+": "+p.What))
	}
	return lines
}

// sortedKinds lists what was counted, for notes.
func formatCounts(counts map[string]int) []string {
	var texts []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		texts = append(texts, fmt.Sprintf("%d %s", counts[kind], kind))
	}
	return texts
}
