package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/manage"
)

type usersGet struct {
	outputFlags

	Username string `arg:"" help:"The username, or the subject of a custom login app."`
}

// Run shows a user.
func (cmd *usersGet) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withUser(ctx, s, cmd.Username, func(_ *database, a *account.Account) error {
		return printObject(s.Out, cmd.outputFlags, viewUser(a))
	})
}

type usersUpdate struct {
	outputFlags

	Username     string            `arg:"" help:"The username, or the subject of a custom login app."`
	Claim        map[string]string `help:"Set a claim, as in name=Jo; may be repeated." mapsep:"none" placeholder:"NAME=VALUE"`
	RemoveClaim  []string          `help:"Remove a claim; may be repeated." sep:"none" placeholder:"NAME"`
	AddEmail     []string          `help:"Add an email address that is not verified; may be repeated." sep:"none" placeholder:"ADDRESS"`
	VerifyEmail  []string          `help:"Mark an email address as verified; it is added if the user does not have it; may be repeated." sep:"none" placeholder:"ADDRESS"`
	PrimaryEmail string            `help:"Make this the primary email address; it is added if the user does not have it." placeholder:"ADDRESS"`
	RemoveEmail  []string          `help:"Remove an email address; may be repeated." sep:"none" placeholder:"ADDRESS"`
	AddGroup     []string          `help:"Add the user to a group; may be repeated." sep:"none" placeholder:"NAME"`
	RemoveGroup  []string          `help:"Remove the user from a group; may be repeated." sep:"none" placeholder:"NAME"`
	AddRole      []string          `help:"Give the user a role; may be repeated." sep:"none" placeholder:"NAME"`
	RemoveRole   []string          `help:"Take a role from the user; may be repeated." sep:"none" placeholder:"NAME"`
	Attribute    map[string]string `help:"Set an attribute, as in department=Sales; numbers, booleans and lists as JSON; may be repeated." mapsep:"none" placeholder:"NAME=VALUE"`
	RemoveAttr   []string          `help:"Remove an attribute; may be repeated." name:"remove-attribute" sep:"none" placeholder:"NAME"`
	State        string            `help:"active, disabled, must_change_password or must_enrol." placeholder:"STATE"`
	AdminRole    *string           `help:"Role of administrators: owner, administrator, support, auditor or none." xor:"admin" placeholder:"ROLE"`
	Admin        *bool             `help:"Make the user an owner, or with --no-admin a normal user." negatable:"" xor:"admin"`
}

// Run changes the members of a user. Password, sessions and grants are unchanged.
func (cmd *usersUpdate) Run(ctx context.Context, s Streams, c *commandLine) error {
	change, err := cmd.change()
	if err != nil {
		return err
	}
	if reflect.ValueOf(change).IsZero() && len(cmd.Attribute) == 0 {
		return errors.New("no change: use --claim, --add-email, --add-group, --add-role, --state, --admin-role or another flag")
	}
	return c.withUser(ctx, s, cmd.Username, func(d *database, a *account.Account) error {
		var err error
		if change.SetAttributes, err = readAttributes(ctx, d, cmd.Attribute); err != nil {
			return fmt.Errorf("update %s: %w", displayName(a), err)
		}
		changed, err := newUsers(d).Update(ctx, a, change)
		if err != nil {
			return fmt.Errorf("update %s: %w", displayName(a), err)
		}
		if err := noteUnreleasedClaims(ctx, d, account.Import{Account: changed}); err != nil {
			return err
		}
		return printObject(s.Out, cmd.outputFlags, viewUser(changed))
	})
}

// change returns the change that the flags describe.
func (cmd *usersUpdate) change() (manage.UserChange, error) {
	change := manage.UserChange{
		RemoveClaims: cmd.RemoveClaim, RemoveAddresses: cmd.RemoveEmail, AddGroups: cmd.AddGroup, RemoveGroups: cmd.RemoveGroup,
		AddRoles: cmd.AddRole, RemoveRoles: cmd.RemoveRole, RemoveAttributes: cmd.RemoveAttr, State: account.State(cmd.State),
	}
	claims, err := readClaims(cmd.Claim)
	if err != nil {
		return change, err
	}
	if len(claims) > 0 {
		change.SetClaims = claims
	}
	for what, lists := range map[string][2][]string{
		"claim": {slices.Collect(maps.Keys(claims)), cmd.RemoveClaim}, "group": {cmd.AddGroup, cmd.RemoveGroup}, "role": {cmd.AddRole, cmd.RemoveRole},
	} {
		for _, name := range lists[1] {
			if slices.Contains(lists[0], name) {
				return change, fmt.Errorf("the %s %q is both set and removed", what, name)
			}
		}
	}
	for _, address := range cmd.AddEmail {
		change.AddAddresses = append(change.AddAddresses, account.Address{Address: address})
	}
	for _, address := range cmd.VerifyEmail {
		change.AddAddresses = append(change.AddAddresses, account.Address{Address: address, VerifiedAt: now()})
	}
	if cmd.PrimaryEmail != "" {
		change.AddAddresses = append(change.AddAddresses, account.Address{Address: cmd.PrimaryEmail, Primary: true})
	}
	change.AdminRole = cmd.role()
	return change, nil
}

// role returns the new role of administrators, or nil if it stays.
func (cmd *usersUpdate) role() *account.AdminRole {
	var role account.AdminRole
	switch {
	case cmd.Admin != nil:
		role = adminRole(*cmd.Admin)
	case cmd.AdminRole == nil:
		return nil
	case *cmd.AdminRole != "none":
		role = account.AdminRole(*cmd.AdminRole)
	}
	return &role
}
