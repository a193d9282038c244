package admin

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
)

// userGroupHandler serves the operations on the groups of users.
type userGroupHandler struct{ *userCases }

func (h *userGroupHandler) operations() []Operation {
	const path = userPath + "/groups"
	return []Operation{{
		ID: "listUserGroups", Method: http.MethodGet, Path: path, Scope: apikey.UsersRead, ReadAction: readUser,
		Summary: "List the names of the groups of a user.", Responses: map[int]any{http.StatusOK: []string{}}, Do: h.list,
	}, {
		ID: "addUserToGroup", Method: http.MethodPut, Path: path + "/{group}", Scope: apikey.UsersWrite, Action: "user.group.add",
		Summary: "Add a user to a group.", Responses: map[int]any{http.StatusNoContent: nil}, Do: func(r *Request) (*Response, error) {
			return h.set(r, manage.UserChange{AddGroups: []string{r.pathValue("group")}})
		},
	}, {
		ID: "removeUserFromGroup", Method: http.MethodDelete, Path: path + "/{group}", Scope: apikey.UsersWrite, Action: "user.group.remove",
		Summary: "Remove a user from a group.", Responses: map[int]any{http.StatusNoContent: nil}, Do: func(r *Request) (*Response, error) {
			return h.set(r, manage.UserChange{RemoveGroups: []string{r.pathValue("group")}})
		},
	}}
}

// list serves GET /users/{subject}/groups.
func (h *userGroupHandler) list(r *Request) (*Response, error) {
	a, err := h.store.Account(r.Context(), r.pathValue("subject"))
	if err != nil {
		return nil, err
	}
	return ok(full(a.Groups)), nil
}

// set serves PUT and DELETE /users/{subject}/groups/{group}. Both may be repeated.
func (h *userGroupHandler) set(r *Request, change manage.UserChange) (*Response, error) {
	if _, err := h.change(r, change); err != nil {
		return nil, err
	}
	return noContent(), nil
}
