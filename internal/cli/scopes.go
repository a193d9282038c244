package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/scope"
)

// scopesCommand manages the records of scopes.
type scopesCommand struct {
	Create scopesCreate `cmd:"" help:"Create the record of a scope: its title, its description, and its claims."`
	List   scopesList   `cmd:"" help:"List scopes."`
	Get    scopesGet    `cmd:"" help:"Show a scope."`
	Update scopesUpdate `cmd:"" help:"Update a scope; omitted flags keep their values."`
	Delete scopesDelete `cmd:"" help:"Delete the record of a scope; clients keep the scope, but it releases no claims."`
}

// scopeFlags describe a scope.
type scopeFlags struct {
	Title            *string  `help:"Title on the consent page." placeholder:"TEXT"`
	Description      *string  `help:"Description on the consent page." placeholder:"TEXT"`
	Claim            []string `help:"A claim that the scope releases, and where, as in groups=id_token,userinfo; places are id_token, userinfo, access_token and introspection; an empty list removes the claim; may be repeated." sep:"none" placeholder:"NAME=PLACES"`
	SelfRegistration *bool    `help:"Allow the scope for self-registered clients." negatable:""`
}

// apply applies the flags to s and validates it.
func (f *scopeFlags) apply(s *scope.Scope) error {
	set(&s.Title, f.Title)
	set(&s.Description, f.Description)
	set(&s.SelfRegistration, f.SelfRegistration)
	claims := maps.Clone(s.Claims)
	if claims == nil {
		claims = map[string][]scope.Destination{}
	}
	for _, claim := range f.Claim {
		at := strings.LastIndex(claim, "=") // names may be URLs, which contain =; places do not
		if at < 0 {
			return fmt.Errorf("--claim %q must be NAME=PLACES, as in groups=id_token,userinfo", claim)
		}
		name := claim[:at]
		delete(claims, name)
		for place := range strings.SplitSeq(claim[at+1:], ",") {
			if place = strings.TrimSpace(place); place != "" {
				claims[name] = append(claims[name], scope.Destination(place))
			}
		}
	}
	s.Claims = claims
	return manage.CheckScope(s)
}

type scopesCreate struct {
	outputFlags
	scopeFlags

	Name string `arg:"" help:"The scope that clients request."`
}

type scopesList struct {
	outputFlags
}

type scopesGet struct {
	outputFlags

	Name string `arg:"" help:"The scope."`
}

type scopesUpdate struct {
	outputFlags
	scopeFlags

	Name string `arg:"" help:"The scope."`
}

type scopesDelete struct {
	confirmFlag

	Name string `arg:"" help:"The scope."`
}

func newScopeManager(d *database) *manage.Scopes {
	return &manage.Scopes{Store: d.store.Scopes, Now: now}
}

// loadScopes returns all scopes of the database.
func loadScopes(ctx context.Context, d *database) (*scope.Set, error) {
	records, err := d.store.Scopes.ListScopes(ctx)
	if err != nil {
		return nil, err
	}
	return scope.NewSet(records, d.config.RegistrationScopes, apikey.Scopes()), nil
}

// findScope returns the scope with a name, or an error that names it.
func findScope(ctx context.Context, d *database, name string) (*scope.Scope, error) {
	known, err := loadScopes(ctx, d)
	if err != nil {
		return nil, err
	}
	s := known.Get(name)
	if s == nil {
		return nil, scopeNotFound(name)
	}
	return s, nil
}

func scopeNotFound(name string) error { return fmt.Errorf("scope %q not found", name) }

// Run creates a scope.
func (cmd *scopesCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	created := &scope.Scope{Name: cmd.Name}
	if err := cmd.apply(created); err != nil {
		return err
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		if err := newScopeManager(d).Create(ctx, created); err != nil {
			return fmt.Errorf("create %s: %w", cmd.Name, err)
		}
		return printObject(s.Out, cmd.outputFlags, viewScope(created))
	})
}

// Run lists the scopes.
func (cmd *scopesList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		known, err := loadScopes(ctx, d)
		if err != nil {
			return err
		}
		views := []scopeView{}
		for _, one := range known.All() {
			views = append(views, viewScope(one))
		}
		return printList(s.Out, cmd.outputFlags, table[scopeView]{
			[]string{"NAME", "TITLE", "CLAIMS", "SELF-REGISTRATION"},
			func(v scopeView) []string {
				claims := strings.Join(slices.Sorted(maps.Keys(v.Claims)), " ")
				return []string{v.Name, cmp.Or(v.Title, "-"), cmp.Or(claims, "-"), yesOrDash(slices.Contains(known.SelfRegistration(), v.Name))}
			},
		}, views)
	})
}

// Run shows a scope.
func (cmd *scopesGet) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		found, err := findScope(ctx, d, cmd.Name)
		if err != nil {
			return err
		}
		return printObject(s.Out, cmd.outputFlags, viewScope(found))
	})
}

// Run updates a scope.
func (cmd *scopesUpdate) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		found, err := findScope(ctx, d, cmd.Name)
		if err != nil {
			return err
		}
		changed := *found
		if err := cmd.apply(&changed); err != nil {
			return err
		}
		if err := newScopeManager(d).Update(ctx, &changed); err != nil {
			return fmt.Errorf("update %s: %w", cmd.Name, err)
		}
		return printObject(s.Out, cmd.outputFlags, viewScope(&changed))
	})
}

// Run deletes the record of a scope.
func (cmd *scopesDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		if scope.IsStandard(cmd.Name) {
			return fmt.Errorf("delete %s: %w", cmd.Name, scope.ErrStandard)
		}
		if _, err := findScope(ctx, d, cmd.Name); err != nil {
			return err
		}
		if err := cmd.confirm(ctx, s, "Delete the record of the scope "+sanitize(cmd.Name)+"? It will release no claims."); err != nil {
			return err
		}
		err := d.store.Scopes.DeleteScope(ctx, cmd.Name)
		if errors.Is(err, scope.ErrNotFound) {
			return scopeNotFound(cmd.Name)
		}
		if err != nil {
			return fmt.Errorf("delete %s: %w", cmd.Name, err)
		}
		return s.printf("deleted the scope %s", cmd.Name)
	})
}

// scopeView is a scope in output.
type scopeView struct {
	Name             string                         `json:"name"`
	Title            string                         `json:"title"`
	Description      string                         `json:"description"`
	Claims           map[string][]scope.Destination `json:"claims"`
	SelfRegistration bool                           `json:"self_registration"`
	CreatedAt        time.Time                      `json:"created_at,omitzero"`
	UpdatedAt        time.Time                      `json:"updated_at,omitzero"`
}

func viewScope(s *scope.Scope) scopeView {
	claims := s.Claims
	if claims == nil {
		claims = map[string][]scope.Destination{}
	}
	return scopeView{s.Name, s.Title, s.Description, claims, s.SelfRegistration, storedTime(s.CreatedAt), storedTime(s.UpdatedAt)}
}
