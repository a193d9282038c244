package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/jwks"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/secondfactor"
	"github.com/ostiary/ostiary/internal/server"
)

// keysCommand manages signing keys.
type keysCommand struct {
	List     keysList     `cmd:"" help:"List signing keys: next, current, retired, and keys that only verify ID token hints."`
	Rotate   keysRotate   `cmd:"" help:"Rotate the signing keys, as soon as clients can have fetched the next ones."`
	Withdraw keysWithdraw `cmd:"" help:"Remove a leaked key immediately: tokens that it signed are no longer accepted."`
	Reseal   keysReseal   `cmd:"" help:"Re-encrypt signing keys, client secrets, key sets and second factors with the first system secret, so that the others can be removed."`
	Import   keysImport   `cmd:"" help:"Import a private key as the next signing key."`
}

type keysList struct {
	outputFlags
}

type keysRotate struct {
	outputFlags

	Algorithm string `help:"Rotate only the keys of this algorithm." enum:",RS256,PS256,ES256,EdDSA" default:"" placeholder:"ALG"`
}

type keysReseal struct{}

type keysImport struct {
	File      string `arg:"" help:"Private key in PEM (PKCS 8, PKCS 1 or SEC 1); - is standard input."`
	Algorithm string `help:"Signature algorithm; the default for RSA keys is RS256." enum:",RS256,PS256,ES256,EdDSA" default:"" placeholder:"ALG"`
}

// withKeys runs work over the database and the signing key manager.
func (c *commandLine) withKeys(ctx context.Context, s Streams, work func(*database, *jwks.Manager) error) error {
	return c.withDatabase(ctx, s, func(d *database) error {
		secrets, err := server.SystemSecrets(d.config)
		if err != nil {
			return err
		}
		keys, err := server.NewKeys(d.config, d.store, secrets, d.log, now)
		if err != nil {
			return err
		}
		return work(d, keys)
	}, "system_secrets")
}

// Run lists the keys.
func (cmd *keysList) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withKeys(ctx, s, func(_ *database, keys *jwks.Manager) error {
		records, err := keys.Records(ctx)
		if err != nil {
			return err
		}
		return printList(s.Out, cmd.outputFlags, keyColumns(), viewKeys(records))
	})
}

// Run rotates the signing keys and lists the result. A next key that was published too
// recently takes over once clients can have fetched it.
func (cmd *keysRotate) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withKeys(ctx, s, func(d *database, keys *jwks.Manager) error {
		if err := keys.Start(ctx); err != nil {
			return err
		}
		records, err := keys.Rotate(ctx, jwks.Algorithm(cmd.Algorithm))
		if err != nil {
			return err
		}
		if waiting := pendingKeys(records); waiting > 0 {
			s.notef("%d of these are published and start to sign when clients can have fetched them, about %s after publication.\n",
				waiting, d.config.KeySetCache)
		}
		return printList(s.Out, cmd.outputFlags, keyColumns(), viewKeys(records))
	})
}

// pendingKeys counts the next keys that a rotation waits for: an algorithm without a pending
// rotation has one next key.
func pendingKeys(records []jwks.Record) int {
	next := map[jwks.Algorithm]int{}
	for _, r := range records {
		if r.State == jwks.Next {
			next[r.Algorithm]++
		}
	}
	waiting := 0
	for _, count := range next {
		waiting += count - 1
	}
	return waiting
}

// Run encrypts signing keys, client secrets, key sets and second factors with the first
// system secret.
func (*keysReseal) Run(ctx context.Context, s Streams, c *commandLine) error {
	return c.withKeys(ctx, s, func(d *database, keys *jwks.Manager) error {
		count, err := keys.Reseal(ctx)
		if err != nil {
			return err
		}
		secrets, err := server.SystemSecrets(d.config)
		if err != nil {
			return err
		}
		resealed, err := manage.ResealClientSecrets(ctx, d.store.Clients, secrets)
		if err != nil {
			return fmt.Errorf("encrypted %d keys and %d client secrets with the first system secret, but not all; run it again: %w", count, resealed, err)
		}
		stored, err := manage.ResealKeySets(ctx, d.store.KeySets, secrets)
		if err != nil {
			return fmt.Errorf("encrypted %d keys, %d client secrets and %d keys of sets with the first system secret, but not all; run it again: %w", count, resealed, stored, err)
		}
		factors, err := secondfactor.Reseal(ctx, d.store.SecondFactors, secrets)
		if err != nil {
			return fmt.Errorf("encrypted %d keys, %d client secrets and %d second factors with the first system secret, but not all; run it again: %w", count+stored, resealed, factors, err)
		}
		return s.printf("%d keys and %d client secrets encrypted with the first system secret, and %d second factors; all of them use it now.", count+stored, resealed, factors)
	})
}

// Run imports a private key as the next signing key.
func (cmd *keysImport) Run(ctx context.Context, s Streams, c *commandLine) error {
	text, err := s.readInput(cmd.File)
	if err != nil {
		return err
	}
	signer, err := parsePrivateKey(text)
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.File, err)
	}
	alg, err := algorithmFor(signer, jwks.Algorithm(cmd.Algorithm))
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.File, err)
	}
	return c.withKeys(ctx, s, func(_ *database, keys *jwks.Manager) error {
		if err := keys.Start(ctx); err != nil {
			return err
		}
		if err := keys.Import(ctx, alg, signer); err != nil {
			return err
		}
		return s.printf("The key is published as the next key for %s.", alg)
	})
}

// keyView is a signing key in output.
type keyView struct {
	KID         string    `json:"kid"`
	Algorithm   string    `json:"algorithm"`
	State       string    `json:"state"`
	PublishedAt time.Time `json:"published_at,omitzero"`
	ActivatedAt time.Time `json:"activated_at,omitzero"`
	RetiredAt   time.Time `json:"retired_at,omitzero"`
	RemoveAfter time.Time `json:"remove_after,omitzero"`
}

func viewKeys(records []jwks.Record) []keyView {
	views := make([]keyView, len(records))
	for i, r := range records {
		views[i] = keyView{
			r.KID, string(r.Algorithm), string(r.State),
			storedTime(r.PublishedAt), storedTime(r.ActivatedAt), storedTime(r.RetiredAt), storedTime(r.RemoveAfter),
		}
	}
	return views
}

func keyColumns() table[keyView] {
	return table[keyView]{
		[]string{"ALGORITHM", "STATE", "KEY ID", "PUBLISHED", "SIGNS SINCE", "REMOVED AFTER"},
		func(v keyView) []string {
			return []string{v.Algorithm, v.State, v.KID, formatTime(v.PublishedAt), formatTime(v.ActivatedAt), formatTime(v.RemoveAfter)}
		},
	}
}
