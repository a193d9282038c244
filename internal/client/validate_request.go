package client

import "fmt"

// requestObjects checks the signing algorithm of request objects and the request URIs. Only
// those may have a fragment: it is a hash of the document.
//
// Spec: OpenID Connect Registration §2, OpenID Connect Core §6.2, RFC 9101 §10.5.
func (c *checks) requestObjects(m *Metadata) {
	c.oneOf("request_object_signing_alg", m.RequestObjectSigningAlg, append(c.policy.signingAlgs(), "none")...)
	if m.RequireSignedRequestObject && m.RequestObjectSigningAlg == "none" {
		c.fail("request_object_signing_alg", "must not be none where require_signed_request_object is true")
	}
	if len(m.RequestURIs) > maxURIs {
		c.fail("request_uris", fmt.Sprintf("may hold %d URIs", maxURIs))
	}
	for i, raw := range m.RequestURIs[:min(len(m.RequestURIs), maxURIs)] {
		if _, err := c.policy.link(raw, true); err != nil {
			c.fail("request_uris", fmt.Sprintf("item %d %s", i+1, err))
		}
	}
}
