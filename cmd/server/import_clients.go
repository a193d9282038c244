package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/config"
	"github.com/ostiary/ostiary/internal/store"
)

// importClients adds and changes the clients of a JSON array, all or none. Done
// twice, it changes nothing the second time. A secret that would have to be made
// is an error, since nobody would see it.
func importClients(
	ctx context.Context, c *config.Config, s *store.Store, h *account.Hasher, text []byte,
) (created, updated int, err error) { //nolint:unparam // whoever starts dev is not told the numbers
	batch, err := readClients(ctx, c, s, h, text, func(int, int) {})
	if err != nil {
		return 0, 0, err
	}
	var faults []error
	for _, made := range batch.made {
		faults = append(faults, fmt.Errorf("entry %d (%q): client_secret is missing", made.entry, made.ID))
	}
	if len(faults) > 0 {
		return 0, 0, errors.Join(faults...)
	}
	return s.ImportClients(ctx, batch.clients) //nolint:wrapcheck // names itself
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
	ctx context.Context, c *config.Config, s *store.Store, h *account.Hasher, text []byte, progress func(done, total int),
) (*clientBatch, error) {
	entries, err := client.ParseImport(text, operatorPolicy(c))
	if err != nil {
		return nil, err //nolint:wrapcheck // names every entry at fault
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
		secret, err := keptSecret(ctx, s, h, &e)
		if err != nil {
			return nil, fmt.Errorf("entry %d (%q): %w", i+1, e.ClientID, err)
		}
		if secret == "" && e.Metadata.UsesSecret() {
			made := madeSecret{ID: e.ClientID, Secret: client.NewSecret(), entry: i + 1}
			if secret, err = client.HashSecret(ctx, h, made.Secret); err != nil {
				return nil, err //nolint:wrapcheck // names itself
			}
			batch.made = append(batch.made, made)
		}
		batch.clients = append(batch.clients, &client.Client{
			ID: e.ClientID, Metadata: e.Metadata, Secret: secret, CreatedAt: when, UpdatedAt: when,
		})
		progress(i+1, len(entries))
	}
	return batch, nil
}

// keptSecret returns what to keep of an entry's secret: what is kept already, if
// the entry brings the same secret or none.
func keptSecret(ctx context.Context, s *store.Store, h *account.Hasher, e *client.Entry) (client.Secret, error) {
	if !e.Metadata.UsesSecret() {
		return "", nil
	}
	known, err := s.Client(ctx, e.ClientID)
	switch {
	case errors.Is(err, client.ErrNotFound):
		known = &client.Client{}
	case err != nil:
		return "", err //nolint:wrapcheck // names itself
	}
	if e.ClientSecret == "" {
		return known.Secret, nil
	}
	same, err := known.Secret.Verify(ctx, h, e.ClientSecret)
	if err != nil {
		return "", err //nolint:wrapcheck // names itself
	}
	if same {
		return known.Secret, nil
	}
	return client.HashSecret(ctx, h, e.ClientSecret) //nolint:wrapcheck // names itself
}

// derivedID names an entry that does not name itself by what its owner knows it
// by, so that it is the same client whenever it is imported.
func derivedID(m client.Metadata, seen map[string]int) string {
	text, _ := json.Marshal([]any{m.ClientName, m.RedirectURIs, m.SoftwareID}) //nolint:errchkjson // strings alone
	seen[string(text)]++
	sum := sha256.Sum256(fmt.Appendf(text, " %d", seen[string(text)]))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
