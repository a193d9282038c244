package server

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/authrequest"
	"github.com/ostiary/ostiary/internal/devicecode"
	"github.com/ostiary/ostiary/internal/middleware"
	"github.com/ostiary/ostiary/internal/refusal"
	"github.com/ostiary/ostiary/internal/store"
)

// waitingRow is what a row takes that waits, beside what its caller chose.
const waitingRow = 512

// waitingStore is the store with bounds on what waits there for an answer: anybody can
// make the server keep a request.
type waitingStore struct {
	*store.Store

	stock      *middleware.Stock
	perNetwork int // in MiB
}

func (a *Server) newWaitingStore() waitingStore {
	rule := middleware.StockRule{All: a.Config.MaxWaitingRequestsMiB << 20, PerNetwork: a.Config.MaxWaitingRequestsPerNetworkMiB << 20}
	if !a.Config.RateLimits {
		rule = middleware.StockRule{}
	}
	return waitingStore{a.Store, middleware.NewStock(rule, a.Now), a.Config.MaxWaitingRequestsPerNetworkMiB}
}

// InsertRequest is [store.Store.InsertRequest]. It returns a [*authrequest.TooManyPendingError]
// or, where all callers together have too much kept, an error that is unavailable.
func (s waitingStore) InsertRequest(ctx context.Context, r *authrequest.Request) error {
	return s.keep(ctx, len(r.Parameters), r.ExpiresAt, func() error { return s.Store.Requests.InsertRequest(ctx, r) })
}

// InsertDevice is [store.Store.InsertDevice], with the errors of InsertRequest.
func (s waitingStore) InsertDevice(ctx context.Context, d *devicecode.Device) error {
	size := 0
	for _, part := range append(d.Scopes, d.Resources...) {
		size += len(part) + 1
	}
	return s.keep(ctx, size, d.ExpiresAt, func() error { return s.Store.Devices.InsertDevice(ctx, d) })
}

// InsertLogoutRequest is [store.Store.InsertLogoutRequest], with the errors of InsertRequest.
func (s waitingStore) InsertLogoutRequest(ctx context.Context, o *authrequest.LogoutRequest) error {
	return s.keep(ctx, len(o.State)+len(o.Redirect), o.ExpiresAt, func() error { return s.Store.LogoutRequests.InsertLogoutRequest(ctx, o) })
}

func (s waitingStore) keep(ctx context.Context, size int, until time.Time, insert func() error) error {
	giveBack, err := s.stock.Keep(ctx, size+waitingRow, until)
	if full, ok := errors.AsType[*middleware.FullError](err); ok && full.Network {
		return refusal.Wrap(&authrequest.TooManyPendingError{RetryAfter: full.RetryAfter}, refusal.RateLimited,
			"too much of the network waits for users to answer",
			refusal.Registered("max_waiting_requests_per_network_mib", strconv.Itoa(s.perNetwork)))
	}
	if err != nil {
		return refusal.Wrap(err, refusal.Overloaded, "too much waits for users to answer")
	}
	if err := insert(); err != nil {
		giveBack()
		return err
	}
	return nil
}
