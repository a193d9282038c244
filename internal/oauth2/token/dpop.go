package token

import (
	"context"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

// DPoP verifies the DPoP proofs of token requests.
type DPoP struct {
	Verifier *dpop.Verifier
	// URL is that of the token endpoint.
	URL string
	// RequiresNonce reports whether the proofs of a client need a nonce.
	RequiresNonce func(*client.Client) bool
}

// prove sets the key of the proof of the request. It is called before the credential is used up, and
// sets the header with the nonce for the next proof.
//
// Spec: RFC 9449 §5, §5.2, §8.
func (d *DPoP) prove(ctx context.Context, w http.ResponseWriter, x *Exchange) error {
	needsNonce := d.RequiresNonce(x.Client)
	proof, err := d.Verifier.Verify(ctx, x.HTTP, dpop.Need{URL: d.URL, Nonce: needsNonce})
	if needsNonce && (proof != nil || err != nil || x.Client.DPoPBoundAccessTokens) {
		w.Header().Set(dpop.NonceHeader, d.Verifier.Nonces.Current())
	}
	switch {
	case err != nil:
		return err
	case proof != nil:
		x.JKT = proof.Thumbprint
	case x.Client.DPoPBoundAccessTokens:
		return oauth2.StandardError(oauth2.CodeInvalidDPoPProof).
			Because(refusal.New(refusal.DPoPMissing, "the client registered dpop_bound_access_tokens, and the request has no DPoP proof"))
	}
	return nil
}

// tokenType returns the token_type of the response.
//
// Spec: RFC 9449 §5.
func (x *Exchange) tokenType() string {
	if x.JKT != "" {
		return dpop.Scheme
	}
	return "Bearer"
}

// hasKeyOf reports whether the proof has the key to which the grant is bound, if there is one.
func (x *Exchange) hasKeyOf(g *grant.WithAccount) bool {
	return g.JWKThumbprint == "" || g.JWKThumbprint == x.JKT
}
