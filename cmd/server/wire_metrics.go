package main

import (
	"context"
	"math"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/metrics"
	"github.com/ostiary/ostiary/internal/middleware"
)

func (a *app) wireMetrics() {
	a.metrics = metrics.New(version, client.GrantTypes())
	for _, admission := range a.room.all() {
		a.metrics.AdmissionRefusals(admission.Work(), admission.Refusals)
	}
	a.metrics.Counter("refusals_dropped_total", "Rejected requests that were logged and not recorded.", a.refusals.Dropped)
	for _, alg := range a.keys.Algorithms() {
		a.metrics.SigningKeyAge(string(alg), func() float64 {
			age, ok := a.keys.Age(alg)
			if !ok {
				return math.NaN()
			}
			return age.Seconds()
		})
	}
	a.wireLimits()
	a.wireConnections()
	a.wireWaiting()
	a.metrics.Counter("client_keys_stale_total", "Fetches of client keys that failed, so that an older copy is used.", a.keySets.StaleUses)
	a.metrics.Gauge("database_connections_max", "Connections to the database that there can be.", func() float64 {
		return float64(a.store.Connections().Max)
	})
	a.metrics.Gauge("database_connections_in_use", "Connections to the database that work.", func() float64 {
		return float64(a.store.Connections().InUse)
	})
	a.metrics.Gauge("database_connections_idle", "Connections to the database that wait for work.", func() float64 {
		return float64(a.store.Connections().Idle)
	})
	a.metrics.Gauge("notices_pending", "Notices that clients have not taken yet; NaN while nobody knows.", func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		pending, err := a.store.PendingNotices(ctx)
		if err != nil {
			return math.NaN()
		}
		return float64(pending)
	})
}

// seen counts what a listener answers.
func (a *app) seen(listener string) middleware.Seen {
	return func(route, method string, status int, took time.Duration) {
		a.metrics.ObserveRequest(listener, route, method, status, took)
	}
}

// all lists the kinds of work.
func (r *room) all() []*middleware.Admission {
	return []*middleware.Admission{
		r.tokens, r.checks, r.pages, r.passwords, r.registration, r.apps, r.admin, r.largeJSON, r.largePages, r.largeAdmin,
	}
}
