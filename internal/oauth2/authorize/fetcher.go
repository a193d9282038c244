package authorize

import (
	"context"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
)

// noFetcher keeps fosite from fetching key sets; it is the one place where the
// go-jose of fosite's generation shows.
type noFetcher struct{}

var _ fosite.JWKSFetcherStrategy = noFetcher{}

func (noFetcher) Resolve(context.Context, string, bool) (*jose.JSONWebKeySet, error) {
	return nil, errUnused
}
