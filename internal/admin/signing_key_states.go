package admin

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/jwks"
)

// signingKeyStateHandler serves the signing keys with their states. The key sets of Ory Hydra have no states.
type signingKeyStateHandler struct{ keys SigningKeys }

func (h *signingKeyStateHandler) operations() []Operation {
	const path = "/signing-keys"
	return []Operation{{
		ID: "listSigningKeys", Method: http.MethodGet, Path: path, Scope: apikey.KeysRead,
		Summary: "List the signing keys of the server with their states.", Responses: map[int]any{http.StatusOK: []signingKeyView{}}, Do: h.list,
	}, {
		ID: "rotateSigningKeys", Method: http.MethodPost, Path: path + "/rotate", Scope: apikey.KeysWrite, Action: "key.rotate",
		Summary:   "Rotate the signing keys of all algorithms, as soon as clients can have fetched the next ones.",
		Responses: map[int]any{http.StatusOK: []signingKeyView{}}, Do: h.rotate,
	}, {
		ID: "withdrawSigningKey", Method: http.MethodDelete, Path: path + "/{kid}", Scope: apikey.KeysWrite, Action: "key.withdraw",
		Summary:   "Remove a leaked signing key immediately: the tokens that it signed become invalid, and the next key replaces a current one.",
		Responses: map[int]any{http.StatusOK: withdrawnView{}}, Do: h.withdraw,
	}}
}

// signingKeyView is a signing key as the API returns it.
type signingKeyView struct {
	KID         string    `json:"kid"`
	Algorithm   string    `json:"alg"`
	State       string    `json:"state" doc:"next, current, past or hint"`
	PublishedAt time.Time `json:"published_at,omitzero"`
	ActivatedAt time.Time `json:"activated_at,omitzero"`
	RetiredAt   time.Time `json:"retired_at,omitzero"`
	RemoveAfter time.Time `json:"remove_after,omitzero"`
}

type withdrawnView struct {
	SigningKID string `json:"signing_kid,omitempty" doc:"the current key of the algorithm"`
	Published  bool   `json:"signing_key_published" doc:"whether every cached key set contains it; otherwise clients fetch the set again"`
}

func viewSigningKeys(records []jwks.Record) []signingKeyView {
	views := make([]signingKeyView, len(records))
	for i, r := range records {
		views[i] = signingKeyView{
			r.KID, string(r.Algorithm), string(r.State), utc(r.PublishedAt), utc(r.ActivatedAt), utc(r.RetiredAt), utc(r.RemoveAfter),
		}
	}
	return views
}

// utc returns a time in UTC, and leaves the zero time.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

// list serves GET /signing-keys.
func (h *signingKeyStateHandler) list(r *Request) (*Response, error) {
	records, err := h.keys.Records(r.Context())
	if err != nil {
		return nil, err
	}
	return ok(viewSigningKeys(records)), nil
}

// rotate serves POST /signing-keys/rotate.
func (h *signingKeyStateHandler) rotate(r *Request) (*Response, error) {
	records, err := h.keys.Rotate(r.Context(), "")
	if err != nil {
		return nil, err
	}
	return ok(viewSigningKeys(records)), nil
}

// withdraw serves DELETE /signing-keys/{kid}.
func (h *signingKeyStateHandler) withdraw(r *Request) (*Response, error) {
	w, err := h.keys.Withdraw(r.Context(), r.pathValue("kid"))
	if err != nil {
		return nil, err
	}
	return ok(withdrawnView{w.Successor.KID, w.SuccessorPublished}), nil
}
