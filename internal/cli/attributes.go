package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/scope"
)

// attributesCommand manages the attributes that users may have.
type attributesCommand struct {
	Create attributesCreate `cmd:"" help:"Create an attribute that users may have."`
	List   attributesList   `cmd:"" help:"List attributes."`
	Update attributesUpdate `cmd:"" help:"Update an attribute; omitted flags keep their values."`
	Delete attributesDelete `cmd:"" help:"Delete an attribute; no scope releases the values of users any longer."`
}

// attributeFlags describe an attribute.
type attributeFlags struct {
	Title      *string         `help:"The label on the account pages; by default the name." placeholder:"TEXT"`
	Required   *bool           `help:"Whether it must be present when a user or administrator that may change it changes attributes." negatable:""`
	VisibleTo  []account.Party `help:"The parties that may see it: user, administrator or both, comma separated; by default administrators; the editors always may." placeholder:"PARTY"`
	EditableBy []account.Party `help:"The parties that may change it: user, administrator or both, comma separated; by default administrators." placeholder:"PARTY"`
	Scope      *string         `help:"The scope that releases it in ID tokens and at userinfo." placeholder:"SCOPE"`
	Claim      *string         `help:"The claim with which it is released; by default the name." placeholder:"NAME"`
}

func (f *attributeFlags) apply(a *account.Attribute) {
	if f.Required != nil {
		a.Required = *f.Required
	}
	if f.Title != nil {
		a.Title = *f.Title
	}
	if len(f.VisibleTo) > 0 {
		a.VisibleTo = f.VisibleTo
	}
	if len(f.EditableBy) > 0 {
		a.EditableBy = f.EditableBy
	}
	if f.Scope != nil {
		a.Scope = *f.Scope
	}
	if f.Claim != nil {
		a.Claim = *f.Claim
	}
}

type attributesCreate struct {
	outputFlags
	attributeFlags

	Name string `arg:"" help:"The name of the attribute."`
	Type string `help:"string, number, boolean or list (of strings)." default:"string" placeholder:"TYPE"`
}

type attributesList struct {
	outputFlags
}

type attributesUpdate struct {
	outputFlags
	attributeFlags

	Name string `arg:"" help:"The name of the attribute."`
}

type attributesDelete struct {
	confirmFlag

	Name string `arg:"" help:"The name of the attribute."`
}

func newAttributes(d *database) *manage.Attributes {
	return &manage.Attributes{Store: d.store.Attributes, Now: now}
}

// Run creates an attribute.
func (cmd *attributesCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	a := &account.Attribute{Name: cmd.Name}
	a.Type = account.AttributeType(cmd.Type)
	cmd.apply(a)
	return c.withDatabase(ctx, s, func(d *database) error {
		if err := newAttributes(d).Create(ctx, a); err != nil {
			return fmt.Errorf("create %s: %w", cmd.Name, err)
		}
		return printObject(s.Out, cmd.outputFlags, viewAttribute(a))
	})
}

// Run lists the attributes.
func (cmd *attributesList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		all, err := d.store.Attributes.ListAttributes(ctx)
		if err != nil {
			return err
		}
		var views []attributeView
		for _, a := range all {
			views = append(views, viewAttribute(a))
		}
		return printList(s.Out, cmd.outputFlags, table[attributeView]{
			[]string{"NAME", "TYPE", "REQUIRED", "VISIBLE TO", "EDITABLE BY", "SCOPE", "CLAIM"},
			func(v attributeView) []string {
				return []string{v.Name, v.Type, yesOrDash(v.Required), partyNames(v.VisibleTo), partyNames(v.EditableBy), dash(v.Scope), dash(v.Claim)}
			},
		}, views)
	})
}

// Run updates an attribute.
func (cmd *attributesUpdate) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		attributes := newAttributes(d)
		a, err := attributes.Get(ctx, cmd.Name)
		if err == nil {
			cmd.apply(a)
			err = attributes.Update(ctx, a)
		}
		if err != nil {
			return fmt.Errorf("update %s: %w", cmd.Name, err)
		}
		return printObject(s.Out, cmd.outputFlags, viewAttribute(a))
	})
}

// Run deletes an attribute.
func (cmd *attributesDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		if _, err := newAttributes(d).Get(ctx, cmd.Name); err != nil {
			return fmt.Errorf("delete %s: %w", cmd.Name, err)
		}
		if err := cmd.confirm(ctx, s, "Delete the attribute "+sanitize(cmd.Name)+"? No scope will release the values of users."); err != nil {
			return err
		}
		if err := d.store.Attributes.DeleteAttribute(ctx, cmd.Name); err != nil {
			return fmt.Errorf("delete %s: %w", cmd.Name, err)
		}
		return s.printf("deleted the attribute %s", cmd.Name)
	})
}

// readAttributes parses the attributes of the command line: strings as they are, values of other
// types as JSON.
func readAttributes(ctx context.Context, d *database, given map[string]string) (map[string]any, error) {
	if len(given) == 0 {
		return nil, nil
	}
	values := make(map[string]any, len(given))
	for name, text := range given {
		values[name] = text
		a, err := newAttributes(d).Get(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		var value any
		if a.Type != account.StringAttribute && json.Unmarshal([]byte(text), &value) == nil {
			values[name] = value
		}
	}
	return values, nil
}

// attributeView is an attribute in output.
type attributeView struct {
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Title      string          `json:"title,omitempty"`
	Required   bool            `json:"required"`
	VisibleTo  []account.Party `json:"visible_to"`
	EditableBy []account.Party `json:"editable_by"`
	Scope      string          `json:"scope,omitempty"`
	Claim      string          `json:"claim,omitempty"`
	CreatedAt  time.Time       `json:"created_at"`
	UpdatedAt  time.Time       `json:"updated_at"`
}

func viewAttribute(a *account.Attribute) attributeView {
	claim := ""
	if a.Scope != "" {
		claim = scope.ClaimOf(a)
	}
	return attributeView{
		a.Name, string(a.Type), a.Title, a.Required, a.Viewers(), a.Editors(), a.Scope, claim, storedTime(a.CreatedAt), storedTime(a.UpdatedAt),
	}
}

// partyNames lists parties in a table.
func partyNames(list []account.Party) string {
	var names []string
	for _, p := range list {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}
