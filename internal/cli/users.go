package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
)

// usersCommand manages accounts.
type usersCommand struct {
	Create      usersCreate      `cmd:"" help:"Create a user."`
	List        usersList        `cmd:"" help:"List or search users."`
	Get         usersGet         `cmd:"" help:"Show a user."`
	Update      usersUpdate      `cmd:"" help:"Update the claims and rights of a user; the password and sessions are unchanged."`
	Import      usersImport      `cmd:"" help:"Create or update the users in a file; all or none."`
	SetPassword usersSetPassword `cmd:"" help:"Change a password; existing sessions and grants end."`
	Disable     usersDisable     `cmd:"" help:"Disable a user; sessions and grants end."`
	Enable      usersEnable      `cmd:"" help:"Enable a disabled user."`
	Unlock      usersUnlock      `cmd:"" help:"Clear the failed sign-in attempts of a user who is locked out."`
	Delete      usersDelete      `cmd:"" help:"Delete a user with all sessions and grants."`
}

type usersCreate struct {
	outputFlags
	passwordFlags

	Username string            `arg:"" help:"The username."`
	Claim    map[string]string `help:"A claim of the user, as in email=jo@example.com; may be repeated." mapsep:"none" placeholder:"NAME=VALUE"`
	Admin    bool              `help:"Make the user an administrator."`
}

type usersList struct {
	outputFlags

	Search string `help:"List only users whose username, names, email address or phone number contain this text, in any case, or whose subject is this text." placeholder:"TEXT"`
}

type usersSetPassword struct {
	passwordFlags

	Username string `arg:"" help:"The username, or the subject of a custom login app."`
}

type usersDisable struct {
	Username string `arg:"" help:"The username, or the subject of a custom login app."`
}

type usersEnable struct {
	Username string `arg:"" help:"The username, or the subject of a custom login app."`
}

type usersUnlock struct {
	Username string `arg:"" help:"The username, or the subject of a custom login app."`
}

type usersDelete struct {
	confirmFlag

	Username string `arg:"" help:"The username, or the subject of a custom login app."`
}

// Run adds a person.
func (cmd *usersCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	name, err := account.CanonicalUsername(cmd.Username)
	if err != nil {
		return err
	}
	claims, err := readClaims(cmd.Claim)
	if err != nil {
		return err
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		switch _, err := d.store.Accounts.AccountByUsername(ctx, name); {
		case err == nil:
			return fmt.Errorf("create %s: %w", name, account.ErrExists)
		case !errors.Is(err, account.ErrNotFound):
			return err
		}
		p, err := cmd.password(ctx, d)
		if err != nil {
			return err
		}
		when := now()
		a := &account.Account{
			Subject: account.NewSubject(), Username: name, Claims: claims,
			Administrator: cmd.Admin, CreatedAt: when, UpdatedAt: when,
		}
		a.SetPassword(p.hash, when)
		if err := d.store.Accounts.InsertAccount(ctx, a); err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
		if err := noteUnreleasedClaims(ctx, d, account.Import{Account: a}); err != nil {
			return err
		}
		view := viewUser(a)
		view.Password = p.generated
		if p.generated != "" {
			s.notef(shownOnceNote, "password")
		}
		return printObject(s.Out, cmd.outputFlags, view)
	})
}

// Run lists the people.
func (cmd *usersList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		all, err := allPages(func(after string) ([]*account.Account, error) {
			return d.store.Accounts.ListAccounts(ctx, after, pageSize)
		}, func(a *account.Account) string { return a.Username })
		if err != nil {
			return err
		}
		var views []userView
		for _, a := range all {
			if cmd.Search == "" || a.Matches(cmd.Search) {
				views = append(views, viewUser(a))
			}
		}
		return printList(s.Out, cmd.outputFlags, userColumns(), views)
	})
}

// Run changes a password.
func (cmd *usersSetPassword) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		if a.IsExternal() {
			return fmt.Errorf("%s signs in with an app, and has no password here", displayName(a))
		}
		p, err := cmd.password(ctx, d)
		if err != nil {
			return err
		}
		if err := d.store.Accounts.SetPassword(ctx, a.Subject, p.hash, now()); err != nil {
			return err
		}
		if p.generated == "" {
			return s.printf("the password of %s is changed", displayName(a))
		}
		s.notef(shownOnceNote, "password")
		return s.printf("%s", p.generated)
	})
}

// Run keeps a person out.
func (cmd *usersDisable) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		if !a.DisabledAt.IsZero() {
			return s.printf("%s was disabled before", displayName(a))
		}
		if err := d.store.Accounts.SetDisabled(ctx, a.Subject, true, now()); err != nil {
			return err
		}
		return s.printf("%s is disabled", displayName(a))
	})
}

// Run lets a person in again.
func (cmd *usersEnable) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		if err := d.store.Accounts.SetDisabled(ctx, a.Subject, false, now()); err != nil {
			return err
		}
		return s.printf("%s may sign in", displayName(a))
	})
}

// Run clears the failure counters of an account, so that its password is checked again
// from everywhere.
func (cmd *usersUnlock) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		if err := d.store.Accounts.UnlockAccount(ctx, a.Subject); err != nil {
			return err
		}
		if !a.DisabledAt.IsZero() {
			return s.printf("cleared the failed attempts of %s, whose account is disabled: users enable lets them sign in", displayName(a))
		}
		return s.printf("cleared the failed attempts of %s", displayName(a))
	})
}

// Run deletes a person.
func (cmd *usersDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		question := fmt.Sprintf("Delete the account of %s, which nobody can bring back?", displayName(a))
		if err := cmd.confirm(ctx, s, question); err != nil {
			return err
		}
		if err := d.store.Accounts.DeleteAccount(ctx, a.Subject, now()); err != nil {
			return err
		}
		return s.printf("deleted %s", displayName(a))
	})
}

// atPerson opens a desk with one person's account on it.
func (c *commandLine) withUser(ctx context.Context, s Streams, username string, work func(*database, *account.Account) error) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		a, err := findUser(ctx, d, username)
		if err != nil {
			return err
		}
		return work(d, a)
	})
}

// called is what a person is called in what a command says.
func displayName(a *account.Account) string { return cmp.Or(a.Name(), a.Subject) }

// findUser returns the account that the command line names, by its username or, as is
// the only way for whom a login app brought, by its subject.
func findUser(ctx context.Context, d *database, username string) (*account.Account, error) {
	a, err := (*account.Account)(nil), account.ErrNotFound
	name, malformed := account.CanonicalUsername(username)
	if malformed == nil {
		a, err = d.store.Accounts.AccountByUsername(ctx, name)
	}
	if errors.Is(err, account.ErrNotFound) {
		a, err = d.store.Accounts.Account(ctx, username)
	}
	switch {
	case errors.Is(err, account.ErrNotFound) && malformed != nil:
		return nil, malformed
	case errors.Is(err, account.ErrNotFound):
		return nil, fmt.Errorf("there is nobody with the username %s", name)
	default:
		return a, err
	}
}

// userView is a person as they are shown. A password is there only when it was
// just made.
type userView struct {
	Username       string         `json:"username"`
	Password       string         `json:"password,omitempty"`
	Subject        string         `json:"subject"`
	Claims         map[string]any `json:"claims"`
	Administrator  bool           `json:"administrator"`
	HasPassword    bool           `json:"has_password"`
	SelfRegistered bool           `json:"self_registered"`
	DisabledAt     time.Time      `json:"disabled_at,omitzero"`
	CreatedAt      time.Time      `json:"created_at"`
	UpdatedAt      time.Time      `json:"updated_at"`
}

func viewUser(a *account.Account) userView {
	claims := a.Claims
	if claims == nil {
		claims = map[string]any{}
	}
	return userView{
		a.Name(), "", a.Subject, claims, a.Administrator, a.Password != nil, a.SelfRegistered,
		storedTime(a.DisabledAt), storedTime(a.CreatedAt), storedTime(a.UpdatedAt),
	}
}

func userColumns() table[userView] {
	return table[userView]{
		[]string{"USERNAME", "SUBJECT", "NAME", "ADMINISTRATOR", "DISABLED", "CREATED"},
		func(v userView) []string {
			name, _ := v.Claims["name"].(string)
			return []string{v.Username, v.Subject, name, yesOrDash(v.Administrator), formatTime(v.DisabledAt), formatTime(v.CreatedAt)}
		},
	}
}
