package account

import (
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/pages"
	"github.com/ostiary/ostiary/internal/pages/messages"
	"github.com/ostiary/ostiary/internal/session"
)

// Approvals reads the backchannel authentication requests that wait for users, and the clients that users
// block.
type Approvals interface {
	// OpenBackchannel returns [ciba.ErrNotFound] for a request that does not wait.
	OpenBackchannel(ctx context.Context, id grant.ID, now time.Time) (*ciba.Request, error)
	ListBackchannel(ctx context.Context, subject string, after *ciba.Request, limit int, now time.Time) ([]*ciba.Request, error)
	CountBackchannel(ctx context.Context, subject string, now time.Time) (int, error)
	BlockedClients(ctx context.Context, subject string, limit int) ([]string, error)
	UnblockClient(ctx context.Context, subject, clientID string) error
}

// Decisions stores the decisions of users, each of which returns [ciba.ErrNotFound] for a request that was
// decided before.
type Decisions interface {
	Allow(ctx context.Context, r *ciba.Request, by ciba.Approval) error
	Deny(ctx context.Context, r *ciba.Request) error
	// Block denies the request and later ones of its client.
	Block(ctx context.Context, r *ciba.Request) error
}

const (
	approvalsPath = "/approvals"
	approvalPath  = "/approvals/request"
)

// approvals serves GET /account/approvals.
func approvals(v *visit) error {
	c, ctx, subject := v.console, v.r.Context(), v.session.Subject
	list, err := c.Approvals.ListBackchannel(ctx, subject, nil, rows, v.now)
	if err != nil {
		return err
	}
	content := pages.AccountApprovals{Action: c.url(approvalsPath)}
	for _, r := range list {
		found, err := c.Clients.Client(ctx, r.ClientID)
		if errors.Is(err, client.ErrNotFound) {
			continue // deleted a moment ago
		}
		if err != nil {
			return err
		}
		content.Requests = append(content.Requests, pages.ApprovalRow{
			Client: c.Texts.Client(found), URL: c.url(approvalPath) + "?request=" + url.QueryEscape(r.ID()), Message: r.Details.BindingMessage, Left: r.ExpiresAt.Sub(v.now),
		})
	}
	blocked, err := c.Approvals.BlockedClients(ctx, subject, 100)
	if err != nil {
		return err
	}
	for _, id := range blocked {
		found, err := c.Clients.Client(ctx, id)
		if errors.Is(err, client.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		content.Blocked = append(content.Blocked, pages.BlockedRow{Client: c.Texts.Client(found), ID: id})
	}
	return v.show(content)
}

// countApprovals returns the number of requests that wait for the user.
func countApprovals(v *visit) (int, error) {
	return v.console.Approvals.CountBackchannel(v.r.Context(), v.session.Subject, v.now)
}

// unblock serves POST /account/approvals: unblock is a client ID.
func unblock(v *visit) error {
	if err := v.console.Approvals.UnblockClient(v.r.Context(), v.session.Subject, v.r.PostForm.Get("unblock")); err != nil {
		return err
	}
	return v.done(approvalsPath, messages.New("account.approvals.unblocked"))
}

// approval serves GET /account/approvals/request: request is the ID of a request.
func approval(v *visit) error {
	c := v.console
	r, found, err := openRequest(v, v.r.Form.Get("request"))
	if errors.Is(err, ciba.ErrNotFound) {
		return v.done(approvalsPath, messages.New("account.approval.gone"))
	}
	if err != nil {
		return err
	}
	scopes, err := c.Texts.Scopes(v.r.Context(), r.Details.Scopes)
	if err != nil {
		return err
	}
	details, err := c.Texts.Details(v.r.Context(), r.Details.AuthorizationDetails)
	if err != nil {
		return err
	}
	if len(details) < len(r.Details.AuthorizationDetails) { // the operator has changed the types
		return v.done(approvalsPath, messages.New("account.approval.gone"))
	}
	view := c.Texts.Client(found)
	if view.Host == "" {
		if endpoint, err := url.Parse(found.BackchannelNotificationEndpoint); err == nil {
			view.Host = endpoint.Hostname()
		}
	}
	return v.show(pages.AccountApproval{
		Action: c.url(approvalPath), ListURL: c.url(approvalsPath), ID: r.ID(), Client: view, Scopes: scopes, Details: details, Resources: r.Details.Resources,
		Message: r.Details.BindingMessage, Network: r.Details.Network, Left: r.ExpiresAt.Sub(v.now),
	})
}

// decide serves POST /account/approvals/request: request is the ID of a request, decision is allow, deny or
// block. The frame has checked that the user authenticated a moment ago, at the highest level.
func decide(v *visit) error {
	c, ctx := v.console, v.r.Context()
	r, found, err := openRequest(v, v.r.PostForm.Get("request"))
	status := "account.approval.denied"
	if err == nil {
		switch v.r.PostForm.Get("decision") {
		case "allow":
			status, err = "account.approval.allowed", c.Decisions.Allow(ctx, r, approvalBy(v, r))
		case "deny":
			err = c.Decisions.Deny(ctx, r)
		case "block":
			status, err = "account.approval.blocked", c.Decisions.Block(ctx, r)
		default:
			return errNotFound
		}
	}
	if errors.Is(err, ciba.ErrNotFound) {
		return v.done(approvalsPath, messages.New("account.approval.gone"))
	}
	if err != nil {
		return err
	}
	return v.done(approvalsPath, messages.New(status, "client", c.Texts.Label(v.r, c.Texts.Client(found))))
}

// openRequest returns a request that waits for the user, with its client.
func openRequest(v *visit, text string) (*ciba.Request, *client.Client, error) {
	id, err := grant.ParseID(text)
	if err != nil {
		return nil, nil, ciba.ErrNotFound
	}
	r, err := v.console.Approvals.OpenBackchannel(v.r.Context(), id, v.now)
	if err == nil && r.Subject != v.session.Subject {
		err = ciba.ErrNotFound
	}
	if err != nil {
		return nil, nil, err
	}
	found, err := v.console.Clients.Client(v.r.Context(), r.ClientID)
	if errors.Is(err, client.ErrNotFound) {
		err = ciba.ErrNotFound
	}
	return r, found, err
}

// approvalBy returns the approval of the user, with the strongest level that the client requested and the
// session reaches.
func approvalBy(v *visit, r *ciba.Request) ciba.Approval {
	acr := session.CanonicalACR(v.session.ACR)
	if asked, ok := session.Strongest(acr, r.Details.ACRValues); ok {
		acr = asked
	}
	return ciba.Approval{AuthTime: v.session.AuthTime, ACR: acr, AMR: v.session.AMR}
}
