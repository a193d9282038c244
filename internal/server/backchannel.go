package server

import (
	"context"

	"github.com/ostiary/ostiary/internal/ciba"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/oauth2/authorize"
	"github.com/ostiary/ostiary/internal/oauth2/backchannelauth"
	"github.com/ostiary/ostiary/internal/oauth2/clientauth"
	"github.com/ostiary/ostiary/internal/oauth2/tokens"
	"github.com/ostiary/ostiary/internal/store"
)

// newBackchannelAuth returns the backchannel authentication endpoint.
func newBackchannelAuth(s *Server, authenticator *clientauth.Authenticator, requests *authorize.Requests, codec *tokens.Codec) *backchannelauth.Handler {
	h := &backchannelauth.Handler{
		Authenticator: authenticator, Objects: newRequestObjects(s), Checks: requests, Accounts: s.Store.Backchannel, Requests: backchannelRequests{s},
		Sealer: s.Secrets, Codec: codec, Issuer: s.Config.Issuer, PerMinute: s.Config.CIBA.PerClient, RevealUsers: s.Config.CIBA.RevealUsers,
		Network: narrowestNetwork, Now: s.Now,
	}
	if s.Config.RateLimits {
		h.Throttle = s.Store.Throttle
	}
	return h
}

// newBackchannelDecisions returns how users and apps of the operator decide.
func newBackchannelDecisions(s *Server, requests *authorize.Requests, codec *tokens.Codec) *backchannelauth.Decisions {
	return &backchannelauth.Decisions{
		Grants: requests, Clients: s.Clients, Requests: s.Store.Backchannel, Codec: codec, Used: s.Usage.Client, Decided: s.Outbox.Wake, Now: s.Now,
	}
}

// backchannelRequests stores backchannel authentication requests within the limits of the configuration.
type backchannelRequests struct{ server *Server }

// Insert implements [backchannelauth.Requests].
func (b backchannelRequests) Insert(ctx context.Context, r *ciba.Request, person string) error {
	s := b.server
	arrival := &store.Arrival{Request: r, Person: person}
	if limits := s.Config.CIBA; s.Config.RateLimits {
		arrival.Limits, arrival.WrongHints = ciba.Limits{Open: limits.OpenPerUser, PerHour: limits.PerUser}, limits.WrongHints
	}
	if s.Config.HasMail() && s.Config.HasAccountPages() {
		arrival.Tell = mail.New(mail.ApprovalRequested, "", r.CreatedAt)
		arrival.Tell.Data, arrival.Tell.ExpiresAt = map[string]string{"request": r.ID()}, r.ExpiresAt
	}
	err := s.Store.Backchannel.InsertBackchannel(ctx, arrival)
	if err == nil && arrival.Tell != nil {
		s.MailOutbox.Wake()
	}
	return err
}
