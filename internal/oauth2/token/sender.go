package token

import (
	"context"
	"net/http"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/clientcert"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2"
	"github.com/ostiary/ostiary/internal/refusal"
)

// Proofs verifies DPoP proofs, as [clientauth.Proofs] does.
type Proofs interface {
	// Prove returns the thumbprint of the key of the proof, empty if there is none.
	Prove(ctx context.Context, w http.ResponseWriter, r *http.Request, c *client.Client) (thumbprint string, err error)
}

// prove sets the sender to which the tokens are bound: the key of the DPoP proof, or the certificate
// of a client that registered for it. A token is bound to one of both. It is called before the
// credential is used up. A trial proves nothing.
//
// Spec: RFC 9449 §5, §5.2, RFC 8705 §3, §3.4.
func (h *Handler) prove(ctx context.Context, w http.ResponseWriter, x *Exchange) (err error) {
	if x.trial {
		return nil
	}
	x.Sender.JKT, err = h.Proofs.Prove(ctx, w, x.HTTP, x.Client)
	switch {
	case err != nil:
		return err
	case x.Sender.JKT == "" && x.Client.DPoPBoundAccessTokens:
		return oauth2.StandardError(oauth2.CodeInvalidDPoPProof).
			Because(refusal.New(refusal.DPoPMissing, "the client registered dpop_bound_access_tokens, and the request has no DPoP proof"))
	case !x.Client.CertificateBoundAccessTokens:
		return nil
	case x.Sender.JKT != "":
		return oauth2.InvalidRequest("The tokens of this client are bound to its certificate, and the request has a DPoP proof")
	}
	x.Sender = grant.Confirmation{X5T: clientcert.Of(x.HTTP).Thumbprint()}
	if x.Sender.IsZero() {
		return oauth2.InvalidRequest("The tokens of this client are bound to its certificate, and the request has no client certificate").
			Because(refusal.New(refusal.CertificateMissing, "the client registered tls_client_certificate_bound_access_tokens, and the request has no client certificate"))
	}
	return nil
}
