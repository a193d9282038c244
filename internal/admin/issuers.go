package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

// Issuers keeps whose assertions are believed. Its methods return trustedissuer.ErrNotFound or
// trustedissuer.ErrExists.
type Issuers interface {
	InsertTrust(ctx context.Context, t *trustedissuer.Trust) error
	Trust(ctx context.Context, id string) (*trustedissuer.Trust, error)
	// ListTrusts returns those of the issuer iss, or all if that is empty, that follow
	// after and then skip more.
	ListTrusts(ctx context.Context, iss, after string, skip, limit int) ([]*trustedissuer.Trust, error)
	CountTrusts(ctx context.Context, iss string) (int, error)
	DeleteTrust(ctx context.Context, id string) error
}

const issuersPath = "/trust/grants/jwt-bearer/issuers"

func (h *Handler) issuerOperations() []Operation {
	return []Operation{{
		ID: "listTrustedOAuth2JwtGrantIssuers", Method: http.MethodGet, Path: issuersPath, Scope: apikey.IssuersRead,
		Summary: "Whose assertions are believed.",
		Query: append([]Parameter{
			{Name: "issuer", Type: "string", Meaning: "Only this issuer."},
		}, listParameters()...),
		Answers: map[int]any{http.StatusOK: []trustedOAuth2JwtGrantIssuer{}},
		Do:      h.listIssuers,
	}, {
		ID: "trustOAuth2JwtGrantIssuer", Method: http.MethodPost, Path: issuersPath, Scope: apikey.IssuersWrite,
		Summary: "Believe an issuer, as far as its scopes go.", Body: trustOAuth2JwtGrantIssuer{},
		Answers: map[int]any{http.StatusCreated: trustedOAuth2JwtGrantIssuer{}}, Action: "issuer.create",
		Do: h.trustIssuer,
	}, {
		ID: "getTrustedOAuth2JwtGrantIssuer", Method: http.MethodGet, Path: issuersPath + "/{id}", Scope: apikey.IssuersRead,
		Summary: "One of those.", Answers: map[int]any{http.StatusOK: trustedOAuth2JwtGrantIssuer{}},
		Do: h.getIssuer,
	}, {
		ID: "deleteTrustedOAuth2JwtGrantIssuer", Method: http.MethodDelete, Path: issuersPath + "/{id}", Scope: apikey.IssuersWrite,
		Summary: "Believe an issuer no longer, which ends the tokens that came of it.",
		Answers: map[int]any{http.StatusNoContent: nil}, Action: "issuer.delete",
		Do: h.deleteIssuer,
	}}
}

// trustOAuth2JwtGrantIssuer is what an operator says of an issuer.
type trustOAuth2JwtGrantIssuer struct {
	Issuer     string          `json:"issuer" need:"yes"`
	Subject    string          `json:"subject" doc:"whom alone it may assert"`
	AnySubject bool            `json:"allow_any_subject" doc:"whether it may assert anybody; this or subject must be there"`
	Scope      []string        `json:"scope" need:"yes" doc:"how far its word goes"`
	Key        json.RawMessage `json:"jwk" need:"yes" doc:"the public key that it signs with, as a JWK with a kid"`
	ExpiresAt  time.Time       `json:"expires_at" need:"yes"`
}

// trustedOAuth2JwtGrantIssuer is an issuer that is believed.
type trustedOAuth2JwtGrantIssuer struct {
	ID         string                          `json:"id"`
	Issuer     string                          `json:"issuer"`
	Subject    string                          `json:"subject"`
	AnySubject bool                            `json:"allow_any_subject"`
	Scope      []string                        `json:"scope"`
	Key        trustedOAuth2JwtGrantJSONWebKey `json:"public_key"`
	CreatedAt  time.Time                       `json:"created_at"`
	ExpiresAt  time.Time                       `json:"expires_at"`
}

// trustedOAuth2JwtGrantJSONWebKey names a key; the set is its issuer's.
type trustedOAuth2JwtGrantJSONWebKey struct {
	Set string `json:"set"`
	KID string `json:"kid"`
}

func viewIssuer(t *trustedissuer.Trust) *trustedOAuth2JwtGrantIssuer {
	return &trustedOAuth2JwtGrantIssuer{
		ID: t.ID, Issuer: t.Issuer, Subject: t.Subject, AnySubject: t.AnySubject(), Scope: append([]string{}, t.Scopes...),
		Key:       trustedOAuth2JwtGrantJSONWebKey{t.Issuer, t.Key.KeyID},
		CreatedAt: t.CreatedAt.UTC().Truncate(time.Second), ExpiresAt: t.ExpiresAt.UTC().Truncate(time.Second),
	}
}

// trustIssuer serves POST /trust/grants/jwt-bearer/issuers.
func (h *Handler) trustIssuer(c *Call) (*Reply, error) {
	var body trustOAuth2JwtGrantIssuer
	if err := read(c.Request, &body); err != nil {
		return nil, err
	}
	t, err := body.trust(h.Now())
	if err != nil {
		return nil, err
	}
	c.Target = t.ID
	if err := h.Issuers.InsertTrust(c.Context(), t); err != nil {
		return nil, err
	}
	c.head.Set("Location", strings.TrimSuffix(c.URL.Path, "/")+"/"+t.ID)
	return &Reply{http.StatusCreated, viewIssuer(t)}, nil
}

func (b *trustOAuth2JwtGrantIssuer) trust(now time.Time) (*trustedissuer.Trust, error) {
	switch {
	case b.Subject == "" && !b.AnySubject:
		return nil, invalid("Either subject or allow_any_subject must be there.")
	case b.Subject != "" && b.AnySubject:
		return nil, invalid("Of subject and allow_any_subject only one may be there.")
	}
	key, err := publicKey(b.Key)
	if err != nil {
		return nil, err
	}
	t := &trustedissuer.Trust{
		ID: trustedissuer.NewID(), Issuer: b.Issuer, Subject: b.Subject, Scopes: b.Scope, Key: key,
		CreatedAt: now, ExpiresAt: b.ExpiresAt.Truncate(time.Second),
	}
	if err := t.Check(); err != nil {
		return nil, invalid("The issuer cannot be trusted: " + err.Error() + ".")
	}
	return t, nil
}

// publicKey reads a key that is fit to trust, without what else may have come with it.
func publicKey(raw json.RawMessage) (jose.JSONWebKey, error) {
	set, err := json.Marshal(map[string][]json.RawMessage{"keys": {raw}})
	if err != nil || len(raw) == 0 {
		return jose.JSONWebKey{}, invalid("The member jwk is missing.")
	}
	keys, bad := client.ReadKeySet(set)
	if len(bad) > 0 || len(keys) != 1 {
		return jose.JSONWebKey{}, invalid("The member jwk must be a public key: " + httpapi.Description(errors.Join(bad...).Error()) + ".")
	}
	return jose.JSONWebKey{Key: keys[0].Key, KeyID: keys[0].KeyID, Algorithm: keys[0].Algorithm, Use: keys[0].Use}, nil
}

// getIssuer serves GET /trust/grants/jwt-bearer/issuers/{id}.
func (h *Handler) getIssuer(c *Call) (*Reply, error) {
	t, err := h.Issuers.Trust(c.Context(), c.Target)
	if err != nil {
		return nil, err
	}
	return ok(viewIssuer(t)), nil
}

// deleteIssuer serves DELETE /trust/grants/jwt-bearer/issuers/{id}.
func (h *Handler) deleteIssuer(c *Call) (*Reply, error) {
	if err := h.Issuers.DeleteTrust(c.Context(), c.Target); err != nil {
		return nil, err
	}
	return &Reply{http.StatusNoContent, nil}, nil
}

// listIssuers serves GET /trust/grants/jwt-bearer/issuers.
func (h *Handler) listIssuers(c *Call) (*Reply, error) {
	p, err := pageOf(c, "issuer")
	if err != nil {
		return nil, err
	}
	skip, err := p.numbered()
	if err != nil {
		return nil, err
	}
	iss := c.URL.Query().Get("issuer")
	list, err := h.Issuers.ListTrusts(c.Context(), iss, p.After, skip, p.Size)
	if err != nil {
		return nil, err
	}
	total, err := h.Issuers.CountTrusts(c.Context(), iss)
	if err != nil {
		return nil, err
	}
	views, last := make([]*trustedOAuth2JwtGrantIssuer, len(list)), ""
	for i, t := range list {
		views[i], last = viewIssuer(t), t.ID
	}
	p.lead(total, skip, len(list), last)
	return ok(views), nil
}
