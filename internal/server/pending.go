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

// waitingRow is the size in bytes of a stored record without the values that its caller
// chose.
const pendingRowSize = 512

// pendingLimit bounds the size of the records that wait for users: any client of the
// network can make the server store a request.
type pendingLimit struct {
	quota      *middleware.Quota
	perNetwork int // in MiB
}

func newPendingLimit(s *Server) pendingLimit {
	rule := middleware.QuotaRule{Total: s.Config.MaxWaitingRequestsMiB << 20, PerNetwork: s.Config.MaxWaitingRequestsPerNetworkMiB << 20}
	if !s.Config.RateLimits {
		rule = middleware.QuotaRule{}
	}
	return pendingLimit{middleware.NewQuota(rule, s.Now), s.Config.MaxWaitingRequestsPerNetworkMiB}
}

// pendingRequests stores authorization requests within the limit.
type pendingRequests struct {
	*store.Requests

	limit pendingLimit
}

func newPendingRequests(s *Server) pendingRequests {
	return pendingRequests{s.Store.Requests, s.pending}
}

// InsertRequest is [store.Requests.InsertRequest]. It returns a
// [*authrequest.TooManyPendingError] for a network above its limit, or an error that is
// unavailable if the total is above its limit.
func (p pendingRequests) InsertRequest(ctx context.Context, r *authrequest.Request) error {
	return p.limit.keep(ctx, len(r.Parameters), r.ExpiresAt, func() error { return p.Requests.InsertRequest(ctx, r) })
}

// pendingDevices stores devices within the limit.
type pendingDevices struct {
	*store.Devices

	limit pendingLimit
}

// InsertDevice is [store.Devices.InsertDevice], with the errors of
// [pendingRequests.InsertRequest].
func (p pendingDevices) InsertDevice(ctx context.Context, d *devicecode.Device) error {
	size := len(d.Details.Text())
	for _, part := range append(d.Scopes, d.Resources...) {
		size += len(part) + 1
	}
	return p.limit.keep(ctx, size, d.ExpiresAt, func() error { return p.Devices.InsertDevice(ctx, d) })
}

// pendingLogouts stores logout requests within the limit.
type pendingLogouts struct {
	*store.LogoutRequests

	limit pendingLimit
}

// InsertLogoutRequest is [store.LogoutRequests.InsertLogoutRequest], with the errors of
// [pendingRequests.InsertRequest].
func (p pendingLogouts) InsertLogoutRequest(ctx context.Context, o *authrequest.LogoutRequest) error {
	return p.limit.keep(ctx, len(o.State)+len(o.Redirect), o.ExpiresAt, func() error { return p.LogoutRequests.InsertLogoutRequest(ctx, o) })
}

// keep runs insert if a record of so many bytes is within the limits.
func (p pendingLimit) keep(ctx context.Context, size int, until time.Time, insert func() error) error {
	giveBack, err := p.quota.Reserve(ctx, size+pendingRowSize, until)
	if full, ok := errors.AsType[*middleware.QuotaError](err); ok && full.Network {
		return refusal.Wrap(&authrequest.TooManyPendingError{RetryAfter: full.RetryAfter}, refusal.RateLimited,
			"too much of the network waits for users to answer",
			refusal.Registered("max_waiting_requests_per_network_mib", strconv.Itoa(p.perNetwork)))
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
