package server

import (
	"sync/atomic"
	"time"

	"github.com/ostiary/ostiary/internal/middleware"
)

// The rate limits of networks, as metrics name them.
const (
	limitAuthorizations = "authorization"
	limitSignOuts       = "logout"
	limitDevices        = "device_authorization"
	limitDeviceVisits   = "device_page"
	limitRegistrations  = "registration"
	limitManagement     = "registration_management"
)

// wireLimits registers the counters of what is refused or cut off.
func (a *Server) wireLimits() {
	a.limited = map[string]*atomic.Uint64{}
	for _, name := range []string{
		limitAuthorizations, limitSignOuts, limitDevices, limitDeviceVisits, limitRegistrations, limitManagement,
	} {
		refused := new(atomic.Uint64)
		a.limited[name] = refused
		a.Metrics.Counter("rate_limit_refusals_total", "Requests refused with 429, since their network made too many.", refused.Load, "limit", name)
	}
	for listener, bodies := range map[string]*middleware.Bodies{"public": a.admission.publicBodies, "admin": a.admission.adminBodies} {
		const name, help = "slow_bodies_cut_off_total", "Request bodies cut off: too slow, or too many slow ones of one network."
		a.Metrics.Counter(name, help, bodies.TooSlow, "listener", listener, "reason", "rate")
		a.Metrics.Counter(name, help, bodies.TooMany, "listener", listener, "reason", "network")
	}
}

// wireConnections registers the metrics of each listener's connections.
func (a *Server) wireConnections() {
	for listener, c := range map[string]*middleware.Connections{"public": a.admission.publicConnections, "admin": a.admission.adminConnections} {
		a.Metrics.LabelledGauge("connections", "Connections that are open.",
			func() float64 { return float64(c.Open()) }, "listener", listener)
		a.Metrics.Counter("connections_refused_total", "Connections closed at once, since their network has too many.", c.Refused, "listener", listener)
	}
}

// wireWaiting registers the metrics of the requests that wait for an answer.
func (a *Server) wireWaiting() {
	stock := a.pending.stock
	a.Metrics.Gauge("waiting_requests_bytes", "Requests of this replica that wait for a user, in bytes.", func() float64 { return float64(stock.Bytes()) })
	const name, help = "waiting_requests_refused_total", "Requests refused, since too much waits for users."
	a.Metrics.Counter(name, help, stock.RefusedNetwork, "reason", "network")
	a.Metrics.Counter(name, help, stock.RefusedAll, "reason", "all")
}

// limit returns the rule of a rate limit. The count is what the narrowest network may
// make in the time; it is 0, which is none, where rate_limits is off.
func (a *Server) limit(name string, count int, per time.Duration) middleware.LimitRule {
	if !a.Config.RateLimits {
		count = 0
	}
	return middleware.LimitRule{Count: count, Per: per, Refusals: a.limited[name]}
}
