package manage_test

import (
	"testing"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/apiresource"
	"github.com/ostiary/ostiary/internal/cache"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/scope"
	"github.com/ostiary/ostiary/internal/store"
	"github.com/ostiary/ostiary/internal/store/storetest"
)

// A change of a record that replicas cache is in effect at another replica when it returns:
// the replica reads the record again. Other changes cost the caches nothing.
//
// Spec: ADR 0011.
func TestChangeIsInEffectAtAnotherReplica(t *testing.T) {
	each(t, func(t *testing.T, o *operator) {
		t.Helper()
		ctx := t.Context()
		o.newClient(t, "rp")
		_, err := o.clients.Create(ctx, &client.Client{ID: "jwt", Metadata: withMethod(client.AuthSecretJWT)}, "", nil)
		must(t, err)
		k, _, err := o.apiKeys.Create(ctx, manage.NewAPIKey{Scopes: []string{apikey.ClientsRead}}, func(string) {})
		must(t, err)
		_, err = o.users.Create(ctx, manage.NewUser{Username: "carol", Password: password})
		must(t, err)

		replica := storetest.Open(t, o.url)
		storetest.Follow(t, replica)
		clients := store.NewClientCache(replica, 10)
		scopes := store.NewScopeCache(replica, func(all []*scope.Scope) *scope.Set { return scope.NewSet(all, nil, nil) })
		keys := cache.New(cache.Config[string, *apikey.Key]{Size: 10, Read: replica.APIKeys.APIKey, Changes: replica.Changes()})
		accounts := cache.New(cache.Config[string, *account.Account]{Size: 10, Read: replica.Accounts.AccountByUsername, Changes: replica.Changes()})

		for _, step := range []struct {
			name   string
			change func() error
			cached func() any // at the replica
			reads  int64      // statements with which the replica reads the record again
		}{
			{"another name of a client", func() error {
				_, err := o.clients.Update(ctx, "rp", func(c *client.Client) error { c.ClientName = "Renamed"; return nil }, nil)
				return err
			}, func() any { c, err := clients.Client(ctx, "rp"); must(t, err); return c.ClientName }, 1},
			{"another secret", func() error {
				_, err := o.clients.Update(ctx, "rp", func(c *client.Client) error { _, err := o.clients.RotateSecret(ctx, c, time.Hour); return err }, nil)
				return err
			}, func() any { c, err := clients.Client(ctx, "rp"); must(t, err); return c.Secret }, 1},
			{"an import", func() error {
				_, _, err := o.clientIn.Import(ctx, []byte(`[{"client_id":"rp","client_name":"Imported","redirect_uris":["https://rp.example/cb"]}]`))
				return err
			}, func() any { c, err := clients.Client(ctx, "rp"); must(t, err); return c.ClientName }, 1},
			{"resealed secrets", func() error {
				_, err := manage.ResealClientSecrets(ctx, o.Clients, secrets(t, newSecret, oldSecret))
				return err
			}, func() any { c, err := clients.Client(ctx, "jwt"); must(t, err); return c.Secret }, 1},
			{
				"a new scope", func() error { return o.scopes.Create(ctx, &scope.Scope{Name: "files", Title: "Files"}) },
				func() any { s, err := scopes.Scopes(ctx); must(t, err); return s.Get("files") != nil }, 4,
			},
			{
				"another title of a scope", func() error { return o.scopes.Update(ctx, &scope.Scope{Name: "files", Title: "Renamed"}) },
				func() any { s, err := scopes.Scopes(ctx); must(t, err); return s.Get("files").Title }, 4,
			},
			{
				"a declared resource", func() error {
					return (&manage.Resources{Store: o.Resources, Now: time.Now}).Create(ctx, &apiresource.Resource{Definition: apiresource.Definition{Identifier: "https://api.example", Name: "API"}})
				},
				func() any {
					s, err := scopes.Scopes(ctx)
					must(t, err)
					return s.Resources().Get("https://api.example") != nil
				}, 4,
			},
			{
				"a revoked API key", func() error { return o.apiKeys.Revoke(ctx, []string{k.ID}, func(string) error { return nil }) },
				func() any { _, err := keys.Get(ctx, k.ID); return err == nil }, 1,
			},
			{
				"a disabled user", func() error { _, err := o.users.Disable(ctx, o.account(t, "carol")); return err }, //nolint:contextcheck // of the test
				func() any { a, err := accounts.Get(ctx, "carol"); must(t, err); return a.DisabledAt.IsZero() }, 1,
			},
			{
				"an enabled user", func() error { return o.users.Enable(ctx, o.account(t, "carol")) }, //nolint:contextcheck // of the test
				func() any { a, err := accounts.Get(ctx, "carol"); must(t, err); return a.DisabledAt.IsZero() }, 1,
			},
			{"a new client", func() error {
				_, err := o.clients.Create(ctx, &client.Client{ID: "new", Metadata: withMethod(client.AuthNone)}, "", nil)
				return err
			}, func() any { _, err := clients.Client(ctx, "rp"); return err }, 0},
		} {
			before := step.cached()
			statements := replica.Statements()
			wantSame(t, step.name+": cached before", step.cached(), before)
			wantSame(t, step.name+": statements of a cached read", replica.Statements()-statements, int64(0))
			must(t, step.change())
			statements = replica.Statements()
			after := step.cached()
			wantSame(t, step.name+": in effect", after != before, step.reads > 0)
			wantSame(t, step.name+": statements of the next read", replica.Statements()-statements, step.reads)
		}
	})
}
