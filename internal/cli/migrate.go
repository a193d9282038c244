package cli

import (
	"context"
	"strconv"
	"time"
)

// migrateCommand manages migrations.
type migrateCommand struct {
	Up     migrateUp     `cmd:"" help:"Apply pending migrations."`
	Status migrateStatus `cmd:"" help:"List migrations, and when they were applied."`
}

type migrateUp struct {
	outputFlags
}

type migrateStatus struct {
	outputFlags
}

// Run applies pending migrations.
func (cmd *migrateUp) Run(ctx context.Context, s Streams, c *commandLine) error {
	conf, err := c.load("database_url")
	if err != nil {
		return err
	}
	return openDatabase(ctx, s, conf, func(d *database) error {
		taken, err := d.store.Migrate(ctx)
		if err != nil {
			return err
		}
		if len(taken) == 0 && cmd.isTable() {
			return s.printf("The schema is up to date.")
		}
		return printList(s.Out, cmd.outputFlags, table[string]{
			[]string{"APPLIED"}, func(name string) []string { return []string{name} },
		}, taken)
	})
}

// migrationView is a migration in output.
type migrationView struct {
	Version   int64     `json:"version"`
	Name      string    `json:"name"`
	AppliedAt time.Time `json:"applied_at,omitzero"`
}

// Run lists the migrations.
func (cmd *migrateStatus) Run(ctx context.Context, s Streams, c *commandLine) error {
	conf, err := c.load("database_url")
	if err != nil {
		return err
	}
	return openDatabase(ctx, s, conf, func(d *database) error {
		steps, err := d.store.MigrationStatus(ctx)
		if err != nil {
			return err
		}
		views := make([]migrationView, len(steps))
		for i, step := range steps {
			views[i] = migrationView{step.Version, step.Name, storedTime(step.AppliedAt)}
		}
		return printList(s.Out, cmd.outputFlags, table[migrationView]{
			[]string{"VERSION", "NAME", "APPLIED AT"},
			func(v migrationView) []string {
				return []string{strconv.FormatInt(v.Version, 10), v.Name, formatTime(v.AppliedAt)}
			},
		}, views)
	})
}
