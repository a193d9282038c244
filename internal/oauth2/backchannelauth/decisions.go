package backchannelauth

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
)

// Decisions stores the decisions of users. All of its members are set.
type Decisions struct {
	Grants interface {
		BackchannelGrant(ctx context.Context, c *client.Client, r *ciba.Request, by *ciba.Approval, now time.Time) (*grant.Grant, error)
	}
	Clients interface {
		Client(ctx context.Context, id string) (*client.Client, error)
	}
	Requests interface {
		// AllowBackchannel and DenyBackchannel return [ciba.ErrNotFound] for a request that was decided before.
		AllowBackchannel(ctx context.Context, r *ciba.Request, g *grant.Grant, now time.Time) error
		DenyBackchannel(ctx context.Context, r *ciba.Request, now time.Time) error
		DenyAndBlock(ctx context.Context, r *ciba.Request, now time.Time) error
	}
	Codec   *tokens.Codec
	Used    func(clientID string) // notes that a user has signed in to a client
	Decided func()                // wakes the outbox, which may have a notice for the client
	Now     func() time.Time
}

// Allow allows a request in the name of its user, whose grant it inserts. It returns [ciba.ErrNotFound]
// for a request that was decided before or whose client was deleted.
//
// Spec: CIBA Core §8.
func (d *Decisions) Allow(ctx context.Context, r *ciba.Request, by ciba.Approval) error {
	c, err := d.Clients.Client(ctx, r.ClientID)
	if errors.Is(err, client.ErrNotFound) || err == nil && c.Disabled {
		return ciba.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("read client: %w", err)
	}
	if by.Scopes == nil {
		by.Scopes = slices.Clone(r.Details.Scopes)
	}
	by.Subject = r.Subject
	now := d.Now()
	g, err := d.Grants.BackchannelGrant(ctx, c, r, &by, now)
	if err != nil {
		return err
	}
	if err := d.Requests.AllowBackchannel(ctx, r, g, now); err != nil {
		return err
	}
	d.Used(c.ID)
	d.Decided()
	return nil
}

// ID returns the ID of the request with an auth_req_id, or [ciba.ErrNotFound]. Whether the request exists is
// not checked.
func (d *Decisions) ID(authReqID string) (grant.ID, error) {
	handle, err := d.Codec.Parse(tokens.AuthReqID, authReqID)
	if err != nil {
		return grant.ID{}, ciba.ErrNotFound
	}
	return handle.Ref.ID, nil
}

// Deny denies a request. It returns [ciba.ErrNotFound] for a request that was decided before.
func (d *Decisions) Deny(ctx context.Context, r *ciba.Request) error {
	if err := d.Requests.DenyBackchannel(ctx, r, d.Now()); err != nil {
		return err
	}
	d.Decided()
	return nil
}

// Block denies a request, and the later ones of its client for the user. It returns [ciba.ErrNotFound] for a
// request that was decided before.
func (d *Decisions) Block(ctx context.Context, r *ciba.Request) error {
	if err := d.Requests.DenyAndBlock(ctx, r, d.Now()); err != nil {
		return err
	}
	d.Decided()
	return nil
}
