package server

import (
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

// Names of the rate limits per network, as in metrics.
const (
	limitAuthorizations = "authorization"
	limitSignOuts       = "logout"
	limitDevices        = "device_authorization"
	limitDeviceVisits   = "device_page"
	limitRegistrations  = "registration"
	limitManagement     = "registration_management"
)

// registerLimitMetrics registers the counters of rate limits and of slow request bodies.
func registerLimitMetrics(s *Server) {
	s.rateLimited = map[string]*atomic.Uint64{}
	for _, name := range []string{
		limitAuthorizations, limitSignOuts, limitDevices, limitDeviceVisits, limitRegistrations, limitManagement,
	} {
		refused := new(atomic.Uint64)
		s.rateLimited[name] = refused
		s.Metrics.Counter("rate_limit_refusals_total", "Requests rejected with 429 by a rate limit of their network.", refused.Load, "limit", name)
	}
	for listener, bodies := range map[string]*middleware.SlowBodies{"public": s.admission.publicBodies, "admin": s.admission.adminBodies} {
		const name, help = "slow_bodies_cut_off_total", "Request bodies aborted: too slow, or too many slow ones of one network."
		s.Metrics.Counter(name, help, bodies.TooSlow, "listener", listener, "reason", "rate")
		s.Metrics.Counter(name, help, bodies.TooMany, "listener", listener, "reason", "network")
	}
}

// registerConnectionMetrics registers the metrics of each listener's connections.
func registerConnectionMetrics(s *Server) {
	for listener, c := range map[string]*middleware.Connections{"public": s.admission.publicConnections, "admin": s.admission.adminConnections} {
		s.Metrics.LabelledGauge("connections", "Open connections.",
			func() float64 { return float64(c.Open()) }, "listener", listener)
		s.Metrics.Counter("connections_refused_total", "Connections rejected because their network has too many.", c.Refused, "listener", listener)
	}
}

// registerPendingMetrics registers the metrics of pending requests.
func registerPendingMetrics(s *Server) {
	quota := s.pending.quota
	s.Metrics.Gauge("waiting_requests_bytes", "Size of this replica's pending requests, in bytes.", func() float64 { return float64(quota.Bytes()) })
	const name, help = "waiting_requests_refused_total", "Pending requests rejected because of their total size."
	s.Metrics.Counter(name, help, quota.RefusedByNetwork, "reason", "network")
	s.Metrics.Counter(name, help, quota.RefusedInTotal, "reason", "all")
}

// limit returns the rule of a rate limit. The count is the number of requests that the
// narrowest network may make in the period; it is 0, for no limit, if rate_limits is off.
func (s *Server) limit(name string, count int, per time.Duration) middleware.RateLimitRule {
	if !s.Config.RateLimits {
		count = 0
	}
	return middleware.RateLimitRule{Count: count, Per: per, Refusals: s.rateLimited[name]}
}
