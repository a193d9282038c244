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
	Create      usersCreate      `cmd:"" help:"Add a person."`
	List        usersList        `cmd:"" help:"List the users, all or those that a search finds."`
	Get         usersGet         `cmd:"" help:"Show one user."`
	Update      usersUpdate      `cmd:"" help:"Change the claims and rights of a user; the password and all sessions stay."`
	Import      usersImport      `cmd:"" help:"Add or change the people of a file, all or none."`
	SetPassword usersSetPassword `cmd:"" help:"Change a password; sessions and grants from before end."`
	Disable     usersDisable     `cmd:"" help:"Keep a person from signing in; sessions and grants end."`
	Enable      usersEnable      `cmd:"" help:"Let a person sign in again."`
	Unlock      usersUnlock      `cmd:"" help:"Clear the failed sign-in attempts of a user who is locked out."`
	Delete      usersDelete      `cmd:"" help:"Delete a person's account with its sessions and grants."`
}

type usersCreate struct {
	answer
	passwordFlags

	Username string            `arg:"" help:"The name to sign in with."`
	Claim    map[string]string `help:"A claim about the person, as in email=jo@example.com; may be repeated." mapsep:"none" placeholder:"NAME=VALUE"`
	Admin    bool              `help:"Make an administrator of this person."`
}

type usersList struct {
	answer

	Search string `help:"List only users whose username, names, email address or telephone number contain this text, in any case, or whose subject it is." placeholder:"TEXT"`
}

type usersSetPassword struct {
	passwordFlags

	Username string `arg:"" help:"The person's username, or the subject that a login app brought."`
}

type usersDisable struct {
	Username string `arg:"" help:"The person's username, or the subject that a login app brought."`
}

type usersEnable struct {
	Username string `arg:"" help:"The person's username, or the subject that a login app brought."`
}

type usersUnlock struct {
	Username string `arg:"" help:"The user's username, or the subject that a login app brought."`
}

type usersDelete struct {
	certainty

	Username string `arg:"" help:"The person's username, or the subject that a login app brought."`
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
	return c.atDesk(ctx, s, func(d *desk) error {
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
			Subject: account.NewSubject(), Username: name, PasswordHash: p.hash, Claims: claims,
			Administrator: cmd.Admin, CreatedAt: when, UpdatedAt: when,
		}
		if err := d.store.Accounts.InsertAccount(ctx, a); err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
		if err := d.remarkUnreleased(ctx, account.Import{Account: a}); err != nil {
			return err
		}
		view := viewUser(a)
		view.Password = p.made
		if p.made != "" {
			s.remark(shownOnce, "password")
		}
		return card(s.Out, cmd.answer, view)
	})
}

// Run lists the people.
func (cmd *usersList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atDesk(ctx, s, func(d *desk) error {
		all, err := every(func(after string) ([]*account.Account, error) {
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
		return list(s.Out, cmd.answer, userTable(), views)
	})
}

// Run changes a password.
func (cmd *usersSetPassword) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atPerson(ctx, s, cmd.Username, func(d *desk, a *account.Account) error {
		if a.IsExternal() {
			return fmt.Errorf("%s signs in with an app, and has no password here", called(a))
		}
		p, err := cmd.password(ctx, d)
		if err != nil {
			return err
		}
		if err := d.store.Accounts.SetPassword(ctx, a.Subject, p.hash, now()); err != nil {
			return err
		}
		if p.made == "" {
			return s.say("the password of %s is changed", called(a))
		}
		s.remark(shownOnce, "password")
		return s.say("%s", p.made)
	})
}

// Run keeps a person out.
func (cmd *usersDisable) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atPerson(ctx, s, cmd.Username, func(d *desk, a *account.Account) error {
		if !a.DisabledAt.IsZero() {
			return s.say("%s was disabled before", called(a))
		}
		if err := d.store.Accounts.SetDisabled(ctx, a.Subject, true, now()); err != nil {
			return err
		}
		return s.say("%s is disabled", called(a))
	})
}

// Run lets a person in again.
func (cmd *usersEnable) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atPerson(ctx, s, cmd.Username, func(d *desk, a *account.Account) error {
		if err := d.store.Accounts.SetDisabled(ctx, a.Subject, false, now()); err != nil {
			return err
		}
		return s.say("%s may sign in", called(a))
	})
}

// Run clears the failure counters of an account, so that its password is checked again
// from everywhere.
func (cmd *usersUnlock) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atPerson(ctx, s, cmd.Username, func(d *desk, a *account.Account) error {
		if err := d.store.Accounts.UnlockAccount(ctx, a.Subject); err != nil {
			return err
		}
		if !a.DisabledAt.IsZero() {
			return s.say("cleared the failed attempts of %s, whose account is disabled: users enable lets them sign in", called(a))
		}
		return s.say("cleared the failed attempts of %s", called(a))
	})
}

// Run deletes a person.
func (cmd *usersDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.atPerson(ctx, s, cmd.Username, func(d *desk, a *account.Account) error {
		question := fmt.Sprintf("Delete the account of %s, which nobody can bring back?", called(a))
		if err := cmd.confirm(ctx, s, question); err != nil {
			return err
		}
		if err := d.store.Accounts.DeleteAccount(ctx, a.Subject, now()); err != nil {
			return err
		}
		return s.say("deleted %s", called(a))
	})
}

// atPerson opens a desk with one person's account on it.
func (c *commandLine) atPerson(ctx context.Context, s Streams, username string, work func(*desk, *account.Account) error) error {
	return c.atDesk(ctx, s, func(d *desk) error {
		a, err := d.person(ctx, username)
		if err != nil {
			return err
		}
		return work(d, a)
	})
}

// called is what a person is called in what a command says.
func called(a *account.Account) string { return cmp.Or(a.Name(), a.Subject) }

// person returns the account that the command line names, by its username or, as is
// the only way for whom a login app brought, by its subject.
func (d *desk) person(ctx context.Context, username string) (*account.Account, error) {
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
		a.Name(), "", a.Subject, claims, a.Administrator, a.PasswordHash != "", a.SelfRegistered,
		utc(a.DisabledAt), utc(a.CreatedAt), utc(a.UpdatedAt),
	}
}

func userTable() table[userView] {
	return table[userView]{
		[]string{"USERNAME", "SUBJECT", "NAME", "ADMINISTRATOR", "DISABLED", "CREATED"},
		func(v userView) []string {
			name, _ := v.Claims["name"].(string)
			return []string{v.Username, v.Subject, name, mark(v.Administrator), at(v.DisabledAt), at(v.CreatedAt)}
		},
	}
}
