package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/keyset"
	"github.com/ostiary/ostiary/internal/manage"
)

// KeySets stores named key sets.
type KeySets interface {
	// KeySet returns no keys for an unknown set.
	KeySet(ctx context.Context, set string) ([]*keyset.Key, error)
	// Key returns keyset.ErrNotFound for an unknown key.
	Key(ctx context.Context, set, kid string) (*keyset.Key, error)
	manage.KeySetStore
	// DeleteKey and DeleteKeySet return keyset.ErrNotFound for an unknown key or set.
	DeleteKey(ctx context.Context, set, kid string) error
	DeleteKeySet(ctx context.Context, set string) error
}

// keySetHandler serves the operations on key sets. The reserved sets are those of the signing
// keys, which signingKeyHandler serves.
type keySetHandler struct {
	store   KeySets
	sealer  keyset.Sealer
	signing *signingKeyHandler
	access  *access
	now     func() time.Time
}

// maxKeySet is the maximum size of a key set in a request, in bytes.
const maxKeySet = 1 << 20

// jsonWebKeySet is a JWK Set.
//
// Spec: RFC 7517 §5.
type jsonWebKeySet struct {
	Keys []json.RawMessage `json:"keys"`
}

// createKey is the body of a request to generate a key.
type createKey struct {
	Algorithm string `json:"alg" need:"true" doc:"RS256, ES256, ES512 or EdDSA"`
	KID       string `json:"kid" doc:"by default the thumbprint of the key"`
	Use       string `json:"use" doc:"sig or enc; by default sig"`
}

func (h *keySetHandler) operations() []Operation {
	const set, one = "/keys/{set}", "/keys/{set}/{kid}"
	return []Operation{{
		ID: "getJsonWebKeySet", Method: http.MethodGet, Path: set, Scope: apikey.KeysRead,
		Summary:   "Get the keys of a set; with the scope keys:export, with their private members.",
		Responses: map[int]any{http.StatusOK: jsonWebKeySet{}},
		Do:        h.getSet,
	}, {
		ID: "createJsonWebKeySet", Method: http.MethodPost, Path: set, Scope: apikey.KeysWrite,
		Summary: "Generate a key in a new or existing set. A new signing key begins to sign after it has been published long enough for clients to fetch it.",
		Body:    createKey{}, Action: "keys.create",
		Responses: map[int]any{http.StatusCreated: jsonWebKeySet{}},
		Do:        h.create,
	}, {
		ID: "setJsonWebKeySet", Method: http.MethodPut, Path: set, Scope: apikey.KeysWrite,
		Summary: "Replace the keys of a set. In a set of signing keys, add the keys to the existing ones.",
		Body:    jsonWebKeySet{}, MaxBytes: maxKeySet, Action: "keys.replace",
		Responses: map[int]any{http.StatusOK: jsonWebKeySet{}},
		Do:        h.replaceSet,
	}, {
		ID: "deleteJsonWebKeySet", Method: http.MethodDelete, Path: set, Scope: apikey.KeysWrite,
		Summary: "Delete a set with all its keys.", Action: "keys.delete",
		Responses: map[int]any{http.StatusNoContent: nil},
		Do:        h.deleteSet,
	}, {
		ID: "getJsonWebKey", Method: http.MethodGet, Path: one, Scope: apikey.KeysRead,
		Summary:   "Get one key of a set, as a set.",
		Responses: map[int]any{http.StatusOK: jsonWebKeySet{}},
		Do:        h.get,
	}, {
		ID: "setJsonWebKey", Method: http.MethodPut, Path: one, Scope: apikey.KeysWrite,
		Summary: "Add a key to a set, or replace the key with the same kid.",
		Body:    json.RawMessage{}, Action: "key.replace",
		Responses: map[int]any{http.StatusOK: json.RawMessage{}},
		Do:        h.replace,
	}, {
		ID: "deleteJsonWebKey", Method: http.MethodDelete, Path: one, Scope: apikey.KeysWrite,
		Summary: "Delete a key of a set, unless it is the current signing key.", Action: "key.delete",
		Responses: map[int]any{http.StatusNoContent: nil},
		Do:        h.delete,
	}}
}

// keyPath returns the set and the kid in the path. The kid is empty if the path contains only a set.
func keyPath(r *Request) (set, kid string, err error) {
	set, kid = r.pathValue("set"), r.pathValue("kid")
	if keyset.CheckName(set) != nil || kid != "" && keyset.CheckName(kid) != nil {
		return "", "", invalid("The name of a set or key must have 1 to 255 characters of visible ASCII.")
	}
	return set, kid, nil
}

// view returns the keys, with their private members if the caller may export them.
func (h *keySetHandler) view(r *Request, keys ...*keyset.Key) (jsonWebKeySet, error) {
	set := jsonWebKeySet{Keys: make([]json.RawMessage, len(keys))}
	private := h.access.holds(r, apikey.KeysExport)
	var err error
	for i, k := range keys {
		set.Keys[i] = k.Public
		if private {
			if set.Keys[i], err = k.Open(h.sealer); err != nil {
				return set, err
			}
		}
	}
	return set, nil
}

func (h *keySetHandler) respond(r *Request, status int, keys ...*keyset.Key) (*Response, error) {
	set, err := h.view(r, keys...)
	if err != nil {
		return nil, err
	}
	return &Response{status, set}, nil
}

func (h *keySetHandler) manage() *manage.KeySets {
	return &manage.KeySets{Store: h.store, Keys: keyset.Keys{Sealer: h.sealer, Now: h.now}}
}

// invalidKey returns the response to an error of a key in the request, whose description
// begins with prefix.
func invalidKey(prefix string, err error) error {
	if invalidKey, ok := errors.AsType[*manage.InvalidKeyError](err); ok {
		return invalid(prefix + " " + httpapi.Description(invalidKey.Reason) + ".")
	}
	return err
}

// getSet serves GET /keys/{set}.
func (h *keySetHandler) getSet(r *Request) (*Response, error) {
	set, _, err := keyPath(r)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.signing.show(r, http.StatusOK, nil)
	}
	keys, err := h.store.KeySet(r.Context(), set)
	if err == nil && len(keys) == 0 {
		err = keyset.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return h.respond(r, http.StatusOK, keys...)
}

// get serves GET /keys/{set}/{kid}.
func (h *keySetHandler) get(r *Request) (*Response, error) {
	set, kid, err := keyPath(r)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.signing.show(r, http.StatusOK, func(one string) bool { return one == kid })
	}
	key, err := h.store.Key(r.Context(), set, kid)
	if err != nil {
		return nil, err
	}
	return h.respond(r, http.StatusOK, key)
}

// create serves POST /keys/{set}.
func (h *keySetHandler) create(r *Request) (*Response, error) {
	set, _, err := keyPath(r)
	if err != nil {
		return nil, err
	}
	var body createKey
	if err := r.decode(&body); err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.signing.rotate(r, body.Algorithm)
	}
	key, err := h.manage().Generate(r.Context(), set, body.Algorithm, body.Use, body.KID)
	if err != nil {
		return nil, invalidKey("The member", err)
	}
	r.Target = set + "/" + key.KID
	return h.respond(r, http.StatusCreated, key)
}

// keysInBody returns the set and kid in the path, and the body.
func keysInBody(r *Request) (set, kid string, raw []byte, err error) {
	if set, kid, err = keyPath(r); err != nil {
		return "", "", nil, err
	}
	raw, err = r.readBody()
	return set, kid, raw, err
}

// replaceSet serves PUT /keys/{set}.
func (h *keySetHandler) replaceSet(r *Request) (*Response, error) {
	set, _, raw, err := keysInBody(r)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.signing.importSet(r, raw)
	}
	keys, err := h.manage().Replace(r.Context(), set, raw)
	if err != nil {
		return nil, invalidKey("The key set is invalid:", err)
	}
	return h.respond(r, http.StatusOK, keys...)
}

// replace serves PUT /keys/{set}/{kid}.
func (h *keySetHandler) replace(r *Request) (*Response, error) {
	set, kid, raw, err := keysInBody(r)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.signing.importKey(r, raw)
	}
	key, err := h.manage().Put(r.Context(), set, kid, raw)
	if err != nil {
		return nil, invalidKey("The key is invalid: it", err)
	}
	view, err := h.view(r, key)
	if err != nil {
		return nil, err
	}
	return ok(view.Keys[0]), nil
}

// deleteSet serves DELETE /keys/{set}.
func (h *keySetHandler) deleteSet(r *Request) (*Response, error) {
	set, _, err := keyPath(r)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return nil, errSigning
	}
	return deleted(h.store.DeleteKeySet(r.Context(), set))
}

// delete serves DELETE /keys/{set}/{kid}.
func (h *keySetHandler) delete(r *Request) (*Response, error) {
	set, kid, err := keyPath(r)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.signing.remove(r, kid)
	}
	return deleted(h.store.DeleteKey(r.Context(), set, kid))
}

// deleted returns the response to a deletion, which succeeds for an unknown key or set too.
func deleted(err error) (*Response, error) {
	if err != nil && !errors.Is(err, keyset.ErrNotFound) {
		return nil, err
	}
	return noContent(), nil
}
