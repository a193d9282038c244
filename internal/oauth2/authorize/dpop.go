package authorize

import (
	"github.com/ostiary/ostiary/internal/dpop"
	"github.com/ostiary/ostiary/internal/oauth2"
)

// checkDPoPKey reads the key to which the code is bound: the SHA-256 thumbprint of a JWK in base64url.
//
// Spec: RFC 9449 §10.
func checkDPoPKey(_ *Requests, a *AuthorizationRequest) error {
	jkt := a.form.Get("dpop_jkt")
	if jkt == "" || !a.responseType.has(responseCode) {
		return nil
	}
	if !dpop.IsThumbprint(jkt) {
		return oauth2.InvalidRequest("The parameter dpop_jkt must be the SHA-256 thumbprint of a key in base64url")
	}
	a.jkt = jkt
	return nil
}
