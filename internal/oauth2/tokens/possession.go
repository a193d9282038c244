package tokens

import (
	"context"

	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Possession checks that the presenter of an access token has the key to which it is bound.
type Possession struct {
	Proofs *dpop.Verifier
	// RequiresNonce reports whether the proofs of a client need a nonce.
	RequiresNonce func(ctx context.Context, clientID string) (bool, error)
}

// check returns nil for a token that is not bound and presented as a bearer token, and for a bound
// token with a proof of its key. Its errors are [ErrInactive], [dpop.ErrInvalid] and [dpop.ErrNonce].
//
// Spec: RFC 9449 §7.1, §7.2, §9.
func (c *Possession) check(ctx context.Context, claims *AccessClaims, p httpapi.Presented) error {
	issuedTo := refusal.Registered("issued_to", claims.ClientID)
	switch bound := claims.JKT() != ""; {
	case !bound && !p.DPoP:
		return nil
	case !bound:
		return inactive(refusal.TokenBinding, "the token is a bearer token, and was presented with the scheme DPoP", issuedTo)
	case !p.DPoP:
		return inactive(refusal.TokenBinding, "the token is bound to a key, and was presented as a bearer token", issuedTo)
	}
	needsNonce, err := c.RequiresNonce(ctx, claims.ClientID)
	if err != nil {
		return err
	}
	if needsNonce {
		p.Response.Set(dpop.NonceHeader, c.Proofs.Nonces.Current())
	}
	proof, err := c.Proofs.Verify(ctx, p.Request, dpop.Need{URL: p.URL, AccessToken: p.Token, Nonce: needsNonce})
	switch {
	case err != nil:
		return err
	case proof == nil:
		return refusal.Wrap(dpop.ErrInvalid, refusal.DPoPMissing, "the request has no DPoP proof for its token", issuedTo)
	case proof.Thumbprint != claims.JKT():
		return inactive(refusal.TokenBinding, "the token is bound to another key than that of the proof", issuedTo)
	}
	return nil
}
