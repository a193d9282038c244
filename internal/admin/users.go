package admin

import (
	"context"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
)

// Users stores the accounts of users.
type Users interface {
	manage.UserStore
	// SearchAccounts returns accounts that follow the position after, and the position after them.
	SearchAccounts(ctx context.Context, f account.Filter, after string, limit int) (list []*account.Account, next string, err error)
}

// Factors removes the factors of users.
type Factors interface {
	// ResetFactors removes the passkeys, second factors and trusted devices of an account.
	ResetFactors(ctx context.Context, subject string, now time.Time) error
}

// userCases are the use cases of users, which the handlers of users share.
type userCases struct {
	store       Users
	attributes  Attributes
	sources     []manage.CredentialSource
	factors     Factors
	recovery    *manage.Recovery
	invitations *manage.Invitations
	hasher      manage.PasswordHasher
	access      *access
	now         func() time.Time
}

// users returns the use cases for the caller of a request.
func (c *userCases) users(r *Request) *manage.Users {
	permit, signIn := c.access.roleGuards(r)
	guard := func(before, after account.AdminRole) error {
		if before != after {
			r.Detail = account.RoleChange(before, after)
		}
		return permit(before, after)
	}
	return &manage.Users{Store: c.store, Attributes: c.attributes, Hasher: c.hasher, Now: c.now, Guard: guard, GuardSignIn: signIn}
}

// permitted returns the use cases and the user in the path, if the caller may change that user.
func (c *userCases) permitted(r *Request) (*manage.Users, *account.Account, error) {
	users := c.users(r)
	a, err := users.Permitted(r.Context(), r.pathValue("subject"))
	return users, a, err
}

// permittedSignIn is permitted for a user whose ways to sign in the caller may change.
func (c *userCases) permittedSignIn(r *Request) (*manage.Users, *account.Account, error) {
	users := c.users(r)
	a, err := users.PermittedSignIn(r.Context(), r.pathValue("subject"))
	return users, a, err
}

func (c *userCases) credentials(guard func(account.AdminRole) error) *manage.Credentials {
	return &manage.Credentials{Users: c.store, Sources: c.sources, Now: c.now, Guard: guard}
}

// userHandler serves the operations on users.
type userHandler struct{ *userCases }

const userPath = "/users/{subject}"

func (h *userHandler) operations() []Operation {
	return []Operation{{
		ID: "listUsers", Method: http.MethodGet, Path: "/users", Scope: apikey.UsersRead, ReadAction: listUsers,
		Summary: "List users, ordered by username, or search for some, ordered by the word that matches. A page of a search may have fewer users than page_size and still a next page.",
		Query: append([]Parameter{
			{Name: "q", Type: "string", Description: "List only users who are found by this text: each of its words is the beginning of a word of the name, username or email address, or the text is the beginning of the subject. Case and accents do not count."},
			{Name: "group", Type: "string", Description: "List only members of this group."},
		}, pageParameters()...),
		Responses: map[int]any{http.StatusOK: []userView{}}, Do: h.list,
	}, {
		ID: "getUser", Method: http.MethodGet, Path: userPath, Scope: apikey.UsersRead, ReadAction: readUser,
		Summary: "Get a user.", Responses: map[int]any{http.StatusOK: userView{}}, Do: h.get,
	}, {
		ID: "patchUser", Method: http.MethodPatch, Path: userPath, Scope: apikey.UsersWrite,
		Summary: "Change a user with a JSON Merge Patch. Sessions and grants stay. To change admin_role, or an administrator, the caller needs the scopes of the role; to change the emails of an owner or administrator, or to take the role from an administrator, those of an owner. The ETag of the user in If-Match makes the change conditional.",
		Body:    userPatch{}, Patch: "application/merge-patch+json", Responses: map[int]any{http.StatusOK: userView{}}, Action: "user.update", Do: h.patch,
	}, {
		ID: "deleteUser", Method: http.MethodDelete, Path: userPath, Scope: apikey.UsersWrite,
		Summary:   "Delete a user with all sessions, grants and consents.",
		Responses: map[int]any{http.StatusNoContent: nil}, Action: "user.delete", Do: h.delete,
	}}
}

// userAddress is an email address of a user.
type userAddress struct {
	Address  string `json:"address" need:"yes"`
	Verified bool   `json:"verified"`
	Primary  bool   `json:"primary" doc:"whether it is the claim email"`
}

// userPatch has the members that a patch of a user changes.
type userPatch struct {
	Emails     []userAddress  `json:"emails"`
	Claims     map[string]any `json:"claims"`
	Groups     []string       `json:"groups" doc:"names of existing groups"`
	Roles      []string       `json:"roles"`
	Attributes map[string]any `json:"attributes" doc:"values of the attributes of /attributes"`
	AdminRole  string         `json:"admin_role" doc:"owner, administrator, support, auditor or empty"`
	State      string         `json:"state" doc:"active, disabled, must_change_password or must_enrol"`
}

// userView is a user as the API returns it.
type userView struct {
	Subject        string         `json:"subject"`
	Username       string         `json:"username,omitempty" doc:"absent for users of a custom login app"`
	State          string         `json:"state" doc:"active, disabled, must_change_password or must_enrol"`
	Emails         []userAddress  `json:"emails" doc:"the primary one first"`
	Claims         map[string]any `json:"claims"`
	Groups         []string       `json:"groups"`
	Roles          []string       `json:"roles"`
	Attributes     map[string]any `json:"attributes"`
	AdminRole      string         `json:"admin_role" doc:"owner, administrator, support, auditor or empty"`
	HasPassword    bool           `json:"has_password"`
	SelfRegistered bool           `json:"self_registered"`
	DisabledAt     time.Time      `json:"disabled_at,omitzero"`
	TermsVersion   string         `json:"terms_version,omitempty" doc:"of the terms that the user has accepted"`
	TermsAccepted  time.Time      `json:"terms_accepted_at,omitzero"`
	LockedAt       time.Time      `json:"locked_at,omitzero" doc:"when the account was locked down"`
	DeletesAt      time.Time      `json:"deletes_at,omitzero" doc:"when the account is deleted, as its user has asked; enabling it keeps it"`
	CreatedAt      time.Time      `json:"created_at"`
	UpdatedAt      time.Time      `json:"updated_at"`
}

// view returns users as an administrator sees them.
func (c *userCases) view(ctx context.Context, list ...*account.Account) ([]*userView, error) {
	schema, err := c.attributes.ListAttributes(ctx)
	if err != nil {
		return nil, err
	}
	views := make([]*userView, len(list))
	for i, a := range list {
		views[i] = viewUser(a, account.VisibleAttributes(schema, a.Attributes, account.PartyAdministrator))
	}
	return views, nil
}

// okUser returns the response with a user.
func (c *userCases) okUser(r *Request, a *account.Account) (*Response, error) {
	views, err := c.view(r.Context(), a)
	if err != nil {
		return nil, err
	}
	return r.tagged(manage.UserVersion(a), views[0]), nil
}

func viewUser(a *account.Account, attributes map[string]any) *userView {
	v := &userView{
		a.Subject, a.Name(), string(a.CurrentState()), viewAddresses(a), a.Claims, full(a.Groups), full(a.Roles), attributes, string(a.AdminRole), a.Password != nil,
		a.SelfRegistered, a.DisabledAt.UTC(), a.Terms.Version, a.Terms.At.UTC(), a.LockedAt.UTC(), a.DeletesAt().UTC(), a.CreatedAt.UTC(), a.UpdatedAt.UTC(),
	}
	if v.Claims == nil {
		v.Claims = map[string]any{}
	}
	return v
}

func viewAddresses(a *account.Account) []userAddress {
	views := make([]userAddress, len(a.Addresses))
	for i, one := range a.Addresses {
		views[i] = userAddress{one.Address, !one.VerifiedAt.IsZero(), one.Primary}
	}
	return views
}

// list serves GET /users.
func (h *userHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r, "q", "group")
	if err != nil {
		return nil, err
	}
	query := r.query()
	filter := account.Filter{Text: query.Get("q"), Group: query.Get("group")}
	list, next, err := h.store.SearchAccounts(r.Context(), filter, p.After, p.Size)
	if err != nil {
		return nil, err
	}
	views, err := h.view(r.Context(), list...)
	if err != nil {
		return nil, err
	}
	p.linkAfter(next)
	return ok(views), nil
}

// get serves GET /users/{subject}.
func (h *userHandler) get(r *Request) (*Response, error) {
	a, err := h.store.Account(r.Context(), r.pathValue("subject"))
	if err != nil {
		return nil, err
	}
	return h.okUser(r, a)
}

// patch serves PATCH /users/{subject}.
//
// Spec: RFC 7396, RFC 5789 §2.
func (h *userHandler) patch(r *Request) (*Response, error) {
	raw, err := r.readBody()
	if err != nil {
		return nil, err
	}
	users := h.users(r)
	if users.Precondition, err = r.precondition(); err != nil {
		return nil, err
	}
	a, err := users.Patch(r.Context(), r.pathValue("subject"), raw)
	if err != nil {
		return nil, err
	}
	return h.okUser(r, a)
}

// delete serves DELETE /users/{subject}.
func (h *userHandler) delete(r *Request) (*Response, error) {
	users, a, err := h.permitted(r)
	if err != nil {
		return nil, err
	}
	if err := users.Delete(r.Context(), a); err != nil {
		return nil, err
	}
	return noContent(), nil
}
