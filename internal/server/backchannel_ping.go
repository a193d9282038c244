package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/grant"
	"github.com/ostiary/ostiary/internal/oauth2/backchannelauth"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/outbox"
)

// backchannelPinger notifies clients of decisions about their requests. The outbox is made before the
// other parts of the server, so that it makes its codec itself.
type backchannelPinger struct {
	server *Server
	codec  *tokens.Codec
}

// Ping implements [outbox.Pinger].
//
// Spec: CIBA Core §10.2.
func (p backchannelPinger) Ping(ctx context.Context, c *client.Client, requestID string) (status int, err error) {
	id, err := grant.ParseID(requestID)
	if err != nil {
		return 0, outbox.ErrNotFound
	}
	r, err := p.server.Store.Backchannel.Backchannel(ctx, id)
	if errors.Is(err, ciba.ErrNotFound) || err == nil && (c.BackchannelNotificationEndpoint == "" || len(r.Notification) == 0) {
		return 0, outbox.ErrNotFound
	}
	if err != nil {
		return 0, err
	}
	token, err := p.server.Secrets.Open(backchannelauth.NotificationPurpose, r.Notification)
	if err != nil {
		return 0, fmt.Errorf("open notification token: %w", err)
	}
	body, err := json.Marshal(map[string]string{"auth_req_id": p.codec.Make(tokens.AuthReqID, r.Grant, 0, r.Seed)})
	if err != nil {
		return 0, err
	}
	return p.server.fetcher.PostJSON(ctx, c.BackchannelNotificationEndpoint, string(token), body)
}
