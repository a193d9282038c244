package admin

import (
	"net/http"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
)

// userAddressHandler serves the operations on the email addresses of users.
type userAddressHandler struct{ *userCases }

func (h *userAddressHandler) operations() []Operation {
	const path = userPath + "/addresses"
	response := map[int]any{http.StatusOK: []userAddress{}}
	return []Operation{{
		ID: "listUserAddresses", Method: http.MethodGet, Path: path, Scope: apikey.UsersRead, ReadAction: readUser,
		Summary: "List the email addresses of a user, the primary one first.", Responses: response, Do: h.list,
	}, {
		ID: "addUserAddress", Method: http.MethodPost, Path: path, Scope: apikey.UsersWrite, Action: "user.address.add",
		Summary: "Add an email address to a user, or verify it or make it primary, and return all addresses. Only one user can have an address verified.",
		Body:    userAddress{}, Responses: response, Do: h.add,
	}, {
		ID: "deleteUserAddress", Method: http.MethodDelete, Path: path + "/{address}", Scope: apikey.UsersWrite, Action: "user.address.remove",
		Summary: "Remove an email address of a user. If it was the primary one, another one becomes primary.", Responses: map[int]any{http.StatusNoContent: nil}, Do: h.remove,
	}}
}

// list serves GET /users/{subject}/addresses.
func (h *userAddressHandler) list(r *Request) (*Response, error) {
	a, err := h.store.Account(r.Context(), r.pathValue("subject"))
	if err != nil {
		return nil, err
	}
	return ok(viewAddresses(a)), nil
}

// add serves POST /users/{subject}/addresses.
func (h *userAddressHandler) add(r *Request) (*Response, error) {
	var body userAddress
	if err := r.decode(&body); err != nil {
		return nil, err
	}
	r.Target += "/" + body.Address
	address := account.Address{Address: body.Address, Primary: body.Primary}
	if body.Verified {
		address.VerifiedAt = h.now()
	}
	a, err := h.changeAddresses(r, manage.UserChange{AddAddresses: []account.Address{address}})
	if err != nil {
		return nil, err
	}
	return ok(viewAddresses(a)), nil
}

// remove serves DELETE /users/{subject}/addresses/{address}.
func (h *userAddressHandler) remove(r *Request) (*Response, error) {
	if _, err := h.changeAddresses(r, manage.UserChange{RemoveAddresses: []string{r.pathValue("address")}}); err != nil {
		return nil, err
	}
	return noContent(), nil
}

// changeAddresses changes the addresses of the user in the path.
func (h *userAddressHandler) changeAddresses(r *Request, change manage.UserChange) (*account.Account, error) {
	users, a, err := h.permittedSignIn(r)
	if err != nil {
		return nil, err
	}
	return users.Update(r.Context(), a, change)
}

// change changes the user in the path.
func (c *userCases) change(r *Request, change manage.UserChange) (*account.Account, error) {
	users, a, err := c.permitted(r)
	if err != nil {
		return nil, err
	}
	return users.Update(r.Context(), a, change)
}
