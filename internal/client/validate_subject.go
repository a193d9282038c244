package client

// subjects checks the subject type. A pairwise client has one sector: without a
// sector_identifier_uri its redirect URIs must share a host.
//
// Spec: OpenID Connect Core §8.1, OpenID Connect Registration §2.
func (c *checks) subjects(m *Metadata) {
	c.oneOf("subject_type", m.SubjectType, SubjectTypes()...)
	if m.SubjectType != Pairwise || m.SectorIdentifierURI != "" {
		return
	}
	hosts := make(map[string]bool)
	for _, raw := range m.RedirectURIs {
		hosts[ownHost(raw)] = true
	}
	if len(hosts) > 1 {
		c.fail("sector_identifier_uri", "is needed for pairwise subjects, since redirect_uris have several hosts")
	}
}
