package client

import (
	"slices"
)

// backchannel checks the members of backchannel authentication. Its clients authenticate, since nothing
// else tells who asks.
//
// Spec: CIBA Core §4, FAPI-CIBA §5.2.2.
func (c *checks) backchannel(m *Metadata) {
	uses := slices.Contains(m.GrantTypes, GrantCIBA)
	if uses && m.TokenEndpointAuthMethod == AuthNone {
		c.fail("grant_types", "must not hold "+GrantCIBA+" for a client that does not authenticate")
	}
	mode := m.BackchannelTokenDeliveryMode
	c.oneOf("backchannel_token_delivery_mode", mode, DeliveryModes()...)
	c.oneOf("backchannel_authentication_request_signing_alg", m.BackchannelRequestSigningAlg, c.policy.signingAlgs()...)
	c.notified("backchannel_client_notification_endpoint", m.BackchannelNotificationEndpoint)
	switch {
	case !uses && (mode != "" || m.BackchannelNotificationEndpoint != ""):
		c.fail("grant_types", "must hold "+GrantCIBA+" for backchannel_token_delivery_mode to be of use")
	case mode == DeliveryPing && m.BackchannelNotificationEndpoint == "":
		c.fail("backchannel_client_notification_endpoint", "must be set for backchannel_token_delivery_mode ping")
	}
}
