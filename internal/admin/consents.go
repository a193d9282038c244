package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/consent"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/manage"
)

// Consents lists and revokes remembered consents.
type Consents interface {
	// ListConsents returns the consents of a subject, in one session if sessionID is not
	// empty, that follow after.
	ListConsents(ctx context.Context, subject, sessionID string, after consent.Consent, limit int, now time.Time) ([]*consent.Consent, error)
	// RevokeConsents deletes the consents of a subject for one client, or for all clients if
	// clientID is empty, and revokes the grants.
	RevokeConsents(ctx context.Context, subject, clientID string, now time.Time) error
}

// Grants finds and revokes grants.
type Grants interface {
	// ListGrantsWithoutConsent returns grants without a remembered consent.
	ListGrantsWithoutConsent(ctx context.Context, subject, sessionID string, after grant.Locator, limit int, now time.Time) ([]*grant.Grant, error)
	// RevokeGrantsOf revokes the grants of a subject to one client, or to all clients if
	// clientID is empty.
	RevokeGrantsOf(ctx context.Context, subject, clientID string, now time.Time) error
	// RevokeGrantsIn revokes the grants of a session.
	RevokeGrantsIn(ctx context.Context, sessionID string, now time.Time) error
	manage.GrantStore
}

// consentHandler serves the operations on the consents of users: remembered consents, and
// grants without one.
type consentHandler struct {
	guard    *userGuard
	consents Consents
	grants   Grants
	requests AuthorizationRequests
	clients  Clients
	now      func() time.Time
}

func (h *consentHandler) operations() []Operation {
	const path = "/oauth2/auth/sessions/consent"
	return []Operation{{
		ID: "listOAuth2ConsentSessions", Method: http.MethodGet, Path: path, Scope: apikey.SessionsRead, ReadAction: readUser,
		Summary: "List the consents of a user: remembered consents, and active grants without one.",
		Query: append([]Parameter{
			{Name: "subject", Type: "string", Required: true, Description: "The subject of the user."},
			{Name: "login_session_id", Type: "string", Description: "List only consents given in this session."},
		}, offsetParameters()...),
		Responses: map[int]any{http.StatusOK: []consentSession{}}, Do: h.list,
	}, {
		ID: "revokeOAuth2ConsentSessions", Method: http.MethodDelete, Path: path, Scope: apikey.SessionsWrite, Action: "consent.revoke",
		Summary: "Revoke consents of a user, and the grants and tokens that depend on them.",
		Query: []Parameter{
			{Name: "subject", Type: "string", Description: "The subject of the user; requires client or all."},
			{Name: "client", Type: "string", Description: "Revoke the consents for this client."},
			{Name: "all", Type: "boolean", Description: "Revoke the consents of all clients."},
			{Name: "consent_request_id", Type: "string", Description: "The ID of a listed consent, or of a request that the consent app answered; excludes the other parameters."},
		},
		Responses: map[int]any{http.StatusNoContent: nil}, Do: h.revoke,
	}}
}

// consentSession is a consent as the API returns it.
type consentSession struct {
	Request   consentRequest  `json:"consent_request"`
	RequestID string          `json:"consent_request_id"`
	Scopes    []string        `json:"grant_scope"`
	Audience  []string        `json:"grant_access_token_audience"`
	Context   json.RawMessage `json:"context,omitempty"`
	HandledAt time.Time       `json:"handled_at"`
	Remember  bool            `json:"remember"`
	For       int64           `json:"remember_for" doc:"in seconds; 0 does not expire"`
	Session   consentClaims   `json:"session"`
}

type consentClaims struct {
	AccessToken json.RawMessage `json:"access_token"`
	IDToken     json.RawMessage `json:"id_token"`
}

// maxSkipped is the largest offset: consents come from two tables, so skipped entries are
// read.
const maxSkipped = 10_000

// list serves GET /oauth2/auth/sessions/consent.
func (h *consentHandler) list(r *Request) (*Response, error) {
	query := r.query()
	subject, sessionID := query.Get("subject"), query.Get("login_session_id")
	if subject == "" {
		return nil, invalid("The parameter subject is missing.")
	}
	p, err := pageFrom(r, "subject", "login_session_id")
	if err != nil {
		return nil, err
	}
	skip, err := p.offset()
	if err != nil {
		return nil, err
	}
	if skip > maxSkipped {
		return nil, invalid("The parameter offset must be at most 10000; use page_token for later pages.")
	}
	all, last, err := h.find(r.Context(), subject, sessionID, p.After, skip+p.Size)
	if err != nil {
		return nil, err
	}
	page := all[min(skip, len(all)):]
	p.linkOffsets(-1, skip, len(page), last)
	return ok(page), nil
}

// find lists the consents of a subject: first the remembered ones, then grants without one.
// It begins after the ID after, and returns the ID of the last entry.
func (h *consentHandler) find(
	ctx context.Context, subject, sessionID, after string, limit int,
) (all []*consentSession, last string, err error) {
	all, last = []*consentSession{}, after
	var remembered consent.Consent
	var ref grant.Locator
	if parsed, ok := parseConsentID(after); ok {
		remembered = parsed
	} else if after != "" {
		if ref, err = parseRef(after); err != nil {
			return nil, "", err
		}
	}
	now := h.now()
	if ref == (grant.Locator{}) {
		list, err := h.consents.ListConsents(ctx, subject, sessionID, remembered, limit, now)
		if err != nil {
			return nil, "", err
		}
		for _, one := range list {
			all, last = append(all, h.viewConsent(ctx, one)), consentID(one)
		}
	}
	if len(all) >= limit {
		return all, last, nil
	}
	grants, err := h.grants.ListGrantsWithoutConsent(ctx, subject, sessionID, ref, limit-len(all), now)
	if err != nil {
		return nil, "", err
	}
	for _, one := range grants {
		all, last = append(all, h.viewGrant(ctx, one)), refText(one.Locator)
	}
	return all, last, nil
}

func (h *consentHandler) viewConsent(ctx context.Context, c *consent.Consent) *consentSession {
	v := h.newView(ctx, c.ClientID, c.Subject, c.SessionID, c.Scopes, nil, c.ExtraClaims)
	v.RequestID, v.HandledAt, v.Remember = consentID(c), c.GivenAt.UTC(), true
	if !c.ExpiresAt.IsZero() {
		v.For = max(1, int64(c.ExpiresAt.Sub(c.GivenAt)/time.Second))
	}
	v.Request.Challenge, v.Request.ConsentID = v.RequestID, v.RequestID
	return v
}

func (h *consentHandler) viewGrant(ctx context.Context, g *grant.Grant) *consentSession {
	v := h.newView(ctx, g.ClientID, g.Subject, g.SessionID, g.Scopes, g.Resources, g.Authorization.ExtraClaims)
	v.RequestID, v.HandledAt = g.ID.String(), g.CreatedAt.UTC()
	v.Request.Challenge, v.Request.ConsentID = v.RequestID, v.RequestID
	v.Request.ACR, v.Request.AMR = g.Authorization.ACR, full(g.Authorization.AMR)
	return v
}

func (h *consentHandler) newView(
	ctx context.Context, clientID, subject, sessionID string, scopes, resources []string, extra grant.ExtraClaims,
) *consentSession {
	object := func(raw json.RawMessage) json.RawMessage {
		if len(raw) == 0 {
			return json.RawMessage("{}")
		}
		return raw
	}
	v := &consentSession{
		Scopes: full(scopes), Audience: full(resources),
		Session: consentClaims{object(extra.AccessToken), object(extra.IDToken)},
		Request: consentRequest{Subject: subject, LoginSessionID: sessionID, AMR: []string{}},
	}
	v.Request.Scopes, v.Request.Audience = v.Scopes, v.Audience
	c, err := h.clients.Client(ctx, clientID)
	if err != nil { // the client was deleted, and its consents are being deleted
		c = &client.Client{ID: clientID}
	}
	v.Request.Client = viewNestedClient(c)
	return v
}

// consentID returns the ID of a remembered consent in the API.
func consentID(c *consent.Consent) string {
	return consentPrefix + base64.RawURLEncoding.EncodeToString([]byte(c.Subject+"\x00"+c.ClientID+"\x00"+c.SessionID))
}

const consentPrefix = "c."

func parseConsentID(text string) (c consent.Consent, ok bool) {
	encoded, ok := strings.CutPrefix(text, consentPrefix)
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	parts := strings.Split(string(raw), "\x00")
	if !ok || err != nil || len(parts) != 3 || parts[0] == "" || parts[1] == "" || !utf8.Valid(raw) {
		return c, false
	}
	return consent.Consent{Subject: parts[0], ClientID: parts[1], SessionID: parts[2]}, true
}

// revoke serves DELETE /oauth2/auth/sessions/consent.
func (h *consentHandler) revoke(r *Request) (*Response, error) {
	query, now := r.query(), h.now()
	subject, clientID, all, id := query.Get("subject"), query.Get("client"), query.Get("all") == "true", query.Get("consent_request_id")
	var err error
	switch {
	case id != "" && subject == "" && clientID == "" && !all:
		err = h.revokeID(r, id, now)
	case id != "":
		return nil, invalid("The parameter consent_request_id excludes subject, client and all.")
	case subject == "":
		return nil, invalid("The parameter subject is missing.")
	case (clientID != "") == all:
		return nil, invalid("One of the parameters client and all=true is required.")
	default:
		err = h.revokeOf(r, subject, clientID, now)
	}
	if err != nil {
		return nil, err
	}
	return noContent(), nil
}

// revokeID revokes a listed consent, or the one for a request that the consent app answered.
// It returns no error for an unknown ID.
func (h *consentHandler) revokeID(r *Request, id string, now time.Time) error {
	if c, ok := parseConsentID(id); ok {
		return h.revokeOf(r, c.Subject, c.ClientID, now)
	}
	found, err := h.findGrant(r.Context(), id, now)
	if errors.Is(err, grant.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return h.revokeOf(r, found.Subject, found.ClientID, now)
}

// revokeOf revokes the consents of a user for a client, or for all clients if clientID is empty.
func (h *consentHandler) revokeOf(r *Request, subject, clientID string, now time.Time) error {
	if err := h.guard.subject(r, subject); err != nil {
		return err
	}
	return h.consents.RevokeConsents(r.Context(), subject, clientID, now)
}

// findGrant finds an active grant by its ID, or by the ID or consent challenge of the
// authorization request, until that request expires.
func (h *consentHandler) findGrant(ctx context.Context, id string, now time.Time) (*grant.WithAccount, error) {
	var refs []grant.Locator
	if parsed, err := grant.ParseID(id); err == nil {
		refs = parsed.Locators()
	}
	request := id
	if answered, ok := authrequest.ParseChallenge(id, authrequest.StepConsent); ok {
		request = answered
	}
	pending, err := h.requests.Request(ctx, request, now)
	switch {
	case err == nil:
		refs = append(refs, pending.Grant)
	case !errors.Is(err, authrequest.ErrNotFound):
		return nil, err
	}
	return manage.FindGrant(ctx, h.grants, refs, now)
}

// refText encodes a grant for a page token.
func refText(ref grant.Locator) string {
	return strconv.FormatUint(uint64(ref.Partition), 10) + "." + ref.ID.String()
}

func parseRef(text string) (grant.Locator, error) {
	number, hex, _ := strings.Cut(text, ".")
	bucket, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return grant.Locator{}, errPageToken
	}
	id, err := grant.ParseID(hex)
	if err != nil {
		return grant.Locator{}, errPageToken
	}
	return grant.Locator{Partition: grant.Partition(bucket), ID: id}, nil
}
