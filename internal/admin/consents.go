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
)

// Consents knows what people allow clients, and ends it.
type Consents interface {
	ListConsents(ctx context.Context, subject, sessionID string, after consent.Consent, limit int, now time.Time) ([]*consent.Consent, error)
	// ListGrantsWithoutConsent returns grants for which nothing is remembered.
	ListGrantsWithoutConsent(ctx context.Context, subject, sessionID string, after grant.Locator, limit int, now time.Time) ([]*grant.Grant, error)
	RevokeConsents(ctx context.Context, subject, clientID string, now time.Time) error
	RevokeGrantsOf(ctx context.Context, subject, clientID string, now time.Time) error
	RevokeGrantsIn(ctx context.Context, sessionID string, now time.Time) error
	RevokeGrant(ctx context.Context, ref grant.Locator, clientID string, why grant.RevocationReason, now time.Time) error
	// LiveGrant returns grant.ErrNotFound for one that does not stand.
	LiveGrant(ctx context.Context, ref grant.Locator, jti string, now time.Time) (*grant.GrantWithAccount, error)
}

func (h *Handler) consentSessionOperations() []Operation {
	const path = "/oauth2/auth/sessions/consent"
	return []Operation{{
		ID: "listOAuth2ConsentSessions", Method: http.MethodGet, Path: path, Scope: apikey.SessionsRead,
		Summary: "What a person allows clients: what is remembered, and grants of which nothing is.",
		Query: append([]Parameter{
			{Name: "subject", Type: "string", Required: true, Meaning: "The person."},
			{Name: "login_session_id", Type: "string", Meaning: "Only what was allowed in this session."},
		}, listParameters()...),
		Answers: map[int]any{http.StatusOK: []consentSession{}}, Do: h.listConsents,
	}, {
		ID: "revokeOAuth2ConsentSessions", Method: http.MethodDelete, Path: path, Scope: apikey.SessionsWrite, Action: "consent.revoke",
		Summary: "Forgets what a person allowed, and ends what came of it.",
		Query: []Parameter{
			{Name: "subject", Type: "string", Meaning: "The person, with client or all."},
			{Name: "client", Type: "string", Meaning: "What this client was allowed."},
			{Name: "all", Type: "boolean", Meaning: "What all clients were."},
			{Name: "consent_request_id", Type: "string", Meaning: "One of those that are listed, or the request that a consent app answered; instead of the others."},
		},
		Answers: map[int]any{http.StatusNoContent: nil}, Do: h.revokeConsents,
	}}
}

// consentSession is what a person allows a client.
type consentSession struct {
	Request   consentRequest  `json:"consent_request"`
	RequestID string          `json:"consent_request_id"`
	Scopes    []string        `json:"grant_scope"`
	Audience  []string        `json:"grant_access_token_audience"`
	Context   json.RawMessage `json:"context,omitempty"`
	HandledAt time.Time       `json:"handled_at"`
	Remember  bool            `json:"remember"`
	For       int64           `json:"remember_for" doc:"In seconds; 0 has no end."`
	Session   consentClaims   `json:"session"`
}

type consentClaims struct {
	AccessToken json.RawMessage `json:"access_token"`
	IDToken     json.RawMessage `json:"id_token"`
}

// maxSkipped is how many consents are read to be left out, at most: they come from two
// lists, so that no database leaves them out.
const maxSkipped = 10_000

// listConsents serves GET /oauth2/auth/sessions/consent.
func (h *Handler) listConsents(c *Call) (*Reply, error) {
	asked := c.URL.Query()
	subject, sessionID := asked.Get("subject"), asked.Get("login_session_id")
	if subject == "" {
		return nil, invalid("The parameter subject is missing.")
	}
	p, err := pageOf(c, "subject", "login_session_id")
	if err != nil {
		return nil, err
	}
	skip, err := p.numbered()
	if err != nil {
		return nil, err
	}
	if skip > maxSkipped {
		return nil, invalid("The parameter offset is too large: go on with page_token.")
	}
	all, last, err := h.consentsOf(c.Context(), subject, sessionID, p.After, skip+p.Size)
	if err != nil {
		return nil, err
	}
	page := all[min(skip, len(all)):]
	p.lead(-1, skip, len(page), last)
	return ok(page), nil
}

// consentsOf lists what a subject allows: first what is remembered, then grants of
// which nothing is. It returns where it ended.
func (h *Handler) consentsOf(
	ctx context.Context, subject, sessionID, after string, limit int,
) (all []*consentSession, last string, err error) {
	all, last = []*consentSession{}, after
	var remembered consent.Consent
	var ref grant.Locator
	if kept, ok := parseConsentID(after); ok {
		remembered = kept
	} else if after != "" {
		if ref, err = parseRef(after); err != nil {
			return nil, "", err
		}
	}
	now := h.Now()
	if ref == (grant.Locator{}) {
		list, err := h.Consents.ListConsents(ctx, subject, sessionID, remembered, limit, now)
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
	grants, err := h.Consents.ListGrantsWithoutConsent(ctx, subject, sessionID, ref, limit-len(all), now)
	if err != nil {
		return nil, "", err
	}
	for _, one := range grants {
		all, last = append(all, h.viewGrant(ctx, one)), refText(one.Locator)
	}
	return all, last, nil
}

func (h *Handler) viewConsent(ctx context.Context, c *consent.Consent) *consentSession {
	v := h.newConsentSession(ctx, c.ClientID, c.Subject, c.SessionID, c.Scopes, nil, c.ExtraClaims)
	v.RequestID, v.HandledAt, v.Remember = consentID(c), c.GivenAt.UTC(), true
	if !c.ExpiresAt.IsZero() {
		v.For = max(1, int64(c.ExpiresAt.Sub(c.GivenAt)/time.Second))
	}
	v.Request.Challenge, v.Request.ConsentID = v.RequestID, v.RequestID
	return v
}

func (h *Handler) viewGrant(ctx context.Context, g *grant.Grant) *consentSession {
	v := h.newConsentSession(ctx, g.ClientID, g.Subject, g.SessionID, g.Scopes, g.Resources, g.Authorization.ExtraClaims)
	v.RequestID, v.HandledAt = g.ID.String(), g.CreatedAt.UTC()
	v.Request.Challenge, v.Request.ConsentID = v.RequestID, v.RequestID
	v.Request.ACR, v.Request.AMR = g.Authorization.ACR, full(g.Authorization.AMR)
	return v
}

func (h *Handler) newConsentSession(
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
	known, err := h.Clients.Client(ctx, clientID)
	if err != nil { // it is gone, and so is what it was allowed soon
		known = &client.Client{ID: clientID}
	}
	v.Request.Client = viewAsking(known)
	return v
}

// consentID names a consent that is remembered.
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

// revokeConsents serves DELETE /oauth2/auth/sessions/consent.
func (h *Handler) revokeConsents(c *Call) (*Reply, error) {
	ctx, asked, now := c.Context(), c.URL.Query(), h.Now()
	subject, clientID, all, id := asked.Get("subject"), asked.Get("client"), asked.Get("all") == "true", asked.Get("consent_request_id")
	var err error
	switch {
	case id != "" && subject == "" && clientID == "" && !all:
		err = h.revokeConsent(ctx, id, now)
	case id != "":
		return nil, invalid("The parameter consent_request_id goes alone.")
	case subject == "":
		return nil, invalid("The parameter subject is missing.")
	case (clientID != "") == all:
		return nil, invalid("Either client names one client, or all is true.")
	default:
		err = h.Consents.RevokeConsents(ctx, subject, clientID, now)
	}
	if err != nil {
		return nil, err
	}
	return done(), nil
}

// revokeConsent ends one of those listed, or what came of a request that a consent app
// answered. That there is none is no error.
func (h *Handler) revokeConsent(ctx context.Context, id string, now time.Time) error {
	if c, ok := parseConsentID(id); ok {
		return h.Consents.RevokeConsents(ctx, c.Subject, c.ClientID, now)
	}
	held, err := h.grantOf(ctx, id, now)
	if errors.Is(err, grant.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return h.Consents.RevokeConsents(ctx, held.Subject, held.ClientID, now)
}

// grantOf finds a living grant by its own id, or by that of the request that led to it
// or its challenge, while those are known.
func (h *Handler) grantOf(ctx context.Context, id string, now time.Time) (*grant.GrantWithAccount, error) {
	var refs []grant.Locator
	if parsed, err := grant.ParseID(id); err == nil {
		refs = parsed.Locators()
	}
	request := id
	if answered, ok := authrequest.ParseChallenge(id, authrequest.StepConsent); ok {
		request = answered
	}
	waiting, err := h.Requests.Request(ctx, request, now)
	switch {
	case err == nil:
		refs = append(refs, waiting.Grant)
	case !errors.Is(err, authrequest.ErrNotFound):
		return nil, err
	}
	for _, ref := range refs {
		held, err := h.Consents.LiveGrant(ctx, ref, "", now)
		if err == nil || !errors.Is(err, grant.ErrNotFound) {
			return held, err
		}
	}
	return nil, grant.ErrNotFound
}

// refText names a grant where a list goes on.
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
