package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/server"
)

// keySetsCommand manages named key sets.
type keySetsCommand struct {
	List   keySetsList   `cmd:"" help:"List key sets and their keys."`
	Get    keySetsGet    `cmd:"" help:"Show a key set; as JSON or YAML, a JSON Web Key Set."`
	Create keySetsCreate `cmd:"" help:"Generate a key in a new or existing key set."`
	Import keySetsImport `cmd:"" help:"Import one or all keys of a file into a key set; keys with the same kid are replaced."`
	Delete keySetsDelete `cmd:"" help:"Delete a key set, or one of its keys."`
}

type keySetsList struct {
	outputFlags
}

type keySetsGet struct {
	outputFlags

	Set     string `arg:"" help:"Name of the key set."`
	Private bool   `help:"Include private keys in JSON and YAML."`
}

type keySetsCreate struct {
	outputFlags

	Set string `arg:"" help:"Name of the key set."`
	Alg string `help:"RS256, ES256, ES512 or EdDSA." default:"RS256" placeholder:"ALG"`
	Use string `help:"sig or enc." enum:"sig,enc" default:"sig" placeholder:"USE"`
	KID string `help:"The kid; by default the thumbprint of the key." name:"kid" placeholder:"KID"`
}

type keySetsImport struct {
	Set  string `arg:"" help:"Name of the key set."`
	File string `arg:"" help:"A JSON Web Key or a JSON Web Key Set; - is standard input."`
}

type keySetsDelete struct {
	confirmFlag

	Set string `arg:"" help:"Name of the key set."`
	KID string `arg:"" name:"kid" optional:"" help:"The kid; by default all keys of the set."`
}

// withKeySets runs work over the database and the generator of key set keys.
func (c *commandLine) withKeySets(ctx context.Context, s Streams, work func(*database, keyset.Keys) error) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		secrets, err := server.SystemSecrets(d.config)
		if err != nil {
			return err
		}
		return work(d, keyset.Keys{Sealer: secrets, Now: now})
	}, "system_secrets")
}

// Run lists the keys of all sets.
func (cmd *keySetsList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		all, err := allPages(func(after [2]string) ([]*keyset.Key, error) {
			return d.store.KeySets.ListKeys(ctx, after[0], after[1], pageSize)
		}, func(k *keyset.Key) [2]string { return [2]string{k.Set, k.KID} })
		if err != nil {
			return err
		}
		return listSetKeys(d, cmd.outputFlags, all)
	})
}

// Run shows a set.
func (cmd *keySetsGet) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withKeySets(ctx, s, func(d *database, keys keyset.Keys) error {
		found, err := d.store.KeySets.KeySet(ctx, cmd.Set)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			if err := manage.CheckKeySetName(cmd.Set); err != nil {
				return err
			}
			return setNotFound(cmd.Set)
		}
		if cmd.isTable() {
			return listSetKeys(d, cmd.outputFlags, found)
		}
		return printSet(d, cmd.outputFlags, keys, found, cmd.Private)
	})
}

// printSet prints keys as a JSON Web Key Set (RFC 7517 section 5).
func printSet(d *database, a outputFlags, keys keyset.Keys, found []*keyset.Key, private bool) error {
	set := struct {
		Keys []json.RawMessage `json:"keys"`
	}{}
	for _, k := range found {
		raw := k.Public
		if private {
			var err error
			if raw, err = k.Open(keys.Sealer); err != nil {
				return err
			}
		}
		set.Keys = append(set.Keys, raw)
	}
	return a.write(d.Out, set)
}

// Run generates a key.
func (cmd *keySetsCreate) Run(ctx context.Context, s Streams, c *commandLine) error {
	if err := manage.CheckKeySetName(cmd.Set); err != nil {
		return err
	}
	return c.withKeySets(ctx, s, func(d *database, keys keyset.Keys) error {
		made, err := newKeySets(d, keys).Generate(ctx, cmd.Set, cmd.Alg, cmd.Use, cmd.KID)
		if err != nil {
			return err
		}
		d.setTarget(made.Set + "/" + made.KID)
		if cmd.isTable() {
			return listSetKeys(d, cmd.outputFlags, []*keyset.Key{made})
		}
		return printSet(d, cmd.outputFlags, keys, []*keyset.Key{made}, false)
	})
}

// Run imports keys into a set.
func (cmd *keySetsImport) Run(ctx context.Context, s Streams, c *commandLine) error {
	if err := manage.CheckKeySetName(cmd.Set); err != nil {
		return err
	}
	text, err := s.readInput(cmd.File)
	if err != nil {
		return err
	}
	return c.withKeySets(ctx, s, func(d *database, keys keyset.Keys) error {
		imported, err := newKeySets(d, keys).Import(ctx, cmd.Set, text)
		if _, invalid := errors.AsType[*manage.InvalidKeyError](err); invalid {
			return fmt.Errorf("%s: %w", cmd.File, err)
		}
		if err != nil {
			return err
		}
		if len(imported) == 1 {
			return s.printf("imported the key %s into %s", imported[0].KID, cmd.Set)
		}
		return s.printf("imported %d keys into %s", len(imported), cmd.Set)
	})
}

// newKeySets returns the use cases of key sets.
func newKeySets(d *database, keys keyset.Keys) *manage.KeySets {
	return &manage.KeySets{Store: d.store.KeySets, Keys: keys}
}

// Run deletes keys.
func (cmd *keySetsDelete) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		what := "the key set " + cmd.Set
		remove := func() error { return d.store.KeySets.DeleteKeySet(ctx, cmd.Set) }
		if cmd.KID != "" {
			what = "the key " + cmd.KID + " of " + cmd.Set
			remove = func() error { return d.store.KeySets.DeleteKey(ctx, cmd.Set, cmd.KID) }
		}
		if err := cmd.confirm(ctx, s, "Delete "+sanitize(what)+"? This cannot be undone."); err != nil {
			return err
		}
		err := remove()
		if errors.Is(err, keyset.ErrNotFound) {
			if cmd.KID != "" {
				return fmt.Errorf("key %q not found in key set %q", cmd.KID, cmd.Set)
			}
			return setNotFound(cmd.Set)
		}
		if err != nil {
			return err
		}
		return s.printf("deleted %s", what)
	})
}

func setNotFound(name string) error { return fmt.Errorf("key set %q not found", name) }

// setKeyView is a key of a key set in output.
type setKeyView struct {
	Set       string    `json:"set"`
	KID       string    `json:"kid"`
	Kind      string    `json:"kty"`
	Algorithm string    `json:"alg,omitempty"`
	Use       string    `json:"use,omitempty"`
	Private   bool      `json:"private"`
	CreatedAt time.Time `json:"created_at"`
}

func listSetKeys(d *database, a outputFlags, all []*keyset.Key) error {
	views := make([]setKeyView, len(all))
	for i, k := range all {
		views[i] = setKeyView{Set: k.Set, KID: k.KID, Private: len(k.Sealed) > 0, CreatedAt: storedTime(k.CreatedAt)}
		var header struct{ Kty, Alg, Use string }
		if err := json.Unmarshal(k.Public, &header); err != nil {
			return fmt.Errorf("read key %s of %s: %w", k.KID, k.Set, err)
		}
		views[i].Kind, views[i].Algorithm, views[i].Use = header.Kty, header.Alg, header.Use
	}
	return printList(d.Out, a, table[setKeyView]{
		[]string{"SET", "KEY ID", "KIND", "ALGORITHM", "USE", "PRIVATE", "CREATED"},
		func(v setKeyView) []string {
			return []string{v.Set, v.KID, v.Kind, cmp.Or(v.Algorithm, "-"), cmp.Or(v.Use, "-"), yesOrDash(v.Private), formatTime(v.CreatedAt)}
		},
	}, views)
}
