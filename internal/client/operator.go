package client

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
)

// KeepOperatorFields takes from before all that is the operator's to give: a client that
// describes itself leaves it as it is.
func (m *Metadata) KeepOperatorFields(before *Metadata) {
	m.Audience, m.SkipConsent, m.SkipLogoutConsent = before.Audience, before.SkipConsent, before.SkipLogoutConsent
	m.Owner, m.Notes, m.Lifespans = before.Owner, before.Notes, before.Lifespans
	m.AllowHTTPRedirects = before.AllowHTTPRedirects
	m.OperatorScope = before.OperatorScope
	m.ServedResources, m.SubjectSector = before.ServedResources, before.SubjectSector
	if m.SubjectSector == "" && (m.withoutRedirect() || before.withoutRedirect()) || m.movedFrom(before) {
		// For good: its refresh tokens outlive the right to the grant and the addresses.
		m.SubjectSector = SectorClient
	}
}

// MarkOperatorScope notes, after the operator has changed c from before, whether its scope
// is the operator's: then the client keeps it, whatever self-registered clients may have.
func (c *Client) MarkOperatorScope(before *Metadata) {
	c.OperatorScope = c.Dynamic && (before.OperatorScope || c.Scope != before.Scope)
}

// maxNotes bounds, in bytes, what the operator keeps with a client.
const maxNotes = 16 << 10

// given checks what the operator alone can set, and the origins of the client's pages.
func (c *checks) given(m *Metadata) {
	if !shortText(m.Owner) {
		c.fail("owner", notShort)
	}
	if len(m.Notes) > maxNotes {
		c.fail("metadata", "must be JSON of at most 16 KiB")
	}
	if len(m.AllowedCORSOrigins) > maxURIs || slices.ContainsFunc(m.AllowedCORSOrigins, notOrigin) {
		c.fail("allowed_cors_origins", "must be a short list of http or https origins without a path")
	}
	c.oneOf("subject_sector", m.SubjectSector, SectorHost, SectorClient)
	c.served(m)
	c.lifespans(m)
}

// served checks the resources that the client is.
func (c *checks) served(m *Metadata) {
	valid := func(resource string) bool {
		u, err := url.Parse(resource)
		return err == nil && len(resource) <= maxURI && resource != "" && u.Fragment == "" && !strings.ContainsAny(resource, " \t\r\n")
	}
	if len(m.ServedResources) > maxURIs || slices.ContainsFunc(m.ServedResources, func(r string) bool { return !valid(r) }) {
		c.fail("served_resources", "must be a short list of resource indicators: URIs without a fragment")
	}
}

// notOrigin reports whether text is other than what a browser calls an origin (RFC 6454
// section 6.2).
func notOrigin(text string) bool {
	u, err := url.Parse(text)
	return err != nil || len(text) > maxURI || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		u.Hostname() == "" || u.User != nil || text != u.Scheme+"://"+u.Host
}

// notes leaves no member where there is nothing in it.
func notes(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || absent(raw) || string(raw) == "{}" {
		return nil
	}
	return raw
}
