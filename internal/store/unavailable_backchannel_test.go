package store_test

import (
	"context"

	"github.com/ostiary/ostiary/internal/store"
)

// backchannelMethods are those of backchannel authentication requests.
var backchannelMethods = map[string]call{
	"AccountByHint": func(ctx context.Context, s *store.Store) error {
		_, err := s.Backchannel.AccountByHint(ctx, "a", "alice")
		return err
	},
	"InsertBackchannel": func(ctx context.Context, s *store.Store) error {
		return s.Backchannel.InsertBackchannel(ctx, &store.Arrival{Request: aBackchannelRequest("rp", "alice", noon)})
	},
	"PollBackchannel": func(ctx context.Context, s *store.Store) error {
		_, err := s.Backchannel.PollBackchannel(ctx, pollingRequest(aBackchannelRequest("rp", "alice", noon), noon))
		return err
	},
	"OpenBackchannel": func(ctx context.Context, s *store.Store) error {
		_, err := s.Backchannel.OpenBackchannel(ctx, aBackchannelRequest("rp", "alice", noon).Grant.ID, noon)
		return err
	},
	"ListBackchannel": func(ctx context.Context, s *store.Store) error {
		_, err := s.Backchannel.ListBackchannel(ctx, "", nil, 1, noon)
		return err
	},
	"AllowBackchannel": func(ctx context.Context, s *store.Store) error {
		return s.Backchannel.AllowBackchannel(ctx, aBackchannelRequest("rp", "alice", noon), grantOfRequest(aBackchannelRequest("rp", "alice", noon)), noon)
	},
	"Backchannel": func(ctx context.Context, s *store.Store) error {
		_, err := s.Backchannel.Backchannel(ctx, aBackchannelRequest("rp", "alice", noon).Grant.ID)
		return err
	},
	"DenyAndBlock": func(ctx context.Context, s *store.Store) error {
		return s.Backchannel.DenyAndBlock(ctx, aBackchannelRequest("rp", "alice", noon), noon)
	},
	"UnblockClient": func(ctx context.Context, s *store.Store) error {
		return s.Backchannel.UnblockClient(ctx, "alice", "rp")
	},
	"BlockedClients": func(ctx context.Context, s *store.Store) error {
		_, err := s.Backchannel.BlockedClients(ctx, "alice", 1)
		return err
	},
	"CountBackchannel": func(ctx context.Context, s *store.Store) error {
		_, err := s.Backchannel.CountBackchannel(ctx, "alice", noon)
		return err
	},
	"DenyBackchannel": func(ctx context.Context, s *store.Store) error {
		return s.Backchannel.DenyBackchannel(ctx, aBackchannelRequest("rp", "alice", noon), noon)
	},
}
