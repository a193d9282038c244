package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/cli/foreignusers"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/server"
)

// importUsersFlags are the flags of imports of users from other servers.
type importUsersFlags struct {
	outputFlags

	DryRun bool `help:"Show the changes without making them."`
}

// importKeycloak imports the users of a Keycloak realm.
type importKeycloak struct {
	importUsersFlags

	File []string `arg:"" help:"Realm export with users, from kc.sh export; - is standard input."`
}

// importAuth0 imports the users of an Auth0 database connection.
type importAuth0 struct {
	importUsersFlags

	File []string `arg:"" help:"User export and export of password hashes, both with one JSON object in each line; - is standard input."`
}

// importDex imports the static passwords of Dex.
type importDex struct {
	importUsersFlags

	File []string `arg:"" help:"Configuration of Dex with staticPasswords; - is standard input."`
}

// Run runs the import.
func (cmd *importKeycloak) Run(ctx context.Context, s Streams, c *commandLine) error {
	return cmd.run(ctx, s, c, cmd.File, foreignusers.Keycloak)
}

// Run runs the import.
func (cmd *importAuth0) Run(ctx context.Context, s Streams, c *commandLine) error {
	return cmd.run(ctx, s, c, cmd.File, foreignusers.Auth0)
}

// Run runs the import.
func (cmd *importDex) Run(ctx context.Context, s Streams, c *commandLine) error {
	return cmd.run(ctx, s, c, cmd.File, foreignusers.Dex)
}

// usersReport is the result of an import of users from another server.
type usersReport struct {
	DryRun    bool             `json:"dry_run"`
	Found     int              `json:"found"`
	Created   int              `json:"created"`
	Updated   int              `json:"updated"`
	Unchanged int              `json:"unchanged"`
	LeftOut   int              `json:"left_out"`
	Users     []userReportLine `json:"users"`
}

// userReportLine is a user in a [usersReport].
type userReportLine struct {
	ID       string   `json:"id"` // at the other server
	Username string   `json:"username"`
	Taken    bool     `json:"taken"`
	Why      string   `json:"why,omitempty"` // the user is left out
	NotTaken []string `json:"not_taken,omitempty"`
}

func (f *importUsersFlags) run(ctx context.Context, s Streams, c *commandLine, names []string, read foreignusers.Reader) error {
	if f.DryRun {
		c.change = change{} // a dry run changes nothing
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		var files [][]byte
		for _, name := range names {
			text, err := s.readInput(name)
			if err != nil {
				return err
			}
			files = append(files, text)
		}
		users, err := read(files...)
		if err != nil {
			return importFailed(strings.Join(names, ", "), err)
		}
		schema, err := d.store.Attributes.ListAttributes(ctx)
		if err != nil {
			return err
		}
		foreignusers.SetAttributes(users, schema)
		report, err := f.importUsers(ctx, d, users)
		if err != nil {
			return importFailed(strings.Join(names, ", "), err)
		}
		return f.print(d, report)
	})
}

// importUsers imports the users whose entries are valid, all or none.
func (f *importUsersFlags) importUsers(ctx context.Context, d *database, users []*foreignusers.User) (*usersReport, error) {
	importer := server.NewUserImporter(d.store, server.NewHasher(d.config))
	importer.AllowNoPassword = true
	entries, err := readForeignUsers(ctx, d, importer, users)
	if err != nil {
		return nil, err
	}
	r := &usersReport{DryRun: f.DryRun, Found: len(users), Users: []userReportLine{}}
	importAll := d.store.Accounts.ImportAccounts
	if f.DryRun {
		importAll = d.store.Accounts.TryImport
	}
	if r.Created, r.Updated, err = importAll(ctx, entries); err != nil {
		return nil, err
	}
	r.Unchanged = len(entries) - r.Created - r.Updated
	for _, u := range users {
		line := userReportLine{ID: u.ID, Username: u.Username, Taken: u.Entry != nil, Why: u.LeftOut}
		if line.Taken {
			line.NotTaken = slices.Clone(u.Notes)
			if u.Entry["password_hash"] == nil && u.Entry["password"] == nil {
				line.NotTaken = append(line.NotTaken, "a password: the user sets one by a recovery (ostiary users recover)")
			}
		} else {
			r.LeftOut++
		}
		r.Users = append(r.Users, line)
	}
	return r, nil
}

// readForeignUsers returns the entries of users. It leaves out invalid ones.
func readForeignUsers(
	ctx context.Context, d *database, importer *manage.UserImporter, users []*foreignusers.User,
) ([]account.Import, error) {
	for {
		text, err := foreignusers.Entries(users)
		if err != nil {
			return nil, err
		}
		entries, err := importer.Read(ctx, text, d.progress("users"))
		faults := manage.EntryErrors(err)
		if len(faults) == 0 {
			return entries, err
		}
		taken := slices.DeleteFunc(slices.Clone(users), func(u *foreignusers.User) bool { return u.Entry == nil })
		for _, fault := range faults {
			taken[fault.Number-1].LeaveOut("%v", errors.Unwrap(fault))
		}
	}
}

// print prints the report: the numbers, and each user who is left out, wholly or in part.
func (f *importUsersFlags) print(d *database, r *usersReport) error {
	if !f.isTable() {
		return f.write(d.Out, r)
	}
	verb := "imported"
	if r.DryRun {
		verb = "would be imported"
	}
	err := d.printf("%d of %d users %s: %d created, %d updated, %d unchanged; %d left out",
		r.Found-r.LeftOut, r.Found, verb, r.Created, r.Updated, r.Unchanged, r.LeftOut)
	if err != nil {
		return err
	}
	rows := [][]string{{"USER", "RESULT", "NOT TAKEN, AND WHY"}}
	for _, u := range r.Users {
		name := u.Username
		if name == "" {
			name = u.ID
		}
		if !u.Taken {
			rows = append(rows, []string{name, "left out", u.Why})
		}
		for _, what := range u.NotTaken {
			rows = append(rows, []string{name, "taken", what})
		}
	}
	if len(rows) == 1 {
		return nil
	}
	if err := d.printf(""); err != nil {
		return err
	}
	if err := printTable(d.Out, rows); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}
