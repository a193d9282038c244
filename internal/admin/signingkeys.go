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

// SigningKeys are the keys that this server signs with. Two sets show them, since Ory
// Hydra has one for ID tokens and one for access tokens.
type SigningKeys interface {
	Export(ctx context.Context, private bool) ([]jose.JSONWebKey, error)
	// Rotate publishes a new key, which signs when it can be known.
	Rotate(ctx context.Context, alg jwks.Algorithm) ([]jwks.Record, error)
	// Import publishes a key as the next one: jwks.ErrExists for one that is there,
	// jwks.ErrUnsuitable for one that cannot sign.
	Import(ctx context.Context, alg jwks.Algorithm, signer crypto.Signer) error
	// Remove returns jwks.ErrSigning for a key that signs.
	Remove(ctx context.Context, kid string) error
}

var errSigning = &httpapi.Error{
	Status: http.StatusConflict, Code: "Conflict",
	Description: "Tokens are signed with these keys. Create a new key, wait until it signs, and delete the old one.",
}

// showSigning answers with the signing keys for whose kid which is true; nil is for all.
func (h *Handler) showSigning(c *Call, status int, which func(kid string) bool) (*Reply, error) {
	private, err := h.holds(c, apikey.KeysExport)
	if err != nil {
		return nil, err
	}
	keys, err := h.SigningKeys.Export(c.Context(), private)
	if err != nil {
		return nil, err
	}
	set := jsonWebKeySet{Keys: []json.RawMessage{}}
	for _, key := range keys {
		if which != nil && !which(key.KeyID) {
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
	return &Reply{status, set}, nil
}

// rotateSigning makes a new key for alg, and answers with it.
func (h *Handler) rotateSigning(c *Call, alg string) (*Reply, error) {
	before, err := h.SigningKeys.Export(c.Context(), false)
	if err != nil {
		return nil, err
	}
	if alg == "" {
		return nil, invalid("The member alg is missing.")
	}
	records, err := h.SigningKeys.Rotate(c.Context(), jwks.Algorithm(alg))
	if errors.Is(err, jwks.ErrUnknownKey) {
		return nil, invalid("Tokens are signed with RS256, PS256, ES256 or EdDSA: the member alg must be one of them.")
	}
	if err != nil {
		return nil, err
	}
	made := map[string]bool{}
	for _, r := range records {
		made[r.KID] = true
	}
	for _, key := range before {
		delete(made, key.KeyID)
	}
	return h.showSigning(c, http.StatusCreated, func(kid string) bool { return made[kid] })
}

// importSigning publishes the keys of a set.
func (h *Handler) importSigning(c *Call, raw []byte) (*Reply, error) {
	var set jsonWebKeySet
	if err := json.Unmarshal(raw, &set); err != nil || len(set.Keys) == 0 || len(set.Keys) > 8 {
		return nil, invalid("The request body must be a set of one to eight keys.")
	}
	shown := map[string]bool{}
	for _, one := range set.Keys {
		kid, err := h.bring(c, one)
		if err != nil {
			return nil, err
		}
		shown[kid] = true
	}
	return h.showSigning(c, http.StatusOK, func(kid string) bool { return shown[kid] })
}

// importSigningKey publishes one key.
func (h *Handler) importSigningKey(c *Call, raw []byte) (*Reply, error) {
	kid, err := h.bring(c, raw)
	if err != nil {
		return nil, err
	}
	reply, err := h.showSigning(c, http.StatusOK, func(one string) bool { return one == kid })
	if err != nil {
		return nil, err
	}
	set, _ := reply.Body.(jsonWebKeySet)
	return ok(set.Keys[0]), nil
}

// bring publishes a private key, and returns its kid, which is its thumbprint whatever
// it was called. Who brings one can sign tokens, as who has been shown one can.
func (h *Handler) bring(c *Call, raw []byte) (kid string, err error) {
	knows, err := h.holds(c, apikey.KeysExport)
	if err != nil {
		return "", err
	}
	if !knows {
		return "", insufficientScope(apikey.KeysExport)
	}
	var jwk jose.JSONWebKey
	if err := jwk.UnmarshalJSON(raw); err != nil || !jwk.Valid() {
		return "", invalid("A key is no JSON Web Key.")
	}
	signer, private := jwk.Key.(crypto.Signer)
	if !private {
		return "", invalid("Tokens are signed with these keys: they must come with their private halves.")
	}
	alg := jwks.Algorithm(jwk.Algorithm)
	if alg == "" {
		alg = jwks.AlgorithmOf(signer.Public())
	}
	kid, err = jwks.KID(signer.Public())
	if err == nil {
		err = h.SigningKeys.Import(c.Context(), alg, signer)
	}
	switch {
	case errors.Is(err, jwks.ErrExists):
		return kid, nil
	case errors.Is(err, jwks.ErrUnsuitable), errors.Is(err, jwks.ErrUnknownKey):
		return "", invalid("Tokens are signed with RS256, PS256, ES256 or EdDSA, and with RSA keys of 2048 to 4096 bits: a key cannot be used for that.")
	}
	return kid, err
}

// removeSigning takes a key out of the key set.
func (h *Handler) removeSigning(c *Call, kid string) (*Reply, error) {
	err := h.SigningKeys.Remove(c.Context(), kid)
	switch {
	case errors.Is(err, jwks.ErrSigning):
		return nil, errSigning
	case err != nil && !errors.Is(err, jwks.ErrUnknownKey):
		return nil, err
	}
	return done(), nil
}
