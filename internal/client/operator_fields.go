package client

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/detail"
)

// KeepOperatorFields copies from before all members that only the operator can set, so that a
// client that updates its own registration does not change them.
func (m *Metadata) KeepOperatorFields(before *Metadata) {
	m.Audience, m.SkipConsent, m.SkipLogoutConsent = before.Audience, before.SkipConsent, before.SkipLogoutConsent
	m.Owner, m.Notes, m.Lifespans = before.Owner, before.Notes, before.Lifespans
	m.AllowHTTPRedirects, m.Theme = before.AllowHTTPRedirects, before.Theme
	m.OperatorScope, m.RequireSecondFactor = before.OperatorScope, before.RequireSecondFactor
	m.RequireDPoPNonce, m.SecurityProfile = before.RequireDPoPNonce, before.SecurityProfile
	m.TokenExchange = before.TokenExchange
	m.ServedResources, m.SubjectSector = before.ServedResources, before.SubjectSector
	m.AuthorizationDetailsTypes = before.AuthorizationDetailsTypes
	m.AllowedGroups, m.UserinfoACRValues, m.UserinfoMaxAge = before.AllowedGroups, before.UserinfoACRValues, before.UserinfoMaxAge
	if m.SubjectSector == "" && (m.withoutRedirect() || before.withoutRedirect()) || m.movedFrom(before) {
		// This is permanent, because its refresh tokens stay valid after the change of grant
		// types and redirect URIs.
		m.SubjectSector = SectorClient
	}
}

// MarkOperatorScope records, after the operator has changed c from before, whether the
// operator set its scope. Such a scope is kept even if dynamically registered clients may not
// have it.
func (c *Client) MarkOperatorScope(before *Metadata) {
	c.OperatorScope = c.Dynamic && (before.OperatorScope || c.Scope != before.Scope)
}

// maxDetailTypes is the maximum number of types of authorization details of a client.
const maxDetailTypes = 100

// maxGroups is the maximum number of groups that may use a client.
const maxGroups = 100

// Admits reports whether a member of groups may use the client.
func (m *Metadata) Admits(groups []string) bool {
	return len(m.AllowedGroups) == 0 ||
		slices.ContainsFunc(m.AllowedGroups, func(group string) bool { return slices.Contains(groups, group) })
}

// maxNotes is the maximum size in bytes of the operator's metadata of a client.
const maxNotes = 16 << 10

// given checks the members that only the operator can set, and the CORS origins of the client.
func (c *checks) given(m *Metadata) {
	if !shortText(m.Owner) {
		c.fail("owner", notShort)
	}
	if m.Theme != nil {
		if err := m.Theme.Check(); err != nil {
			c.fail("theme", "is invalid: "+err.Error())
		}
	}
	if len(m.Notes) > maxNotes {
		c.fail("metadata", "must be JSON of at most 16 KiB")
	}
	if len(m.AllowedCORSOrigins) > maxURIs || slices.ContainsFunc(m.AllowedCORSOrigins, notOrigin) {
		c.fail("allowed_cors_origins", "must be a short list of http or https origins without a path")
	}
	if len(m.AllowedGroups) > maxGroups || account.CheckNames("group", m.AllowedGroups) != nil {
		c.fail("allowed_groups", "must be a list of at most 100 different names of groups")
	}
	if len(m.AuthorizationDetailsTypes) > maxDetailTypes || slices.ContainsFunc(m.AuthorizationDetailsTypes, func(t string) bool { return !detail.IsName(t) }) {
		c.fail("authorization_details_types", "must be a list of at most 100 names of types")
	}
	if len(m.UserinfoACRValues) > maxWords || slices.ContainsFunc(m.UserinfoACRValues, notACR) {
		c.fail("userinfo_acr_values", "must be a short list of values of acr")
	}
	c.age("userinfo_max_age", m.UserinfoMaxAge)
	c.oneOf("subject_sector", m.SubjectSector, SectorHost, SectorClient)
	c.served(m)
	c.lifespans(m)
	m.TokenExchange.check(c, m)
}

// notACR reports whether text is no value of acr.
func notACR(text string) bool {
	return text == "" || len(text) > maxText || strings.Contains(text, " ") || strings.IndexFunc(text, notScope) >= 0
}

// served checks the resources that the client serves.
func (c *checks) served(m *Metadata) {
	valid := func(resource string) bool {
		u, err := url.Parse(resource)
		return err == nil && len(resource) <= maxURI && resource != "" && u.Fragment == "" && !strings.ContainsAny(resource, " \t\r\n")
	}
	if len(m.ServedResources) > maxURIs || slices.ContainsFunc(m.ServedResources, func(r string) bool { return !valid(r) }) {
		c.fail("served_resources", "must be a short list of resource indicators: URIs without a fragment")
	}
}

// notOrigin reports whether text is not the serialization of an origin (RFC 6454 §6.2).
func notOrigin(text string) bool {
	u, err := url.Parse(text)
	return err != nil || len(text) > maxURI || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		u.Hostname() == "" || u.User != nil || text != u.Scheme+"://"+u.Host
}

// notes removes empty operator metadata.
func notes(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || absent(raw) || string(raw) == "{}" {
		return nil
	}
	return raw
}
