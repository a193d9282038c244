package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/detail"
	"github.com/ostiary/ostiary/internal/manage"
)

// detailTypesCommand manages the types of authorization details.
type detailTypesCommand struct {
	Create detailTypesCreate `cmd:"" help:"Create a type of authorization details (RFC 9396) from a JSON file."`
	List   detailTypesList   `cmd:"" help:"List types of authorization details."`
	Get    detailTypesGet    `cmd:"" help:"Show a type of authorization details."`
	Update detailTypesUpdate `cmd:"" help:"Replace a type of authorization details by a JSON file."`
	Delete detailTypesDelete `cmd:"" help:"Delete a type of authorization details; no further token has details of the type."`
}

// detailTypeFile is the file with the definition of a type.
type detailTypeFile struct {
	Name string `arg:"" help:"The value of type in the details."`
	File string `arg:"" help:"A JSON object with schema, sentences and, optionally, resource and narrowing; - is standard input."`
}

// read returns the type in the file.
func (f *detailTypeFile) read(s Streams) (*detail.Type, error) {
	text, err := s.readInput(f.File)
	if err != nil {
		return nil, err
	}
	t := &detail.Type{Name: f.Name}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t.Definition); err != nil {
		return nil, fmt.Errorf("read %s: %w", f.File, err)
	}
	return t, manage.CheckDetailType(t)
}

type detailTypesCreate struct {
	outputFlags
	detailTypeFile
}

type detailTypesList struct {
	outputFlags
}

type detailTypesGet struct {
	outputFlags

	Name string `arg:"" help:"The type."`
}

type detailTypesUpdate struct {
	outputFlags
	detailTypeFile
}

type detailTypesDelete struct {
	confirmFlag

	Name string `arg:"" help:"The type."`
}

func newDetailTypeManager(d *database) *manage.DetailTypes {
	return &manage.DetailTypes{Store: d.store.DetailTypes, Now: now}
}

// findDetailType returns the type with a name, or an error that names it.
func findDetailType(ctx context.Context, d *database, name string) (*detail.Type, error) {
	t, err := newDetailTypeManager(d).Get(ctx, name)
	if errors.Is(err, detail.ErrNotFound) {
		return nil, fmt.Errorf("authorization details type %q not found", name)
	}
	return t, err
}

// Run creates a type.
func (cmd *detailTypesCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	created, err := cmd.read(s)
	if err != nil {
		return err
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		if err := newDetailTypeManager(d).Create(ctx, created); err != nil {
			return fmt.Errorf("create %s: %w", cmd.Name, err)
		}
		return printObject(s.Out, cmd.outputFlags, viewDetailType(created))
	})
}

// Run lists the types.
func (cmd *detailTypesList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		types, err := d.store.DetailTypes.ListDetailTypes(ctx)
		if err != nil {
			return err
		}
		views := []detailTypeView{}
		for _, t := range types {
			views = append(views, viewDetailType(t))
		}
		return printList(s.Out, cmd.outputFlags, table[detailTypeView]{
			[]string{"NAME", "RESOURCE", "LANGUAGES"},
			func(v detailTypeView) []string {
				return []string{v.Name, cmp.Or(v.Resource, "-"), strings.Join(slices.Sorted(maps.Keys(v.Sentences)), " ")}
			},
		}, views)
	})
}

// Run shows a type.
func (cmd *detailTypesGet) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		found, err := findDetailType(ctx, d, cmd.Name)
		if err != nil {
			return err
		}
		return printObject(s.Out, cmd.outputFlags, viewDetailType(found))
	})
}

// Run replaces a type.
func (cmd *detailTypesUpdate) Run(ctx context.Context, s Streams, c *commandLine) error {
	changed, err := cmd.read(s)
	if err != nil {
		return err
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		before, err := findDetailType(ctx, d, cmd.Name)
		if err != nil {
			return err
		}
		changed.CreatedAt = before.CreatedAt
		if err := newDetailTypeManager(d).Update(ctx, changed); err != nil {
			return fmt.Errorf("update %s: %w", cmd.Name, err)
		}
		return printObject(s.Out, cmd.outputFlags, viewDetailType(changed))
	})
}

// Run deletes a type.
func (cmd *detailTypesDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		if _, err := findDetailType(ctx, d, cmd.Name); err != nil {
			return err
		}
		if err := cmd.confirm(ctx, s, "Delete the type "+sanitize(cmd.Name)+"? No further token has details of the type."); err != nil {
			return err
		}
		if err := d.store.DetailTypes.DeleteDetailType(ctx, cmd.Name); err != nil {
			return fmt.Errorf("delete %s: %w", cmd.Name, err)
		}
		return s.printf("deleted the authorization details type %s", cmd.Name)
	})
}

// detailTypeView is a type in output.
type detailTypeView struct {
	Name string `json:"name"`
	detail.Definition

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func viewDetailType(t *detail.Type) detailTypeView {
	return detailTypeView{t.Name, t.Definition, t.CreatedAt, t.UpdatedAt}
}
