package admin

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/apikey"
)

// userSessionHandler serves the operations on the sessions of one user.
type userSessionHandler struct {
	*userCases

	sessions Sessions
	manager  SessionManager
}

func (h *userSessionHandler) operations() []Operation {
	const path = userPath + "/sessions"
	none := map[int]any{http.StatusNoContent: nil}
	return []Operation{{
		ID: "listUserSessions", Method: http.MethodGet, Path: path, Scope: apikey.UsersRead, ReadAction: readUser,
		Summary: "List the active sessions of a user.", Query: pageParameters(), Responses: map[int]any{http.StatusOK: []loginSession{}}, Do: h.list,
	}, {
		ID: "endUserSessions", Method: http.MethodDelete, Path: path, Scope: apikey.UsersWrite, Action: "session.revoke",
		Summary: "End all sessions of a user, revoke their grants and send logout notices to clients.", Responses: none, Do: h.endAll,
	}, {
		ID: "endUserSession", Method: http.MethodDelete, Path: path + "/{sid}", Scope: apikey.UsersWrite, Action: "session.revoke",
		Summary: "End a session of a user, revoke its grants and send logout notices to clients.", Responses: none, Do: h.end,
	}}
}

// list serves GET /users/{subject}/sessions.
func (h *userSessionHandler) list(r *Request) (*Response, error) {
	a, err := h.store.Account(r.Context(), r.pathValue("subject"))
	if err != nil {
		return nil, err
	}
	return listSessions(r, h.sessions, a.Subject, h.now())
}

// endAll serves DELETE /users/{subject}/sessions.
func (h *userSessionHandler) endAll(r *Request) (*Response, error) {
	_, a, err := h.permitted(r)
	if err != nil {
		return nil, err
	}
	if _, err := h.manager.EndAll(r.Context(), a.Subject); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// end serves DELETE /users/{subject}/sessions/{sid}.
func (h *userSessionHandler) end(r *Request) (*Response, error) {
	_, a, err := h.permitted(r)
	if err != nil {
		return nil, err
	}
	if err := h.manager.EndOf(r.Context(), a.Subject, r.pathValue("sid")); err != nil {
		return nil, err
	}
	return noContent(), nil
}
