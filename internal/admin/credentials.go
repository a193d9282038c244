package admin

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/credential"
)

// credentialHandler serves the operations on the credentials of users.
type credentialHandler struct{ *userCases }

func (h *credentialHandler) operations() []Operation {
	const path = "/users/{subject}/credentials"
	return []Operation{{
		ID: "listUserCredentials", Method: http.MethodGet, Path: path, Scope: apikey.UsersRead, ReadAction: readUser,
		Summary:   "List the credentials of a user, without their secrets.",
		Responses: map[int]any{http.StatusOK: []userCredential{}}, Do: h.list,
	}, {
		ID: "resetUserFactors", Method: http.MethodDelete, Path: path, Scope: apikey.UsersWrite,
		Summary:   "Remove all passkeys, security keys, authenticator apps, recovery codes and trusted devices of a user. The password stays. For an owner or administrator, the caller needs the scopes of an owner.",
		Responses: map[int]any{http.StatusNoContent: nil}, Action: "user.factors.reset", Do: h.reset,
	}, {
		ID: "deleteUserCredential", Method: http.MethodDelete, Path: path + "/{id}", Scope: apikey.UsersWrite,
		Summary:   "Remove a credential of a user. Removing the password ends the sessions and grants of the user.",
		Responses: map[int]any{http.StatusNoContent: nil}, Action: "user.credential.remove", Do: h.remove,
	}}
}

// userCredential is a credential as the API returns it.
type userCredential struct {
	ID         string          `json:"id"`
	Kind       credential.Kind `json:"kind" doc:"password, passkey, security_key, totp or recovery_codes"`
	Label      string          `json:"label,omitempty" doc:"the name of the user for it"`
	Left       *int            `json:"left,omitempty" doc:"how many recovery codes are unused"`
	CreatedAt  time.Time       `json:"created_at"`
	LastUsedAt time.Time       `json:"last_used_at,omitzero"`
}

func viewCredential(c credential.Info) userCredential {
	return userCredential{c.ID, c.Kind, c.Label, c.Left, c.CreatedAt.UTC(), c.LastUsedAt.UTC()}
}

// list serves GET /users/{subject}/credentials.
func (h *credentialHandler) list(r *Request) (*Response, error) {
	list, err := h.credentials(nil).List(r.Context(), r.pathValue("subject"))
	if err != nil {
		return nil, err
	}
	views := make([]userCredential, len(list))
	for i, c := range list {
		views[i] = viewCredential(c)
	}
	return ok(views), nil
}

// reset serves DELETE /users/{subject}/credentials.
func (h *credentialHandler) reset(r *Request) (*Response, error) {
	_, a, err := h.permittedSignIn(r)
	if err != nil {
		return nil, err
	}
	if err := h.factors.ResetFactors(r.Context(), a.Subject, h.now()); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// remove serves DELETE /users/{subject}/credentials/{id}.
func (h *credentialHandler) remove(r *Request) (*Response, error) {
	_, guard := h.access.roleGuards(r)
	if err := h.credentials(guard).Remove(r.Context(), r.pathValue("subject"), r.pathValue("id")); err != nil {
		return nil, err
	}
	return noContent(), nil
}
