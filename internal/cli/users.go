package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/server"
)

// usersCommand manages users.
type usersCommand struct {
	Create      usersCreate      `cmd:"" help:"Create a user."`
	List        usersList        `cmd:"" help:"List or search users."`
	Get         usersGet         `cmd:"" help:"Show a user."`
	Update      usersUpdate      `cmd:"" help:"Update the claims, email addresses, groups, roles and state of a user; the password and sessions are unchanged."`
	Import      usersImport      `cmd:"" help:"Create or update the users in a file; all or none."`
	Export      usersExport      `cmd:"" help:"Write all users as JSON, in the form of the import."`
	SetPassword usersSetPassword `cmd:"" help:"Change a password; existing sessions and grants end."`
	Invite      usersInvite      `cmd:"" help:"Send or print a one-time link with which a user creates an account."`
	Recover     usersRecover     `cmd:"" help:"Print or send a one-time link with which a user sets a new password."`
	Disable     usersDisable     `cmd:"" help:"Disable a user; sessions and grants end."`
	Enable      usersEnable      `cmd:"" help:"Enable a disabled user."`
	Lock        usersLock        `cmd:"" help:"Lock an account down: sessions, grants and trusted devices end, and sign-ins are refused until it is unlocked."`
	Unlock      usersUnlock      `cmd:"" help:"End a lockdown, and clear the failed sign-in attempts of a user."`
	Delete      usersDelete      `cmd:"" help:"Delete a user with all sessions and grants."`
	Credentials usersCredentials `cmd:"" help:"List and remove the credentials of a user."`
	Activity    usersActivity    `cmd:"" help:"List the sign-ins, failed sign-ins and changes of a user."`
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
	Group  string `help:"List only members of this group." placeholder:"NAME"`
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

type usersLock struct {
	Username string `arg:"" help:"The username, or the subject of a custom login app."`
}

type usersUnlock struct {
	Username string `arg:"" help:"The username, or the subject of a custom login app."`
}

type usersDelete struct {
	confirmFlag

	Username string `arg:"" help:"The username, or the subject of a custom login app."`
}

// Run creates a user.
func (cmd *usersCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	if _, err := account.Username(cmd.Username); err != nil {
		return err
	}
	claims, err := readClaims(cmd.Claim)
	if err != nil {
		return err
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		users := newUsers(d)
		name, err := users.CheckUsername(ctx, cmd.Username)
		if err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
		p, err := cmd.password(ctx, d)
		if err != nil {
			return err
		}
		a, err := users.Create(ctx, manage.NewUser{Username: name, Password: p.text, Claims: claims, AdminRole: adminRole(cmd.Admin)})
		if err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
		if err := noteUnreleasedClaims(ctx, d, account.Import{Account: a}); err != nil {
			return err
		}
		view := viewUser(a)
		if p.generated {
			view.Password = p.text
			s.notef(shownOnceNote, "password")
		}
		return printObject(s.Out, cmd.outputFlags, view)
	})
}

// Run lists users.
func (cmd *usersList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		var views []userView
		for after, isLast := "", false; !isLast; isLast = after == "" {
			some, next, err := d.store.Accounts.SearchAccounts(ctx, account.Filter{Group: cmd.Group}, after, pageSize)
			if err != nil {
				return err
			}
			for _, a := range some {
				if cmd.Search == "" || a.Matches(cmd.Search) {
					views = append(views, viewUser(a))
				}
			}
			after = next
		}
		return printList(s.Out, cmd.outputFlags, userColumns(), views)
	})
}

// Run changes a password.
func (cmd *usersSetPassword) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		if a.IsExternal() { // before it prompts for a password
			return fmt.Errorf("%s %w", displayName(a), manage.ErrNoPassword)
		}
		p, err := cmd.password(ctx, d)
		if err != nil {
			return err
		}
		if err := newUsers(d).SetPassword(ctx, a, p.text); err != nil {
			return err
		}
		if !p.generated {
			return s.printf("changed the password of %s", displayName(a))
		}
		s.notef(shownOnceNote, "password")
		return s.printf("%s", p.text)
	})
}

// Run disables a user.
func (cmd *usersDisable) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		changed, err := newUsers(d).Disable(ctx, a)
		if err != nil {
			return err
		}
		if !changed {
			return s.printf("%s is already disabled", displayName(a))
		}
		return s.printf("disabled %s", displayName(a))
	})
}

// Run enables a user.
func (cmd *usersEnable) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		if err := newUsers(d).Enable(ctx, a); err != nil {
			return err
		}
		return s.printf("enabled %s", displayName(a))
	})
}

// Run locks an account down.
func (cmd *usersLock) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		if err := newUsers(d).Lock(ctx, a); err != nil {
			return err
		}
		return s.printf("locked %s; to end the lockdown: ostiary users unlock %s", displayName(a), displayName(a))
	})
}

// Run ends a lockdown and clears the failure counters of a user.
func (cmd *usersUnlock) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		if err := newUsers(d).Unlock(ctx, a); err != nil {
			return err
		}
		if !a.LockedAt.IsZero() {
			return s.printf("unlocked %s and cleared the failed attempts", displayName(a))
		}
		if !a.DisabledAt.IsZero() {
			return s.printf("cleared the failed attempts of %s; the account is disabled: see users enable", displayName(a))
		}
		return s.printf("cleared the failed attempts of %s", displayName(a))
	})
}

// Run deletes a user.
func (cmd *usersDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		question := fmt.Sprintf("Delete the user %s? This cannot be undone.", displayName(a))
		if err := cmd.confirm(ctx, s, question); err != nil {
			return err
		}
		if err := newUsers(d).Delete(ctx, a); err != nil {
			return err
		}
		return s.printf("deleted %s", displayName(a))
	})
}

// withUser runs work over the database and a user.
func (c *commandLine) withUser(ctx context.Context, s Streams, username string, work func(*database, *account.Account) error, require ...string) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		a, err := newUsers(d).Find(ctx, username)
		if err != nil {
			return err
		}
		return work(d, a)
	}, require...)
}

// adminRole returns the role of an administrator, or none.
func adminRole(administrator bool) account.AdminRole {
	if administrator {
		return account.Owner
	}
	return account.NoAdminRole
}

// displayName returns the username, or the subject of a user without one.
func displayName(a *account.Account) string { return cmp.Or(a.Name(), a.Subject) }

// newUsers returns the use cases of users.
func newUsers(d *database) *manage.Users {
	return &manage.Users{
		Store: d.store.Accounts, Attributes: d.store.Attributes, Hasher: server.NewHasher(d.config), Now: now,
		Guard: func(before, after account.AdminRole) error {
			if before != after && len(d.change.events) == 1 {
				d.change.events[0].Detail = account.RoleChange(before, after)
			}
			return nil
		},
	}
}

// userView is a user in output. Password is set only right after it was generated.
type userView struct {
	Username       string         `json:"username"`
	Password       string         `json:"password,omitempty"`
	Subject        string         `json:"subject"`
	State          string         `json:"state"`
	Claims         map[string]any `json:"claims"`
	Emails         []emailView    `json:"emails,omitempty"`
	Groups         []string       `json:"groups,omitempty"`
	Roles          []string       `json:"roles,omitempty"`
	Attributes     map[string]any `json:"attributes,omitempty"`
	Administrator  bool           `json:"administrator"`
	AdminRole      string         `json:"admin_role,omitempty"`
	HasPassword    bool           `json:"has_password"`
	SelfRegistered bool           `json:"self_registered"`
	DisabledAt     time.Time      `json:"disabled_at,omitzero"`
	LockedAt       time.Time      `json:"locked_at,omitzero"`
	TermsVersion   string         `json:"terms_version,omitempty"`
	TermsAccepted  time.Time      `json:"terms_accepted_at,omitzero"`
	CreatedAt      time.Time      `json:"created_at"`
	UpdatedAt      time.Time      `json:"updated_at"`
}

// emailView is an email address in output.
type emailView struct {
	Address  string `json:"address"`
	Verified bool   `json:"verified"`
	Primary  bool   `json:"primary"`
}

func viewUser(a *account.Account) userView {
	claims := a.Claims
	if claims == nil {
		claims = map[string]any{}
	}
	var emails []emailView
	for _, one := range a.Addresses {
		emails = append(emails, emailView{one.Address, !one.VerifiedAt.IsZero(), one.Primary})
	}
	return userView{
		a.Name(), "", a.Subject, string(a.CurrentState()), claims, emails, a.Groups, a.Roles, a.Attributes, a.AdminRole == account.Owner, string(a.AdminRole), a.Password != nil, a.SelfRegistered,
		storedTime(a.DisabledAt), storedTime(a.LockedAt), a.Terms.Version, storedTime(a.Terms.At), storedTime(a.CreatedAt), storedTime(a.UpdatedAt),
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
