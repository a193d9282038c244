package main

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

// wireLimits registers a counter of refusals for each rate limit.
func (a *app) wireLimits() {
	a.limited = map[string]*atomic.Uint64{}
	for _, name := range []string{
		limitAuthorizations, limitSignOuts, limitDevices, limitDeviceVisits, limitRegistrations, limitManagement,
	} {
		refused := new(atomic.Uint64)
		a.limited[name] = refused
		a.metrics.Counter("rate_limit_refusals_total", "Requests refused with 429, since their network made too many.", refused.Load, "limit", name)
	}
}

// limit returns the rule of a rate limit. The count is what the narrowest network may
// make in the time; it is 0, which is none, where rate_limits is off.
func (a *app) limit(name string, count int, per time.Duration) middleware.LimitRule {
	if !a.config.RateLimits {
		count = 0
	}
	return middleware.LimitRule{Count: count, Per: per, Refusals: a.limited[name]}
}
