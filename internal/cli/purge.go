package cli

import (
	"context"
	"fmt"
)

// purgeCommand removes expired data.
type purgeCommand struct {
	outputFlags
}

// purgeResult is the result of a purge.
type purgeResult struct {
	Partitions int   `json:"partitions"`
	Grants     int64 `json:"grants"`
	Rows       int64 `json:"rows"`
}

// Run removes all expired data. A running server does so automatically.
func (cmd *purgeCommand) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		var done purgeResult
		show := s.countProgress("removed")
		for unfinished := true; unfinished; {
			purged, err := d.store.Purge(ctx, now())
			done.Partitions += purged.Partitions
			done.Grants += purged.Grants
			done.Rows += purged.Rows
			if err != nil {
				return fmt.Errorf("removed %d rows, but not all; run it again: %w", done.Grants+done.Rows, err)
			}
			show(done.Grants + done.Rows)
			unfinished = purged.Unfinished
		}
		s.clearProgress()
		if !cmd.isTable() {
			return cmd.write(s.Out, done)
		}
		return s.printf("removed %d grants, %d partitions of grants, and %d other rows", done.Grants, done.Partitions, done.Rows)
	})
}
