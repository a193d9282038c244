package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/manage"
)

// resourcesCommand manages the declared resources.
type resourcesCommand struct {
	Create resourcesCreate `cmd:"" help:"Declare a resource (RFC 8707): its name, and what access tokens for it are."`
	List   resourcesList   `cmd:"" help:"List resources."`
	Get    resourcesGet    `cmd:"" help:"Show a resource."`
	Update resourcesUpdate `cmd:"" help:"Update a resource; omitted flags keep their values."`
	Delete resourcesDelete `cmd:"" help:"Delete a resource; only clients whose audience has it may still request it."`
}

// resourceFlags describe a resource.
type resourceFlags struct {
	Name                    *string        `help:"Name on the consent page." placeholder:"TEXT"`
	Scope                   []string       `help:"A scope that tokens for the resource may have, by default all; an empty one removes all; may be repeated." sep:"none" placeholder:"SCOPE"`
	AccessTokenFormat       *string        `help:"Format of its tokens: jwt or opaque; empty for that of the client or the server." placeholder:"FORMAT"`
	AccessTokenSigningAlg   *string        `help:"Algorithm that signs its JWTs: ES256, RS256, PS256 or EdDSA; empty for that of the server." placeholder:"ALG"`
	AccessTokenLifetime     *time.Duration `help:"Lifetime of its tokens, as in 5m; 0 for that of the client or the server." placeholder:"DURATION"`
	RequireSenderConstraint *bool          `help:"Require that its tokens are bound to a key or certificate of the client (RFC 9449, RFC 8705)." negatable:""`
	SharedTokens            *bool          `help:"Allow tokens for it and further resources." negatable:""`
	AllClients              *bool          `help:"Allow every client to request it, self-registered ones too." negatable:""`
	Client                  []string       `help:"A client that may request it, in addition to clients whose audience has it; an empty one removes all; may be repeated." sep:"none" placeholder:"CLIENT-ID"`
	IntrospectionClient     []string       `help:"A client that may introspect its tokens, in addition to clients that serve it; an empty one removes all; may be repeated." sep:"none" placeholder:"CLIENT-ID"`
}

// apply applies the flags to r and validates it.
func (f *resourceFlags) apply(r *apiresource.Resource) error {
	set(&r.Name, f.Name)
	set(&r.Format, f.AccessTokenFormat)
	set(&r.Alg, f.AccessTokenSigningAlg)
	set(&r.RequireSenderConstraint, f.RequireSenderConstraint)
	set(&r.SharedTokens, f.SharedTokens)
	set(&r.AllClients, f.AllClients)
	if f.AccessTokenLifetime != nil {
		r.Lifetime = int64(f.AccessTokenLifetime.Seconds())
	}
	for _, list := range []struct {
		from []string
		to   *[]string
	}{{f.Scope, &r.Scopes}, {f.Client, &r.Clients}, {f.IntrospectionClient, &r.IntrospectionClients}} {
		if len(list.from) > 0 {
			*list.to = slices.DeleteFunc(slices.Clone(list.from), func(one string) bool { return one == "" })
		}
	}
	return manage.CheckResource(r)
}

// set sets a member to the value of a flag, if it was given.
func set[T any](member, flag *T) {
	if flag != nil {
		*member = *flag
	}
}

type resourcesCreate struct {
	outputFlags
	resourceFlags

	Identifier string `arg:"" help:"The absolute URI, without a fragment, by which clients request it: the audience of its tokens."`
}

type resourcesList struct {
	outputFlags
}

type resourcesGet struct {
	outputFlags

	Identifier string `arg:"" help:"The URI of the resource."`
}

type resourcesUpdate struct {
	outputFlags
	resourceFlags

	Identifier string `arg:"" help:"The URI of the resource."`
}

type resourcesDelete struct {
	confirmFlag

	Identifier string `arg:"" help:"The URI of the resource."`
}

func newResourceManager(d *database) *manage.Resources {
	return &manage.Resources{Store: d.store.Resources, Now: now}
}

// findResource returns the resource with an identifier, or an error that names it.
func findResource(ctx context.Context, d *database, identifier string) (*apiresource.Resource, error) {
	found, err := manage.FindResource(ctx, d.store.Resources, identifier)
	if errors.Is(err, apiresource.ErrNotFound) {
		return nil, resourceNotFound(identifier)
	}
	return found, err
}

func resourceNotFound(identifier string) error {
	return fmt.Errorf("resource %q not found", identifier)
}

// Run declares a resource.
func (cmd *resourcesCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	created := &apiresource.Resource{Definition: apiresource.Definition{Identifier: cmd.Identifier}}
	if err := cmd.apply(created); err != nil {
		return err
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		if err := newResourceManager(d).Create(ctx, created); err != nil {
			return fmt.Errorf("create %s: %w", cmd.Identifier, err)
		}
		return printObject(s.Out, cmd.outputFlags, viewResource(created))
	})
}

// Run lists the resources.
func (cmd *resourcesList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		all, err := d.store.Resources.ListResources(ctx)
		if err != nil {
			return err
		}
		views := []resourceView{}
		for _, one := range all {
			views = append(views, viewResource(one))
		}
		return printList(s.Out, cmd.outputFlags, table[resourceView]{
			[]string{"IDENTIFIER", "NAME", "SCOPES", "FORMAT", "BOUND", "ALL CLIENTS"},
			func(v resourceView) []string {
				return []string{v.Identifier, v.Name, cmp.Or(strings.Join(v.Scopes, " "), "-"), cmp.Or(v.Format, "-"), yesOrDash(v.RequireSenderConstraint), yesOrDash(v.AllClients)}
			},
		}, views)
	})
}

// Run shows a resource.
func (cmd *resourcesGet) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		found, err := findResource(ctx, d, cmd.Identifier)
		if err != nil {
			return err
		}
		return printObject(s.Out, cmd.outputFlags, viewResource(found))
	})
}

// Run updates a resource.
func (cmd *resourcesUpdate) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		found, err := findResource(ctx, d, cmd.Identifier)
		if err != nil {
			return err
		}
		changed := *found
		if err := cmd.apply(&changed); err != nil {
			return err
		}
		if err := newResourceManager(d).Update(ctx, &changed); err != nil {
			return fmt.Errorf("update %s: %w", cmd.Identifier, err)
		}
		return printObject(s.Out, cmd.outputFlags, viewResource(&changed))
	})
}

// Run deletes a resource.
func (cmd *resourcesDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		if _, err := findResource(ctx, d, cmd.Identifier); err != nil {
			return err
		}
		if err := cmd.confirm(ctx, s, "Delete the resource "+sanitize(cmd.Identifier)+"? Only clients whose audience has it may still request it."); err != nil {
			return err
		}
		err := d.store.Resources.DeleteResource(ctx, cmd.Identifier)
		if errors.Is(err, apiresource.ErrNotFound) {
			return resourceNotFound(cmd.Identifier)
		}
		if err != nil {
			return fmt.Errorf("delete %s: %w", cmd.Identifier, err)
		}
		return s.printf("deleted the resource %s", cmd.Identifier)
	})
}

// resourceView is a resource in output.
type resourceView struct {
	Identifier              string    `json:"identifier"`
	Name                    string    `json:"name"`
	Scopes                  []string  `json:"scopes"`
	Format                  string    `json:"access_token_format"`
	Alg                     string    `json:"access_token_signing_alg"`
	Lifetime                int64     `json:"access_token_lifetime"` // seconds
	RequireSenderConstraint bool      `json:"require_sender_constraint"`
	SharedTokens            bool      `json:"shared_tokens"`
	AllClients              bool      `json:"all_clients"`
	Clients                 []string  `json:"clients"`
	IntrospectionClients    []string  `json:"introspection_clients"`
	CreatedAt               time.Time `json:"created_at"`
	UpdatedAt               time.Time `json:"updated_at"`
}

func viewResource(r *apiresource.Resource) resourceView {
	full := func(list []string) []string { return append([]string{}, list...) }
	return resourceView{
		r.Identifier, r.Name, full(r.Scopes), r.Format, r.Alg, r.Lifetime, r.RequireSenderConstraint, r.SharedTokens,
		r.AllClients, full(r.Clients), full(r.IntrospectionClients), storedTime(r.CreatedAt), storedTime(r.UpdatedAt),
	}
}
