package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/jwks"
)

type keysWithdraw struct {
	outputFlags
	confirmFlag

	KID    string `arg:"" help:"The key ID, as shown by keys list."`
	DryRun bool   `help:"Show the effects without removing the key."`
}

// withdrawalView is the effect of withdrawing a key.
type withdrawalView struct {
	keyView

	Ends  []string `json:"ends"`
	Stays []string `json:"stays"`
	// Until is the expiry of the last token that the key signed.
	Until time.Time `json:"tokens_until,omitzero"`
	// Signs is the current signing key.
	Signs  string `json:"signing_kid,omitempty"`
	DryRun bool   `json:"dry_run,omitempty"`
}

// Run shows the effects of withdrawing a key, and withdraws it.
func (cmd *keysWithdraw) Run(ctx context.Context, s Streams, c *commandLine) error {
	if cmd.DryRun {
		c.change = change{} // a dry run changes nothing
	}
	return c.withKeys(ctx, s, func(d *database, keys *jwks.Manager) error {
		records, err := keys.Records(ctx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(records, func(r jwks.Record) bool { return r.KID == cmd.KID })
		if i < 0 {
			return fmt.Errorf("key %q not found: see keys list", cmd.KID)
		}
		view, err := newWithdrawalView(ctx, d, records[i])
		if err != nil {
			return err
		}
		view.DryRun = cmd.DryRun
		if cmd.DryRun {
			return cmd.show(s, view)
		}
		if cmd.isTable() {
			s.notef("%s", view.text())
		}
		if err := cmd.confirm(ctx, s, "Withdraw the key? This cannot be undone."); err != nil {
			return err
		}
		done, err := keys.Withdraw(ctx, cmd.KID)
		if err != nil {
			return err
		}
		view.Signs = done.Successor.KID
		if !done.SuccessorPublished {
			s.notef("The next key was published less than %s ago. Clients that cached the key set before then reject its tokens until they fetch the set again.\n",
				d.config.KeySetCache)
		}
		if !cmd.isTable() {
			return cmd.write(s.Out, view)
		}
		return s.printf("withdrew %s; %s now signs with %s. Tokens that the withdrawn key signed are rejected.",
			cmd.KID, done.Successor.Algorithm, done.Successor.KID)
	})
}

func (cmd *keysWithdraw) show(s Streams, v withdrawalView) error {
	if !cmd.isTable() {
		return cmd.write(s.Out, v)
	}
	return s.printf("%s", strings.TrimSuffix(v.text(), "\n"))
}

// text returns the view as text.
func (v withdrawalView) text() string {
	return fmt.Sprintf("%s key %s, %s\nEnds immediately:\n  %s\nRemains:\n  %s\n",
		v.Algorithm, v.KID, v.State, strings.Join(v.Ends, "\n  "), strings.Join(v.Stays, "\n  "))
}

// newWithdrawalView returns what ends when a key is withdrawn.
func newWithdrawalView(ctx context.Context, d *database, r jwks.Record) (withdrawalView, error) {
	v := withdrawalView{keyView: viewKeys([]jwks.Record{r})[0]}
	v.Stays = []string{"sessions, consents, authorization codes, refresh tokens and opaque access tokens: clients get new tokens by refresh"}
	switch r.State {
	case jwks.Next:
		v.Ends = []string{"its publication: it has not signed any token"}
		return v, nil
	case jwks.Hint:
		v.Ends, v.Until = []string{"ID tokens as hints at sign-out and with prompt=none"}, r.RemoveAfter
		return v, nil
	case jwks.Current, jwks.Past:
	}
	signed, err := d.signedWith(ctx, string(r.Algorithm))
	if err != nil {
		return v, err
	}
	v.Ends = slices.Concat(signed, []string{"the key's place in the published key set; services that cached the set accept its tokens for up to " + d.config.KeySetCache.String() + " more"})
	if v.Until = r.RemoveAfter; r.State == jwks.Current {
		v.Until = now().Add(d.config.LongestTokenLifetime).UTC()
	}
	v.Stays = append(v.Stays, "tokens signed with other keys")
	return v, nil
}

// signedWith returns the kinds of tokens that are signed with an algorithm, with the number of
// clients.
func (d *database) signedWith(ctx context.Context, alg string) (what []string, err error) {
	all, err := allPages(func(after string) ([]*client.Client, error) {
		return d.store.Clients.ListClients(ctx, after, pageSize)
	}, func(c *client.Client) string { return c.ID })
	if err != nil {
		return nil, err
	}
	count := func(signs func(*client.Client) bool) (n int) {
		for _, c := range all {
			if signs(c) {
				n++
			}
		}
		return n
	}
	add := func(n int, format string) {
		if n > 0 {
			what = append(what, fmt.Sprintf(format, n))
		}
	}
	if string(d.config.AccessTokenAlg) == alg {
		add(count(d.getsJWTs), "JWT access tokens (clients: %d)")
	}
	add(count(func(c *client.Client) bool { return c.IDTokenSignedResponseAlg == alg }),
		"ID tokens (clients: %d), also as hints at sign-out and with prompt=none; logout tokens")
	add(count(func(c *client.Client) bool { return c.UserinfoSignedResponseAlg == alg }), "signed userinfo responses (clients: %d)")
	return what, nil
}

// getsJWTs reports whether a client's access tokens are JWTs.
func (d *database) getsJWTs(c *client.Client) bool {
	if c.AccessTokenStrategy != "" {
		return c.AccessTokenStrategy == "jwt"
	}
	return d.config.AccessTokenFormat != config.FormatOpaque
}
