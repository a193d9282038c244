package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/trustedissuer"
)

// TrustedIssuers stores the trusted issuers of JWT bearer assertions. Its methods return
// trustedissuer.ErrNotFound or trustedissuer.ErrExists.
type TrustedIssuers interface {
	InsertTrust(ctx context.Context, t *trustedissuer.Trust) error
	Trust(ctx context.Context, id string) (*trustedissuer.Trust, error)
	// ListTrusts returns the entries of the issuer iss, or of all issuers if iss is empty. It
	// begins after the ID after and skips further entries.
	ListTrusts(ctx context.Context, iss, after string, skip, limit int) ([]*trustedissuer.Trust, error)
	CountTrusts(ctx context.Context, iss string) (int, error)
	DeleteTrust(ctx context.Context, id string) error
}

// trustedIssuerHandler serves the operations on trusted issuers.
type trustedIssuerHandler struct {
	store TrustedIssuers
	now   func() time.Time
}

const issuersPath = "/trust/grants/jwt-bearer/issuers"

func (h *trustedIssuerHandler) operations() []Operation {
	return []Operation{{
		ID: "listTrustedOAuth2JwtGrantIssuers", Method: http.MethodGet, Path: issuersPath, Scope: apikey.IssuersRead,
		Summary: "List trusted JWT-bearer issuers.",
		Query: append([]Parameter{
			{Name: "issuer", Type: "string", Description: "List only entries of this issuer."},
		}, offsetParameters()...),
		Responses: map[int]any{http.StatusOK: []trustedOAuth2JwtGrantIssuer{}},
		Do:        h.list,
	}, {
		ID: "trustOAuth2JwtGrantIssuer", Method: http.MethodPost, Path: issuersPath, Scope: apikey.IssuersWrite,
		Summary: "Trust an issuer of JWT-bearer assertions for a subject, or any subject, and scopes.", Body: trustOAuth2JwtGrantIssuer{},
		Responses: map[int]any{http.StatusCreated: trustedOAuth2JwtGrantIssuer{}}, Action: "issuer.create",
		Do: h.create,
	}, {
		ID: "getTrustedOAuth2JwtGrantIssuer", Method: http.MethodGet, Path: issuersPath + "/{id}", Scope: apikey.IssuersRead,
		Summary: "Get a trusted issuer.", Responses: map[int]any{http.StatusOK: trustedOAuth2JwtGrantIssuer{}},
		Do: h.get,
	}, {
		ID: "deleteTrustedOAuth2JwtGrantIssuer", Method: http.MethodDelete, Path: issuersPath + "/{id}", Scope: apikey.IssuersWrite,
		Summary:   "Delete a trusted issuer, and revoke the access tokens issued for its assertions.",
		Responses: map[int]any{http.StatusNoContent: nil}, Action: "issuer.delete",
		Do: h.delete,
	}}
}

// trustOAuth2JwtGrantIssuer is the body of a request to trust an issuer.
type trustOAuth2JwtGrantIssuer struct {
	Issuer     string          `json:"issuer" need:"yes"`
	Subject    string          `json:"subject" doc:"the only subject that the issuer may assert"`
	AnySubject bool            `json:"allow_any_subject" doc:"the issuer may assert any subject; exactly one of allow_any_subject and subject is required"`
	Scope      []string        `json:"scope" need:"yes" doc:"the scopes that clients may request with an assertion"`
	Key        json.RawMessage `json:"jwk" need:"yes" doc:"the public key of the issuer, as a JWK with a kid"`
	ExpiresAt  time.Time       `json:"expires_at" need:"yes"`
}

// trustedOAuth2JwtGrantIssuer is a trusted issuer as the API returns it.
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

// trustedOAuth2JwtGrantJSONWebKey identifies a key; the set is the issuer.
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

// create serves POST /trust/grants/jwt-bearer/issuers.
func (h *trustedIssuerHandler) create(r *Request) (*Response, error) {
	var body trustOAuth2JwtGrantIssuer
	if err := r.decode(&body); err != nil {
		return nil, err
	}
	t, err := body.trust(h.now())
	if err != nil {
		return nil, err
	}
	r.Target = t.ID
	if err := h.store.InsertTrust(r.Context(), t); err != nil {
		return nil, err
	}
	return r.created(t.ID, viewIssuer(t)), nil
}

func (b *trustOAuth2JwtGrantIssuer) trust(now time.Time) (*trustedissuer.Trust, error) {
	switch {
	case b.Subject == "" && !b.AnySubject:
		return nil, invalid("One of the members subject and allow_any_subject is required.")
	case b.Subject != "" && b.AnySubject:
		return nil, invalid("The members subject and allow_any_subject exclude each other.")
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
		return nil, invalid("The trusted issuer is invalid: " + err.Error() + ".")
	}
	return t, nil
}

// publicKey returns the public key in a JWK, without its other members.
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

// get serves GET /trust/grants/jwt-bearer/issuers/{id}.
func (h *trustedIssuerHandler) get(r *Request) (*Response, error) {
	t, err := h.store.Trust(r.Context(), r.Target)
	if err != nil {
		return nil, err
	}
	return ok(viewIssuer(t)), nil
}

// delete serves DELETE /trust/grants/jwt-bearer/issuers/{id}.
func (h *trustedIssuerHandler) delete(r *Request) (*Response, error) {
	if err := h.store.DeleteTrust(r.Context(), r.Target); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// list serves GET /trust/grants/jwt-bearer/issuers.
func (h *trustedIssuerHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r, "issuer")
	if err != nil {
		return nil, err
	}
	skip, err := p.offset()
	if err != nil {
		return nil, err
	}
	iss := r.query().Get("issuer")
	list, err := h.store.ListTrusts(r.Context(), iss, p.After, skip, p.Size)
	if err != nil {
		return nil, err
	}
	total, err := h.store.CountTrusts(r.Context(), iss)
	if err != nil {
		return nil, err
	}
	views, last := make([]*trustedOAuth2JwtGrantIssuer, len(list)), ""
	for i, t := range list {
		views[i], last = viewIssuer(t), t.ID
	}
	p.linkOffsets(total, skip, len(list), last)
	return ok(views), nil
}
