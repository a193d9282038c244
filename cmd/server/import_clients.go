package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/credential"
	"github.com/ostiary/ostiary/internal/store"
)

// importClients adds and changes the clients of a JSON array, all or none. Done
// twice, it changes nothing the second time. A secret that would have to be made
// is an error, since nobody would see it.
func importClients(
	ctx context.Context, c *config.Config, s *store.Store, h *credential.Hasher, text []byte,
) (created, updated int, err error) { //nolint:unparam // whoever starts dev is not told the numbers
	batch, err := readClients(ctx, c, s, h, text, func(int, int) {})
	if err != nil {
		return 0, 0, err
	}
	var faults []error
	for _, made := range batch.made {
		faults = append(faults, fmt.Errorf("entry %d (%q): client_secret is missing; give one, or use ostiary clients import, which makes and prints it", made.entry, made.ID))
	}
	if len(faults) > 0 {
		return 0, 0, errors.Join(faults...)
	}
	return s.ImportClients(ctx, batch.clients)
}

// clientBatch is a file of clients, ready to be written.
type clientBatch struct {
	clients  []*client.Client
	made     []madeSecret
	warnings []string
}

// madeSecret is a client secret that an entry lacked.
type madeSecret struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
	entry  int
}

// readClients reads a file of clients, and finds or makes what the entries leave
// out.
func readClients(
	ctx context.Context, c *config.Config, s *store.Store, h *credential.Hasher, text []byte, progress func(done, total int),
) (*clientBatch, error) {
	entries, err := client.ParseImport(text, operatorPolicy(c))
	if err != nil {
		return nil, err
	}
	keeper, err := newKeeper(c, h)
	if err != nil {
		return nil, err
	}
	batch := &clientBatch{}
	when, seen := now(), make(map[string]int)
	for i, e := range entries {
		for _, warning := range e.Warnings {
			batch.warnings = append(batch.warnings, fmt.Sprintf("entry %d: %s", i+1, warning))
		}
		if e.ClientID == "" {
			e.ClientID = derivedID(e.Metadata, seen)
		}
		known, err := s.Client(ctx, e.ClientID)
		if errors.Is(err, client.ErrNotFound) {
			known, err = &client.Client{}, nil
		}
		if err != nil {
			return nil, err
		}
		if err := verifySector(ctx, c, &e.Metadata, &known.Metadata); err != nil {
			return nil, fmt.Errorf("entry %d (%q): %w", i+1, e.ClientID, err)
		}
		secret, made, err := freshSecret(ctx, known, keeper, &e)
		if err != nil {
			return nil, fmt.Errorf("entry %d (%q): %w", i+1, e.ClientID, err)
		}
		if made != "" {
			batch.made = append(batch.made, madeSecret{e.ClientID, made, i + 1})
		}
		batch.clients = append(batch.clients, &client.Client{
			ID: e.ClientID, Metadata: e.Metadata, Secret: secret, CreatedAt: when, UpdatedAt: when,
		})
		progress(i+1, len(entries))
	}
	return batch, nil
}

// freshSecret returns what to keep of the secret of an entry for the client known,
// and the secret itself if it had to be made. It returns nothing if the client has that secret already, or the
// entry brings none and the client has one: what is stored then stays, even if
// somebody changes it meanwhile.
func freshSecret(
	ctx context.Context, known *client.Client, keeper client.SecretStore, e *client.ImportEntry,
) (kept client.Secret, made string, err error) {
	if !e.Metadata.UsesSecret() {
		return "", "", nil
	}
	c := &client.Client{ID: e.ClientID, Metadata: e.Metadata, Secret: known.Secret}
	same := e.ClientSecret == ""
	if !same {
		if same, err = keeper.Verify(ctx, c, e.ClientSecret); err != nil {
			return "", "", err
		}
	}
	if err := keeper.Adapt(ctx, c); err != nil {
		return "", "", err
	}
	switch {
	case same && c.Secret == known.Secret && c.Secret != "":
		return "", "", nil
	case same && c.Secret != "": // in another form, for another method
		return c.Secret, "", nil
	}
	secret := e.ClientSecret
	if secret == "" {
		made = c.NewSecret()
		secret = made
	}
	err = keeper.Set(ctx, c, secret)
	return c.Secret, made, err
}

// derivedID names an entry that does not name itself by what its owner knows it
// by, so that it is the same client whenever it is imported.
func derivedID(m client.Metadata, seen map[string]int) string {
	text, _ := json.Marshal([]any{m.ClientName, m.RedirectURIs, m.SoftwareID})
	seen[string(text)]++
	sum := sha256.Sum256(fmt.Appendf(text, " %d", seen[string(text)]))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
