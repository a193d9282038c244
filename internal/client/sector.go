package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrSector reports a client that its sector does not vouch for.
var ErrSector = errors.New("sector_identifier_uri must answer with a JSON array that holds all of redirect_uris")

// Documents fetches what a URL that a client registered points to.
type Documents interface {
	Get(ctx context.Context, url string) ([]byte, error)
}

// VerifySector demands that the document at sector_identifier_uri lists the redirect
// URIs: otherwise anybody could join another's sector and learn the names by which
// it knows people. What known was verified with before is not fetched again; known
// may be nil. Its error is [ErrSector], also when the document cannot be fetched, or
// [ErrBusy] where that is not the client's fault.
//
// Spec: OpenID Connect Registration section 5; OpenID Connect Core section 8.1.
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
		return fmt.Errorf("%w: it is no array of strings", ErrSector)
	}
	if !within(m.RedirectURIs, listed) {
		return fmt.Errorf("%w: it lacks one", ErrSector)
	}
	return nil
}
