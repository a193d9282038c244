package resource

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"

	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/refusal"
)

// checkPossession returns nil for a token that is not bound and presented as a bearer token, and for a
// bound token whose sender has proved that it has the key.
//
// Spec: RFC 9449 §7.1, §7.2, RFC 8705 §3.
func (s *Server) checkPossession(header http.Header, r *http.Request, token *Token, p httpapi.Presented) error {
	bound := token.Confirmation
	refused := func(text string) error {
		return s.invalidToken(p.DPoP || bound.JKT != "", refusal.Wrap(ErrInactive, refusal.TokenBinding, text, refusal.Registered("issued_to", token.ClientID)))
	}
	switch {
	case bound.Unsupported:
		return refused("the token has a binding that this resource does not support")
	case !bound.IsBound() && s.config.RequireBinding:
		return refused("the token is a bearer token, and this resource requires a token that is bound to a key")
	case bound.JKT == "" && p.DPoP:
		return refused("the token is not bound to a key of proofs, and was presented with the scheme DPoP")
	case bound.JKT != "" && !p.DPoP:
		return refused("the token is bound to a key, and was presented as a bearer token")
	case bound.JKT != "" && s.config.URL(r) == "":
		return refused("the token is bound to a key, and the URL of this resource is not known, which its proof would need")
	case bound.X5T != "" && !s.hasCertificate(r, bound.X5T):
		return refused("the token is bound to another certificate than that of the request")
	case bound.JKT == "":
		return nil
	}
	return s.checkProof(header, r, token, p)
}

func (s *Server) hasCertificate(r *http.Request, thumbprint string) bool {
	certificate := s.config.Certificate(r)
	if certificate == nil {
		return false
	}
	sum := sha256.Sum256(certificate.Raw)
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(thumbprint)) == 1
}

// checkProof checks the DPoP proof of a request for a token that is bound to its key. It sets the nonce
// for the next proof.
//
// Spec: RFC 9449 §4.3, §9.
func (s *Server) checkProof(header http.Header, r *http.Request, token *Token, p httpapi.Presented) error {
	needsNonce := s.proofs.Nonces != nil
	if needsNonce && s.config.RequiresNonce != nil {
		var err error
		if needsNonce, err = s.config.RequiresNonce(r.Context(), token); err != nil {
			return err
		}
	}
	if needsNonce {
		header.Set(dpop.NonceHeader, s.proofs.Nonces.Current())
	}
	proof, err := s.proofs.Verify(r.Context(), r, dpop.Need{URL: s.config.URL(r), AccessToken: p.Token, Nonce: needsNonce})
	issuedTo := refusal.Registered("issued_to", token.ClientID)
	switch {
	case errors.Is(err, dpop.ErrNonce):
		return s.refuse(true, &Error{Status: http.StatusUnauthorized, Code: "use_dpop_nonce", Description: "The DPoP proof needs the nonce of the DPoP-Nonce header.", Err: err})
	case errors.Is(err, dpop.ErrInvalid):
		return s.invalidProof(err)
	case err != nil:
		return err
	case proof == nil:
		return s.invalidProof(refusal.Wrap(dpop.ErrInvalid, refusal.DPoPMissing, "the request has no DPoP proof for its token", issuedTo))
	case proof.Thumbprint != token.Confirmation.JKT:
		return s.invalidToken(true, refusal.Wrap(ErrInactive, refusal.TokenBinding, "the token is bound to another key than that of the proof", issuedTo))
	}
	if s.config.AllowsProof == nil {
		return nil
	}
	err = s.config.AllowsProof(r.Context(), token, proof.Algorithm)
	if errors.Is(err, ErrInactive) {
		return s.invalidProof(err)
	}
	return err
}
