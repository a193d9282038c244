package admin

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
	"github.com/ostiary/ostiary/internal/onetimelink"
)

// invitationHandler serves the operations on invitations.
type invitationHandler struct{ *userCases }

// maxInvitationBytes is the maximum size of a list of invitations.
const maxInvitationBytes = 1 << 20

func (h *invitationHandler) operations() []Operation {
	const path = "/invitations"
	query := []Parameter{{Name: mailParameter, Type: "boolean", Description: "true sends the link by mail instead of returning it."}}
	return []Operation{{
		ID: "listInvitations", Method: http.MethodGet, Path: path, Scope: apikey.UsersRead, ReadAction: listUsers,
		Summary:   "List the open invitations, ordered by address.",
		Query:     append([]Parameter{{Name: "address", Type: "string", Description: "List only the invitation for this address."}}, pageParameters()...),
		Responses: map[int]any{http.StatusOK: []openInvitation{}}, Do: h.list,
	}, {
		ID: "createInvitation", Method: http.MethodPost, Path: path, Scope: apikey.UsersWrite, Action: "user.invite",
		Summary: "Create a one-time link with which the owner of an email address creates an account. It ends an earlier link for the address.",
		Query:   query, Body: invitationBody{}, Responses: map[int]any{http.StatusOK: oneTimeLink{}}, Do: h.create,
	}, {
		ID: "checkInvitations", Method: http.MethodPost, Path: path + "/check", Scope: apikey.UsersWrite, MaxBytes: maxInvitationBytes,
		Summary: "Check whether users can be invited, without inviting them.",
		Body:    invitationsBody{}, Responses: map[int]any{http.StatusOK: []invitationView{}}, Do: h.check,
	}, {
		ID: "createInvitations", Method: http.MethodPost, Path: path + "/bulk", Scope: apikey.UsersWrite, Action: "user.invite.bulk", MaxBytes: maxInvitationBytes,
		Summary: "Invite up to 1000 users, each as createInvitation does. The response has the result for each, in the same order.",
		Query:   query, Body: invitationsBody{}, Responses: map[int]any{http.StatusOK: []invitationView{}}, Do: h.createAll,
	}, {
		ID: "deleteInvitation", Method: http.MethodDelete, Path: path + "/{address}", Scope: apikey.UsersWrite, Action: "user.invite.withdraw",
		Summary: "Take back the open invitation for an email address.", Responses: map[int]any{http.StatusNoContent: nil}, Do: h.withdraw,
	}}
}

type invitationBody struct {
	Address string   `json:"address" need:"yes" doc:"the email address of the user"`
	Groups  []string `json:"groups" doc:"existing groups of the new account"`
}

type invitationsBody struct {
	Invitations []invitationBody `json:"invitations" need:"yes" doc:"1 to 1000 invitations"`
}

// openInvitation is an invitation that is neither accepted nor expired.
type openInvitation struct {
	Address   string    `json:"address" doc:"in lower case"`
	Groups    []string  `json:"groups"`
	InvitedBy string    `json:"invited_by,omitempty"`
	CreatedAt time.Time `json:"created_at" doc:"when the link was created"`
	ExpiresAt time.Time `json:"expires_at"`
}

// invitationView is the result for one user.
type invitationView struct {
	Address   string    `json:"address"`
	Invited   bool      `json:"invited" doc:"whether there was an open invitation for the address, which this one replaces"`
	Link      string    `json:"link,omitempty" doc:"a credential: pass it only to the user"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	SentTo    string    `json:"sent_to,omitempty" doc:"the address that the link is sent to"`
	Error     string    `json:"error,omitempty" doc:"why the user is not invited: address_invalid, address_repeated, address_taken, group_unknown or too_many_mails"`
}

// errorOf returns the member error of an [invitationView], empty for an invited user.
func errorOf(err error) (string, error) {
	_, tooMany := errors.AsType[*manage.TooManyMailsError](err)
	switch {
	case err == nil:
		return "", nil
	case tooMany:
		return "too_many_mails", nil
	case errors.Is(err, account.ErrBadEmail):
		return "address_invalid", nil
	case errors.Is(err, manage.ErrRepeated):
		return "address_repeated", nil
	case errors.Is(err, account.ErrAddressTaken):
		return "address_taken", nil
	case errors.Is(err, account.ErrGroupNotFound):
		return "group_unknown", nil
	}
	return "", err
}

// invitee returns a user of a body, as the caller invites them.
func (b invitationBody) invitee(r *Request) manage.Invitee {
	return manage.Invitee{Address: b.Address, Groups: b.Groups, By: cmp.Or(r.Actor.Name, r.Actor.ID)}
}

// readInvitations returns the users in the body.
func readInvitations(r *Request) ([]manage.Invitee, error) {
	var body invitationsBody
	if err := r.decode(&body); err != nil {
		return nil, err
	}
	if n := len(body.Invitations); n == 0 || n > manage.MaxInvitations {
		return nil, invalid("The member invitations must have 1 to 1000 entries.")
	}
	users := make([]manage.Invitee, len(body.Invitations))
	for i, one := range body.Invitations {
		users[i] = one.invitee(r)
	}
	return users, nil
}

// list serves GET /invitations.
func (h *invitationHandler) list(r *Request) (*Response, error) {
	p, err := pageFrom(r, "address")
	if err != nil {
		return nil, err
	}
	if address := r.query().Get("address"); address != "" {
		return h.find(r, address)
	}
	list, err := h.invitations.Links.ListInvitations(r.Context(), p.After, p.Size, h.now())
	if err != nil {
		return nil, err
	}
	views, last := make([]openInvitation, len(list)), ""
	for i, l := range list {
		views[i] = viewInvitation(l)
		last = l.Address
	}
	p.linkNext(len(list), last)
	return ok(views), nil
}

func viewInvitation(l *onetimelink.Link) openInvitation {
	return openInvitation{l.Address, full(l.Data.Groups), l.Data.InvitedBy, l.CreatedAt.UTC(), l.ExpiresAt.UTC()}
}

// find returns the open invitation for an address in a list, empty for none.
func (h *invitationHandler) find(r *Request, address string) (*Response, error) {
	l, err := h.invitations.Find(r.Context(), address)
	switch {
	case errors.Is(err, onetimelink.ErrInvalid), errors.Is(err, account.ErrBadEmail):
		return ok([]openInvitation{}), nil
	case err != nil:
		return nil, err
	}
	return ok([]openInvitation{viewInvitation(l)}), nil
}

// create serves POST /invitations.
func (h *invitationHandler) create(r *Request) (*Response, error) {
	byMail, err := r.flag(mailParameter)
	if err != nil {
		return nil, err
	}
	var body invitationBody
	if err := r.decode(&body); err != nil {
		return nil, err
	}
	r.Target = body.Address
	var v oneTimeLink
	if byMail {
		v.SentTo, err = body.Address, h.invitations.Mail(r.Context(), body.invitee(r))
	} else {
		v.Link, v.ExpiresAt, err = h.invitations.Link(r.Context(), body.invitee(r))
	}
	if err != nil {
		return nil, err
	}
	return ok(v), nil
}

// check serves POST /invitations/check.
func (h *invitationHandler) check(r *Request) (*Response, error) {
	users, err := readInvitations(r)
	if err != nil {
		return nil, err
	}
	list, err := h.invitations.Check(r.Context(), users)
	if err != nil {
		return nil, err
	}
	views, _, err := viewInvitations(list, false)
	if err != nil {
		return nil, err
	}
	return ok(views), nil
}

// createAll serves POST /invitations/bulk. The audit event has the numbers; the addresses are in the
// list of open invitations.
func (h *invitationHandler) createAll(r *Request) (*Response, error) {
	byMail, err := r.flag(mailParameter)
	if err != nil {
		return nil, err
	}
	users, err := readInvitations(r)
	if err != nil {
		return nil, err
	}
	list, err := h.invitations.Invite(r.Context(), users, byMail)
	if err != nil {
		return nil, err
	}
	views, invited, err := viewInvitations(list, byMail)
	if err != nil {
		return nil, err
	}
	r.Detail = fmt.Sprintf("invited: %d of %d", invited, len(list))
	return ok(views), nil
}

// viewInvitations returns the results as the API does, and how many users are invited.
func viewInvitations(list []manage.Invitation, byMail bool) (views []invitationView, invited int, err error) {
	views = make([]invitationView, len(list))
	for i, one := range list {
		views[i] = invitationView{Address: one.Address, Invited: one.Invited, Link: one.Link, ExpiresAt: one.ExpiresAt.UTC()}
		if views[i].Error, err = errorOf(one.Err); err != nil {
			return nil, 0, err
		}
		if one.Err == nil {
			invited++
		}
		if one.Err == nil && byMail {
			views[i].SentTo = one.Address
		}
	}
	return views, invited, nil
}

// withdraw serves DELETE /invitations/{address}.
func (h *invitationHandler) withdraw(r *Request) (*Response, error) {
	if err := h.invitations.Withdraw(r.Context(), r.pathValue("address")); err != nil {
		return nil, err
	}
	return noContent(), nil
}
