package admin

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
)

// userCreateHandler serves the operation that creates a user.
type userCreateHandler struct{ *userLinkHandler }

func (h *userCreateHandler) operations() []Operation {
	return []Operation{{
		ID: "createUser", Method: http.MethodPost, Path: "/users", Scope: apikey.UsersWrite, Action: "user.create",
		Summary: "Create a user: with a password, with the hash of a password, or without one. To give an admin_role, the caller needs the scopes of the role.",
		Query:   []Parameter{{Name: mailParameter, Type: "boolean", Description: "true sends the link of invite by mail instead of returning it."}},
		Body:    newUser{}, Responses: map[int]any{http.StatusCreated: createdUser{}}, Do: h.create,
	}}
}

// newUser is a user to create, in the form of the import.
type newUser struct {
	Username     string         `json:"username" need:"yes"`
	Subject      string         `json:"subject" doc:"by default random"`
	Password     string         `json:"password" doc:"excludes password_hash and invite"`
	PasswordHash string         `json:"password_hash" doc:"argon2, bcrypt, PBKDF2 or scrypt"`
	Invite       bool           `json:"invite" doc:"true creates a one-time link with which the user sets the first password"`
	Emails       []userAddress  `json:"emails"`
	Claims       map[string]any `json:"claims" doc:"email and email_verified become the primary address"`
	Groups       []string       `json:"groups" doc:"names of existing groups"`
	Roles        []string       `json:"roles"`
	Attributes   map[string]any `json:"attributes" doc:"values of the attributes of /attributes"`
	AdminRole    string         `json:"admin_role" doc:"owner, administrator, support, auditor or empty"`
	State        string         `json:"state" doc:"active, disabled, must_change_password or must_enrol"`
}

// createdUser is a new user, with the link of an invitation.
type createdUser struct {
	*userView

	Invitation *oneTimeLink `json:"invitation,omitempty"`
}

// create serves POST /users. If the link of an invitation cannot be made or sent, no user is
// created.
func (h *userCreateHandler) create(r *Request) (*Response, error) {
	entry, invite, err := readNewUser(r)
	if err != nil {
		return nil, err
	}
	users := h.users(r)
	a, err := users.CreateEntry(r.Context(), entry)
	if err != nil {
		return nil, err
	}
	r.Target = a.Subject
	var created createdUser
	if invite {
		if created.Invitation, err = h.invitation(r, a); err != nil {
			return nil, err
		}
	}
	views, err := h.view(r.Context(), a)
	if err != nil {
		return nil, err
	}
	created.userView = views[0]
	return r.created(a.Subject, created), nil
}

// invitation returns or sends a link for a new user, who is deleted again if that is impossible.
func (h *userCreateHandler) invitation(r *Request, a *account.Account) (*oneTimeLink, error) {
	link, err := h.link(r, a, false)
	if err != nil {
		return nil, errors.Join(err, h.store.DeleteAccount(r.Context(), a.Subject, h.now()))
	}
	return link, nil
}

// readNewUser returns the body of a request to create a user in the form of the import, and its
// member invite.
func readNewUser(r *Request) (entry json.RawMessage, invite bool, err error) {
	var members map[string]json.RawMessage
	if err := r.decode(&members); err != nil {
		return nil, false, err
	}
	if raw, ok := members["invite"]; ok && json.Unmarshal(raw, &invite) != nil {
		return nil, false, invalid("The member invite must be true or false.")
	}
	delete(members, "invite")
	if invite && (members["password"] != nil || members["password_hash"] != nil) {
		return nil, false, invalid("The member invite excludes password and password_hash.")
	}
	entry, err = json.Marshal(members)
	return entry, invite, err
}
