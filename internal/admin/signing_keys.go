package admin

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/jwks"
)

// SigningKeys manages the signing keys of the server. Two key sets contain them, since Ory
// Hydra has one for ID tokens and one for access tokens.
type SigningKeys interface {
	Export(ctx context.Context, private bool) ([]jose.JSONWebKey, error)
	// Rotate publishes a new key, which signs once clients can have fetched it.
	Rotate(ctx context.Context, alg jwks.Algorithm) ([]jwks.Record, error)
	// Import publishes a key as the next signing key. It returns jwks.ErrExists for a known
	// key and jwks.ErrUnsuitable for a key that cannot sign with the algorithm.
	Import(ctx context.Context, alg jwks.Algorithm, signer crypto.Signer) error
	// Records returns the keys with their states, without their private halves.
	Records(ctx context.Context) ([]jwks.Record, error)
	// Withdraw removes a key in any state, and replaces a current one. It returns jwks.ErrUnknownKey for an
	// unknown key.
	Withdraw(ctx context.Context, kid string) (jwks.Withdrawal, error)
	// Remove returns jwks.ErrSigning for the current signing key.
	Remove(ctx context.Context, kid string) error
}

// signingKeyHandler serves the key sets of the signing keys for keySetHandler.
type signingKeyHandler struct {
	keys   SigningKeys
	access *access
}

var errSigning = &httpapi.Error{
	Status: http.StatusConflict, Code: "Conflict",
	Description: "The current signing key cannot be deleted. Create a new key, wait until it signs, and delete the old one.",
}

// show returns the signing keys whose kid fulfills the condition; nil returns all.
func (h *signingKeyHandler) show(r *Request, status int, condition func(kid string) bool) (*Response, error) {
	keys, err := h.keys.Export(r.Context(), h.access.holds(r, apikey.KeysExport))
	if err != nil {
		return nil, err
	}
	set := jsonWebKeySet{Keys: []json.RawMessage{}}
	for _, key := range keys {
		if condition != nil && !condition(key.KeyID) {
			continue
		}
		raw, err := key.MarshalJSON()
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, raw)
	}
	if len(set.Keys) == 0 {
		return nil, jwks.ErrUnknownKey
	}
	return &Response{status, set}, nil
}

// rotate publishes a new key for alg and returns it.
func (h *signingKeyHandler) rotate(r *Request, alg string) (*Response, error) {
	before, err := h.keys.Export(r.Context(), false)
	if err != nil {
		return nil, err
	}
	if alg == "" {
		return nil, invalid("The member alg is missing.")
	}
	records, err := h.keys.Rotate(r.Context(), jwks.Algorithm(alg))
	if errors.Is(err, jwks.ErrUnknownKey) {
		return nil, invalid("The member alg must be RS256, PS256, ES256 or EdDSA.")
	}
	if err != nil {
		return nil, err
	}
	created := map[string]bool{}
	for _, record := range records {
		created[record.KID] = true
	}
	for _, key := range before {
		delete(created, key.KeyID)
	}
	return h.show(r, http.StatusCreated, func(kid string) bool { return created[kid] })
}

// importSet publishes the keys of a set.
func (h *signingKeyHandler) importSet(r *Request, raw []byte) (*Response, error) {
	var set jsonWebKeySet
	if err := json.Unmarshal(raw, &set); err != nil || len(set.Keys) == 0 || len(set.Keys) > 8 {
		return nil, invalid("The request body must be a set of one to eight keys.")
	}
	published := map[string]bool{}
	for _, one := range set.Keys {
		kid, err := h.publish(r, one)
		if err != nil {
			return nil, err
		}
		published[kid] = true
	}
	return h.show(r, http.StatusOK, func(kid string) bool { return published[kid] })
}

// importKey publishes one key.
func (h *signingKeyHandler) importKey(r *Request, raw []byte) (*Response, error) {
	kid, err := h.publish(r, raw)
	if err != nil {
		return nil, err
	}
	response, err := h.show(r, http.StatusOK, func(one string) bool { return one == kid })
	if err != nil {
		return nil, err
	}
	set, _ := response.Body.(jsonWebKeySet)
	return ok(set.Keys[0]), nil
}

// publish publishes a private key as the next signing key. It returns the kid, which is the
// thumbprint of the key regardless of the kid in the request. The caller needs the scope to
// export keys, since a caller who knows a signing key can sign tokens.
func (h *signingKeyHandler) publish(r *Request, raw []byte) (kid string, err error) {
	if !h.access.holds(r, apikey.KeysExport) {
		return "", insufficientScope(apikey.KeysExport)
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(raw); err != nil || !jwk.Valid() {
		return "", invalid("A key of the set is not a valid JSON Web Key.")
	}
	signer, private := jwk.Key.(crypto.Signer)
	if !private {
		return "", invalid("A key lacks its private members, which a signing key needs.")
	}
	alg := jwks.Algorithm(jwk.Algorithm)
	if alg == "" {
		alg = jwks.AlgorithmOf(signer.Public())
	}
	kid, err = jwks.KID(signer.Public())
	if err == nil {
		err = h.keys.Import(r.Context(), alg, signer)
	}
	switch {
	case errors.Is(err, jwks.ErrExists):
		return kid, nil
	case errors.Is(err, jwks.ErrUnsuitable), errors.Is(err, jwks.ErrUnknownKey):
		return "", invalid("A key is not suitable for signing: the algorithm must be RS256, PS256, ES256 or EdDSA, and RSA keys must have 2048 to 4096 bits.")
	}
	return kid, err
}

// remove removes a key from the published key set.
func (h *signingKeyHandler) remove(r *Request, kid string) (*Response, error) {
	err := h.keys.Remove(r.Context(), kid)
	switch {
	case errors.Is(err, jwks.ErrSigning):
		return nil, errSigning
	case err != nil && !errors.Is(err, jwks.ErrUnknownKey):
		return nil, err
	}
	return noContent(), nil
}
