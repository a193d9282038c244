package cli

import (
	"context"
	"fmt"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/profile"
)

type clientsCheck struct {
	outputFlags

	ID      string          `arg:"" help:"The client_id."`
	Profile profile.Profile `help:"Compare with this profile only: baseline, fapi2-security, fapi2-message-signing or fapi1-advanced. The exit code is 1 if the client does not meet it; without this flag, if it does not meet its own profile or that of the server." enum:",baseline,fapi2-security,fapi2-message-signing,fapi1-advanced" default:"" placeholder:"PROFILE"`
}

// Run compares the registration of a client with security profiles.
func (cmd *clientsCheck) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		known, err := findClient(ctx, d, cmd.ID)
		if err != nil {
			return err
		}
		checks := known.CheckProfiles(cmd.Profile, d.config.SecurityProfile)
		if err := cmd.print(s, checks); err != nil {
			return err
		}
		for _, check := range checks {
			if len(check.Lacks) > 0 && (check.Holds || cmd.Profile != "") {
				return fmt.Errorf("client %q does not meet %s", cmd.ID, check.Profile)
			}
		}
		return nil
	})
}

// print prints the comparisons; as a table, a line for each requirement that is not met.
func (cmd *clientsCheck) print(s Streams, checks []client.ProfileCheck) error {
	if !cmd.isTable() {
		return cmd.write(s.Out, checks)
	}
	rows := [][]string{{"PROFILE", "HOLDS", "LACKS", "REQUIREMENT", "SECTION"}}
	for _, check := range checks {
		holds := ""
		if check.Holds {
			holds = "yes"
		}
		if len(check.Lacks) == 0 {
			rows = append(rows, []string{string(check.Profile), holds, "nothing", "", ""})
		}
		for _, lack := range check.Lacks {
			rows = append(rows, []string{string(check.Profile), holds, lack.Member, lack.Text, lack.Section})
		}
	}
	return printTable(s.Out, rows)
}
