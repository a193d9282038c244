package main

import "context"

// usersImport brings people from a file.
type usersImport struct {
	answer

	File string `arg:"" help:"JSON array of objects with username, password or password_hash (argon2id, bcrypt or PBKDF2), claims, administrator; - is the standard input."`
}

// Run imports the people.
func (cmd *usersImport) Run(ctx context.Context, s streams, c *cli) error {
	return c.atDesk(ctx, s, func(d *desk) error {
		text, err := s.readInput(cmd.File)
		if err != nil {
			return err
		}
		people, err := readUsers(ctx, d.store, newHasher(d.config), text, s.progress("people"))
		if err != nil {
			return notImported(cmd.File, err)
		}
		var done imported
		if done.Created, done.Updated, err = d.store.ImportAccounts(ctx, people); err != nil {
			return notImported(cmd.File, err)
		}
		done.Unchanged = len(people) - done.Created - done.Updated
		if err := d.remarkUnreleased(ctx, people...); err != nil {
			return err
		}
		return d.showImported(cmd.answer, done)
	})
}
