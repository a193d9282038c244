package token

import (
	"context"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Proofs verifies DPoP proofs, as [clientauth.Proofs] does.
type Proofs interface {
	// Prove returns the thumbprint of the key of the proof, empty if there is none.
	Prove(ctx context.Context, w http.ResponseWriter, r *http.Request, c *client.Client) (thumbprint string, err error)
}

// prove sets the key of the proof of the request. It is called before the credential is used up. A trial
// has no proof.
//
// Spec: RFC 9449 §5, §5.2.
func (h *Handler) prove(ctx context.Context, w http.ResponseWriter, x *Exchange) (err error) {
	if x.trial {
		return nil
	}
	x.JKT, err = h.Proofs.Prove(ctx, w, x.HTTP, x.Client)
	if err == nil && x.JKT == "" && x.Client.DPoPBoundAccessTokens {
		return oauth2.StandardError(oauth2.CodeInvalidDPoPProof).
			Because(refusal.New(refusal.DPoPMissing, "the client registered dpop_bound_access_tokens, and the request has no DPoP proof"))
	}
	return err
}

// hasKeyOf reports whether the proof has the key to which the grant is bound, if there is one.
func (x *Exchange) hasKeyOf(g *grant.WithAccount) bool {
	return g.JWKThumbprint == "" || g.JWKThumbprint == x.JKT
}
