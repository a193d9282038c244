package manage

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ostiary/ostiary/internal/client"
)

// ClientImporter imports clients from JSON files.
type ClientImporter struct {
	Store     ClientImportStore
	Policy    client.Policy
	Secrets   client.SecretStore
	Documents client.Documents
	Now       func() time.Time
}

// ClientImportStore reads clients, and writes those of an import.
type ClientImportStore interface {
	// Client returns client.ErrNotFound for an unknown ID.
	Client(ctx context.Context, id string) (*client.Client, error)
	// ImportClients creates and updates clients, all or none.
	ImportClients(ctx context.Context, all []*client.Client) (created, updated int, err error)
}

// Import creates and updates the clients of a JSON array, all or none. A second import of
// the same file changes nothing. It returns an error if a secret would have to be
// generated, since it would not be shown.
func (i *ClientImporter) Import(ctx context.Context, text []byte) (created, updated int, err error) {
	batch, err := i.Read(ctx, text, func(int, int) {})
	if err != nil {
		return 0, 0, err
	}
	var faults []error
	for _, generated := range batch.Secrets {
		faults = append(faults, fmt.Errorf("entry %d (%q): client_secret is missing; give one, or use ostiary clients import, which generates and prints one", generated.Entry, generated.ID))
	}
	if len(faults) > 0 {
		return 0, 0, errors.Join(faults...)
	}
	return i.Store.ImportClients(ctx, batch.Clients)
}

// ClientBatch is a file of clients, ready to be written.
type ClientBatch struct {
	Clients  []*client.Client
	Secrets  []GeneratedSecret
	Warnings []string
}

// GeneratedSecret is a client secret that was generated for an entry without one.
type GeneratedSecret struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
	Entry  int
}

// Read reads a file of clients. It completes entries from the stored clients, and generates
// missing secrets. It calls progress after each entry.
func (i *ClientImporter) Read(ctx context.Context, text []byte, progress func(done, total int)) (*ClientBatch, error) {
	entries, err := client.ParseImport(text, i.Policy)
	if err != nil {
		return nil, err
	}
	batch := &ClientBatch{}
	when, seen := i.Now(), make(map[string]int)
	for n, e := range entries {
		for _, warning := range e.Warnings {
			batch.Warnings = append(batch.Warnings, fmt.Sprintf("entry %d: %s", n+1, warning))
		}
		if e.ClientID == "" {
			e.ClientID = derivedID(e.Metadata, seen)
		}
		known, err := i.Store.Client(ctx, e.ClientID)
		if errors.Is(err, client.ErrNotFound) {
			known, err = &client.Client{}, nil
		}
		if err != nil {
			return nil, err
		}
		if err := e.Metadata.VerifySector(ctx, i.Documents, &known.Metadata); err != nil {
			return nil, fmt.Errorf("entry %d (%q): %w", n+1, e.ClientID, err)
		}
		secret, generated, err := freshSecret(ctx, known, i.Secrets, &e)
		if err != nil {
			return nil, fmt.Errorf("entry %d (%q): %w", n+1, e.ClientID, err)
		}
		if generated != "" {
			batch.Secrets = append(batch.Secrets, GeneratedSecret{e.ClientID, generated, n + 1})
		}
		batch.Clients = append(batch.Clients, &client.Client{
			ID: e.ClientID, Metadata: e.Metadata, Secret: secret, CreatedAt: when, UpdatedAt: when,
		})
		progress(n+1, len(entries))
	}
	return batch, nil
}

// freshSecret returns the secret of an entry in stored form, and in plain text if it was
// generated. It returns an empty secret, so that the import keeps the stored one even if it is
// changed concurrently, if the client has the same secret, or if the entry has no secret and
// the client has one.
func freshSecret(
	ctx context.Context, known *client.Client, secrets client.SecretStore, e *client.ImportEntry,
) (stored client.Secret, generated string, err error) {
	if !e.Metadata.UsesSecret() {
		return "", "", nil
	}
	c := &client.Client{ID: e.ClientID, Metadata: e.Metadata, Secret: known.Secret}
	same := e.ClientSecret == ""
	if !same {
		if same, err = secrets.Verify(ctx, c, e.ClientSecret); err != nil {
			return "", "", err
		}
	}
	if err := secrets.Adapt(ctx, c); err != nil {
		return "", "", err
	}
	switch {
	case same && c.Secret == known.Secret && c.Secret != "":
		return "", "", nil
	case same && c.Secret != "": // converted for another authentication method
		return c.Secret, "", nil
	}
	secret := e.ClientSecret
	if secret == "" {
		generated = c.NewSecret()
		secret = generated
	}
	err = secrets.Set(ctx, c, secret)
	return c.Secret, generated, err
}

// derivedID returns the ID of an entry without a client_id. It is derived from the metadata, so
// that a second import updates the same client.
func derivedID(m client.Metadata, seen map[string]int) string {
	text, _ := json.Marshal([]any{m.ClientName, m.RedirectURIs, m.SoftwareID})
	seen[string(text)]++
	sum := sha256.Sum256(fmt.Appendf(text, " %d", seen[string(text)]))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}
