package admin

import (
	"net/http"
	"time"

	"github.com/ostiary/ostiary/internal/account"
	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/manage"
)

// userLinkHandler serves the operations that return or send one-time links.
type userLinkHandler struct{ *userCases }

const (
	mailParameter  = "mail"
	resetParameter = "reset_factors"
)

func (h *userLinkHandler) operations() []Operation {
	query := []Parameter{{Name: mailParameter, Type: "boolean", Description: "true sends the link by mail instead of returning it."}}
	response := map[int]any{http.StatusOK: oneTimeLink{}}
	return []Operation{{
		ID: "recoverUser", Method: http.MethodPost, Path: userPath + "/recover", Scope: apikey.UsersRecover, Action: "user.recover",
		Summary: "Create a one-time link with which a user sets a new password without a second factor. It ends earlier links.",
		Query: append(query[:1:1], Parameter{
			Name: resetParameter, Type: "boolean",
			Description: "true also removes all passkeys, security keys, authenticator apps and recovery codes when the user sets the password.",
		}),
		Responses: response, Do: h.recover,
	}, {
		ID: "inviteUser", Method: http.MethodPost, Path: userPath + "/invite", Scope: apikey.UsersRecover, Action: "user.invite",
		Summary: "Create a one-time link with which a user who has neither a password nor a passkey sets the first password.",
		Query:   query, Responses: response, Do: h.invite,
	}}
}

// oneTimeLink is the response with a link, or with the address that it is sent to.
type oneTimeLink struct {
	Link      string    `json:"link,omitempty" doc:"a credential: pass it only to the user"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	SentTo    string    `json:"sent_to,omitempty" doc:"the address that the link is sent to"`
}

// recover serves POST /users/{subject}/recover.
func (h *userLinkHandler) recover(r *Request) (*Response, error) {
	_, a, err := h.permittedSignIn(r)
	if err != nil {
		return nil, err
	}
	resetFactors, err := r.flag(resetParameter)
	if err != nil {
		return nil, err
	}
	return h.okLink(r, a, resetFactors)
}

// invite serves POST /users/{subject}/invite.
func (h *userLinkHandler) invite(r *Request) (*Response, error) {
	_, a, err := h.permittedSignIn(r)
	if err != nil {
		return nil, err
	}
	list, err := h.credentials(nil).List(r.Context(), a.Subject)
	if err != nil {
		return nil, err
	}
	if err := manage.CheckNew(a, list); err != nil {
		return nil, err
	}
	return h.okLink(r, a, false)
}

func (h *userLinkHandler) okLink(r *Request, a *account.Account, resetFactors bool) (*Response, error) {
	link, err := h.link(r, a, resetFactors)
	if err != nil {
		return nil, err
	}
	return ok(*link), nil
}

// link returns or sends a link with which the user sets a password.
func (h *userLinkHandler) link(r *Request, a *account.Account, resetFactors bool) (*oneTimeLink, error) {
	byMail, err := r.flag(mailParameter)
	if err != nil {
		return nil, err
	}
	var v oneTimeLink
	if byMail {
		v.SentTo, err = h.recovery.Mail(r.Context(), a, resetFactors)
	} else {
		v.Link, v.ExpiresAt, err = h.recovery.Link(r.Context(), a, resetFactors)
	}
	return &v, err
}
