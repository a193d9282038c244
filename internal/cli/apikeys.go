package cli

import (
	"context"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
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

// Run creates an API key.
func (cmd *apiKeysCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	if err := manage.CheckAPIKey(cmd.Scope, cmd.ExpiresIn); err != nil {
		return err
	}
	return c.withDatabase(ctx, s, func(d *database) error {
		keys := &manage.APIKeys{Store: d.store.APIKeys, Now: now}
		k, text, err := keys.Create(ctx, manage.NewAPIKey{Name: cmd.Name, Scopes: cmd.Scope, Lifetime: cmd.ExpiresIn}, d.setTarget)
		if err != nil {
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

// Run revokes the keys, or none if one of them does not exist.
func (cmd *apiKeysRevoke) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		keys := &manage.APIKeys{Store: d.store.APIKeys, Now: now}
		return keys.Revoke(ctx, cmd.IDs, func(id string) error { return s.printf("revoked %s", id) })
	})
}

// apiKeyView is an API key in output. Key is set only right after creation.
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
