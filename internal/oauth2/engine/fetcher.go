package engine

import (
	"context"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
)

// noFetcher keeps fosite from fetching key sets. Its interface needs the go-jose that fosite
// uses.
type noFetcher struct{}

var _ fosite.JWKSFetcherStrategy = noFetcher{}

func (noFetcher) Resolve(context.Context, string, bool) (*jose.JSONWebKeySet, error) {
	return nil, errUnused
}
