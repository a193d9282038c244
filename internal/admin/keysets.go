package admin

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/httpapi"
	"github.com/ostiary/ostiary/internal/keyset"
)

// KeySets keeps named sets of keys.
type KeySets interface {
	KeySet(ctx context.Context, set string) ([]*keyset.Key, error)
	// SetKey returns keyset.ErrNotFound for a key that is not there.
	SetKey(ctx context.Context, set, kid string) (*keyset.Key, error)
	// InsertSetKey returns keyset.ErrExists for a kid that is taken, and, as those that
	// follow, keyset.ErrFull where there is no room.
	InsertSetKey(ctx context.Context, k *keyset.Key) error
	PutSetKey(ctx context.Context, keys ...*keyset.Key) error
	ReplaceKeySet(ctx context.Context, set string, keys []*keyset.Key) error
	// DeleteSetKey and DeleteKeySet return keyset.ErrNotFound where there is nothing.
	DeleteSetKey(ctx context.Context, set, kid string) error
	DeleteKeySet(ctx context.Context, set string) error
}

// maxKeySet bounds a whole set as it is brought, in bytes.
const maxKeySet = 1 << 20

// jsonWebKeySet is a set of keys (RFC 7517 section 5).
type jsonWebKeySet struct {
	Keys []json.RawMessage `json:"keys"`
}

// createKey asks for a key.
type createKey struct {
	Algorithm string `json:"alg" need:"true" doc:"RS256, ES256, ES512 or EdDSA"`
	KID       string `json:"kid" doc:"its name; its thumbprint unless it is said"`
	Use       string `json:"use" doc:"sig or enc; sig unless it is said"`
}

func (h *Handler) keySetOperations() []Operation {
	const set, one = "/keys/{set}", "/keys/{set}/{kid}"
	return []Operation{{
		ID: "getJsonWebKeySet", Method: http.MethodGet, Path: set, Scope: apikey.KeysRead,
		Summary: "The keys of a set, without what is private in them unless the caller holds keys:export.",
		Answers: map[int]any{http.StatusOK: jsonWebKeySet{}},
		Do:      h.readKeySet,
	}, {
		ID: "createJsonWebKeySet", Method: http.MethodPost, Path: set, Scope: apikey.KeysWrite,
		Summary: "Makes a key in a set, which may be new. In a set that tokens are signed with, it signs when it has been published for long enough.",
		Body:    createKey{}, Action: "keys.create",
		Answers: map[int]any{http.StatusCreated: jsonWebKeySet{}},
		Do:      h.createKey,
	}, {
		ID: "setJsonWebKeySet", Method: http.MethodPut, Path: set, Scope: apikey.KeysWrite,
		Summary: "Lets a set hold these keys and no others. A set that tokens are signed with gets them besides those that it has.",
		Body:    jsonWebKeySet{}, MaxBytes: maxKeySet, Action: "keys.replace",
		Answers: map[int]any{http.StatusOK: jsonWebKeySet{}},
		Do:      h.replaceKeySet,
	}, {
		ID: "deleteJsonWebKeySet", Method: http.MethodDelete, Path: set, Scope: apikey.KeysWrite,
		Summary: "Deletes a set with all its keys.", Action: "keys.delete",
		Answers: map[int]any{http.StatusNoContent: nil},
		Do:      h.deleteKeySet,
	}, {
		ID: "getJsonWebKey", Method: http.MethodGet, Path: one, Scope: apikey.KeysRead,
		Summary: "One key of a set, as a set.",
		Answers: map[int]any{http.StatusOK: jsonWebKeySet{}},
		Do:      h.readKey,
	}, {
		ID: "setJsonWebKey", Method: http.MethodPut, Path: one, Scope: apikey.KeysWrite,
		Summary: "Puts a key into a set, in the place of one of its kid.",
		Body:    json.RawMessage{}, Action: "key.replace",
		Answers: map[int]any{http.StatusOK: json.RawMessage{}},
		Do:      h.replaceKey,
	}, {
		ID: "deleteJsonWebKey", Method: http.MethodDelete, Path: one, Scope: apikey.KeysWrite,
		Summary: "Deletes a key of a set, unless tokens are being signed with it.", Action: "key.delete",
		Answers: map[int]any{http.StatusNoContent: nil},
		Do:      h.deleteKey,
	}}
}

// keyPath returns the names in the path of a call. The second is empty where there is
// none.
func keyPath(c *Call) (set, kid string, err error) {
	set, kid = variable(c.Request, "set"), variable(c.Request, "kid")
	if keyset.CheckName(set) != nil || kid != "" && keyset.CheckName(kid) != nil {
		return "", "", invalid("The name of a set or key has 1 to 255 characters of visible ASCII.")
	}
	return set, kid, nil
}

// shown writes keys as the caller may see them.
func (h *Handler) shown(c *Call, keys ...*keyset.Key) (jsonWebKeySet, error) {
	set := jsonWebKeySet{Keys: make([]json.RawMessage, len(keys))}
	private, err := h.holds(c, apikey.KeysExport)
	if err != nil {
		return set, err
	}
	for i, k := range keys {
		set.Keys[i] = k.Public
		if private {
			if set.Keys[i], err = k.Open(h.Vault); err != nil {
				return set, err
			}
		}
	}
	return set, nil
}

func (h *Handler) answerKeys(c *Call, status int, keys ...*keyset.Key) (*Reply, error) {
	set, err := h.shown(c, keys...)
	if err != nil {
		return nil, err
	}
	return &Reply{status, set}, nil
}

func (h *Handler) keys() keyset.Keys { return keyset.Keys{Sealer: h.Vault, Now: h.Now} }

// readKeySet serves GET /keys/{set}.
func (h *Handler) readKeySet(c *Call) (*Reply, error) {
	set, _, err := keyPath(c)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.showSigning(c, http.StatusOK, nil)
	}
	keys, err := h.KeySets.KeySet(c.Context(), set)
	if err == nil && len(keys) == 0 {
		err = keyset.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	return h.answerKeys(c, http.StatusOK, keys...)
}

// readKey serves GET /keys/{set}/{kid}.
func (h *Handler) readKey(c *Call) (*Reply, error) {
	set, kid, err := keyPath(c)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.showSigning(c, http.StatusOK, func(one string) bool { return one == kid })
	}
	key, err := h.KeySets.SetKey(c.Context(), set, kid)
	if err != nil {
		return nil, err
	}
	return h.answerKeys(c, http.StatusOK, key)
}

// createKey serves POST /keys/{set}.
func (h *Handler) createKey(c *Call) (*Reply, error) {
	set, _, err := keyPath(c)
	if err != nil {
		return nil, err
	}
	var asked createKey
	if err := read(c.Request, &asked); err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.rotateSigning(c, asked.Algorithm)
	}
	key, err := h.keys().Generate(set, asked.Algorithm, asked.Use, asked.KID)
	if err != nil {
		return nil, invalid("The member " + httpapi.Description(err.Error()) + ".")
	}
	if err := h.KeySets.InsertSetKey(c.Context(), key); err != nil {
		return nil, err
	}
	c.Target = set + "/" + key.KID
	return h.answerKeys(c, http.StatusCreated, key)
}

// broughtKeys returns which set or key a call is about, and what it brings.
func broughtKeys(c *Call) (set, kid string, raw []byte, err error) {
	if set, kid, err = keyPath(c); err != nil {
		return "", "", nil, err
	}
	raw, err = whole(c.Request)
	return set, kid, raw, err
}

// replaceKeySet serves PUT /keys/{set}.
func (h *Handler) replaceKeySet(c *Call) (*Reply, error) {
	set, _, raw, err := broughtKeys(c)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.importSigning(c, raw)
	}
	keys, err := h.keys().ParseSet(set, raw)
	if err != nil {
		return nil, invalid("The set cannot be kept: " + httpapi.Description(err.Error()) + ".")
	}
	if err := h.KeySets.ReplaceKeySet(c.Context(), set, keys); err != nil {
		return nil, err
	}
	return h.answerKeys(c, http.StatusOK, keys...)
}

// replaceKey serves PUT /keys/{set}/{kid}.
func (h *Handler) replaceKey(c *Call) (*Reply, error) {
	set, kid, raw, err := broughtKeys(c)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.importSigningKey(c, raw)
	}
	key, err := h.keys().Parse(set, kid, raw)
	if err != nil {
		return nil, invalid("The key cannot be kept: it " + httpapi.Description(err.Error()) + ".")
	}
	if err := h.KeySets.PutSetKey(c.Context(), key); err != nil {
		return nil, err
	}
	shown, err := h.shown(c, key)
	if err != nil {
		return nil, err
	}
	return ok(shown.Keys[0]), nil
}

// deleteKeySet serves DELETE /keys/{set}.
func (h *Handler) deleteKeySet(c *Call) (*Reply, error) {
	set, _, err := keyPath(c)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return nil, errSigning
	}
	return gone(h.KeySets.DeleteKeySet(c.Context(), set))
}

// deleteKey serves DELETE /keys/{set}/{kid}.
func (h *Handler) deleteKey(c *Call) (*Reply, error) {
	set, kid, err := keyPath(c)
	if err != nil {
		return nil, err
	}
	if keyset.IsReserved(set) {
		return h.removeSigning(c, kid)
	}
	return gone(h.KeySets.DeleteSetKey(c.Context(), set, kid))
}

// gone answers a deletion: what is not there is gone.
func gone(err error) (*Reply, error) {
	if err != nil && !errors.Is(err, keyset.ErrNotFound) {
		return nil, err
	}
	return done(), nil
}
