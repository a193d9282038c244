package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
)

// apiKeysCommand manages API keys.
type apiKeysCommand struct {
	Create apiKeysCreate `cmd:"" help:"Create an API key, which is shown once."`
	List   apiKeysList   `cmd:"" help:"List API keys."`
	Revoke apiKeysRevoke `cmd:"" help:"Revoke API keys, on all replicas immediately."`
}

type apiKeysCreate struct {
	outputFlags

	Name      string        `arg:"" help:"Purpose of the key."`
	Scope     []string      `help:"A scope of the key, as in clients:read; login and consent apps need requests:read and requests:write; may be repeated." placeholder:"SCOPE" required:""`
	ExpiresIn time.Duration `help:"Lifetime of the key, as in 90d; by default it does not expire." placeholder:"DURATION"`
}

type apiKeysList struct {
	outputFlags
}

type apiKeysRevoke struct {
	IDs []string `arg:"" name:"id" help:"Key IDs, as shown by apikeys list."`
}

// Run makes a key.
func (cmd *apiKeysCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	known := apikey.Scopes()
	for _, scope := range cmd.Scope {
		if !slices.Contains(known, scope) {
			return fmt.Errorf("there is no scope %s; there are %s", scope, strings.Join(known, ", "))
		}
	}
	if cmd.ExpiresIn < 0 {
		return errors.New("--expires-in is in the past")
	}
	slices.Sort(cmd.Scope)
	return c.withDatabase(ctx, s, func(d *database) error {
		when, expires := now(), time.Time{}
		if cmd.ExpiresIn > 0 {
			expires = when.Add(cmd.ExpiresIn)
		}
		k, text := apikey.New(cmd.Name, slices.Compact(cmd.Scope), when, expires)
		d.setTarget(k.ID)
		if err := d.store.APIKeys.InsertAPIKey(ctx, k); err != nil {
			return err
		}
		view := viewKey(k)
		view.Key = text
		s.notef(shownOnceNote, "key")
		return printObject(s.Out, cmd.outputFlags, view)
	})
}

// Run lists the keys.
func (cmd *apiKeysList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		all, err := allPages(func(after string) ([]*apikey.Key, error) {
			return d.store.APIKeys.ListAPIKeys(ctx, after, pageSize)
		}, func(k *apikey.Key) string { return k.ID })
		if err != nil {
			return err
		}
		views := make([]apiKeyView, len(all))
		for i, k := range all {
			views[i] = viewKey(k)
		}
		return printList(s.Out, cmd.outputFlags, apiKeyColumns(), views)
	})
}

// Run revokes the keys, or none if one of them is not there.
func (cmd *apiKeysRevoke) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		var faults []error
		for _, id := range cmd.IDs {
			if _, err := d.store.APIKeys.APIKey(ctx, id); err != nil {
				faults = append(faults, fmt.Errorf("%s: %w", id, err))
			}
		}
		if len(faults) > 0 {
			return fmt.Errorf("nothing was revoked:\n%w", errors.Join(faults...))
		}
		for _, id := range cmd.IDs {
			if err := d.store.APIKeys.DeleteAPIKey(ctx, id); err != nil {
				return err
			}
			if err := s.printf("revoked %s", id); err != nil {
				return err
			}
		}
		return nil
	})
}

// apiKeyView is a key as it is shown. Its text is there only when it was just made.
type apiKeyView struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Key       string    `json:"key,omitempty"`
	Scopes    []string  `json:"scopes"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

func viewKey(k *apikey.Key) apiKeyView {
	return apiKeyView{k.ID, k.Name, "", append([]string{}, k.Scopes...), storedTime(k.CreatedAt), storedTime(k.ExpiresAt)}
}

func apiKeyColumns() table[apiKeyView] {
	return table[apiKeyView]{
		[]string{"ID", "NAME", "SCOPES", "CREATED", "EXPIRES"},
		func(v apiKeyView) []string {
			return []string{v.ID, v.Name, strings.Join(v.Scopes, " "), formatTime(v.CreatedAt), formatTime(v.ExpiresAt)}
		},
	}
}
