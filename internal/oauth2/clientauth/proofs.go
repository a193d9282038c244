package clientauth

import (
	"context"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/profile"
)

// Proofs verifies the DPoP proofs of an endpoint at which clients authenticate. All of its members but
// Profile are set.
type Proofs struct {
	Verifier *dpop.Verifier
	// URL is the URL of the endpoint that is published to clients.
	URL string
	// RequiresNonce reports whether the proofs of a client need a nonce.
	RequiresNonce func(*client.Client) bool
	// Profile is the security profile of the server.
	Profile profile.Profile
}

// Prove returns the thumbprint of the key of the request's proof, empty if there is none. It sets the
// header with the nonce for the next proof. Its errors are those of [dpop.Verifier.Verify].
//
// Spec: RFC 9449 §5, §8.
func (p *Proofs) Prove(ctx context.Context, w http.ResponseWriter, r *http.Request, c *client.Client) (thumbprint string, err error) {
	needsNonce := p.RequiresNonce(c)
	proof, err := p.Verifier.Verify(ctx, r, dpop.Need{URL: p.URL, Nonce: needsNonce, Profile: c.ProfileOn(p.Profile)})
	if needsNonce && (proof != nil || err != nil || c.DPoPBoundAccessTokens) {
		w.Header().Set(dpop.NonceHeader, p.Verifier.Nonces.Current())
	}
	if err != nil || proof == nil {
		return "", err
	}
	return proof.Thumbprint, nil
}
