package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrSector reports redirect URIs that the client's sector document does not list.
var ErrSector = errors.New("sector_identifier_uri must return a JSON array that contains all redirect_uris")

// Documents fetches documents at registered URLs.
type Documents interface {
	Get(ctx context.Context, url string) ([]byte, error)
}

// VerifySector checks that the document at sector_identifier_uri lists the redirect URIs.
// Otherwise any client could join a sector and learn its pairwise subjects. It does not
// fetch the document again if known, which may be nil, was verified with it. It returns [ErrSector], also if the
// document cannot be fetched, or [ErrBusy] for a temporary failure of this server.
//
// Spec: OpenID Connect Registration §5, OpenID Connect Core §8.1.
func (m *Metadata) VerifySector(ctx context.Context, documents Documents, known *Metadata) error {
	if m.SectorIdentifierURI == "" {
		return nil
	}
	if known != nil && known.SectorIdentifierURI == m.SectorIdentifierURI && within(m.RedirectURIs, known.RedirectURIs) {
		return nil
	}
	document, err := documents.Get(ctx, m.SectorIdentifierURI)
	if errors.Is(err, ErrBusy) {
		return fmt.Errorf("verify sector: %w", err)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSector, err)
	}
	var listed []string
	if err := json.Unmarshal(document, &listed); err != nil {
		return fmt.Errorf("%w: it is not an array of strings", ErrSector)
	}
	if !within(m.RedirectURIs, listed) {
		return fmt.Errorf("%w: one is missing", ErrSector)
	}
	return nil
}
