package server

import (
	"context"
	"math"
	"time"

	"github.com/ostiary/ostiary/internal/client"
	"github.com/ostiary/ostiary/internal/metrics"
	"github.com/ostiary/ostiary/internal/middleware"
)

func composeMetrics(s *Server) {
	s.Metrics = metrics.New(s.Version, client.GrantTypes())
	for _, admission := range s.admission.all() {
		s.Metrics.AdmissionRefusals(admission.Work(), admission.Refusals)
	}
	s.Metrics.Counter("refusals_dropped_total", "Rejected requests that were logged but not stored.", s.Refusals.Dropped)
	for _, alg := range s.Keys.Algorithms() {
		s.Metrics.SigningKeyAge(string(alg), func() float64 {
			age, ok := s.Keys.Age(alg)
			if !ok {
				return math.NaN()
			}
			return age.Seconds()
		})
	}
	registerLimitMetrics(s)
	registerConnectionMetrics(s)
	registerPendingMetrics(s)
	s.Metrics.Counter("client_keys_stale_total", "Failed fetches of client key sets, after which an older copy was used.", s.keySets.StaleUses)
	s.Metrics.Gauge("database_connections_max", "Maximum number of database connections.", func() float64 {
		return float64(s.Store.Connections().Max)
	})
	s.Metrics.Gauge("database_connections_in_use", "Database connections in use.", func() float64 {
		return float64(s.Store.Connections().InUse)
	})
	s.Metrics.Gauge("database_connections_idle", "Idle database connections.", func() float64 {
		return float64(s.Store.Connections().Idle)
	})
	s.Metrics.Gauge("notices_pending", "Back-channel logout notices that are not delivered yet; NaN if the database is unavailable.", counted(s.Store.Outbox.PendingNotices))
	s.Metrics.Gauge("mails_pending", "Messages to users that are not sent yet; NaN if the database is unavailable.", counted(s.Store.Mails.PendingMails))
}

// counted returns a gauge of the rows that count returns, NaN if it fails.
func counted(count func(context.Context) (int, error)) func() float64 {
	return func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		pending, err := count(ctx)
		if err != nil {
			return math.NaN()
		}
		return float64(pending)
	}
}

// countRequests returns a function that counts the requests of a listener.
func (s *Server) countRequests(listener string) middleware.Observe {
	return func(route, method string, status int, took time.Duration) {
		s.Metrics.ObserveRequest(listener, route, method, status, took)
	}
}

// all returns the admissions of all kinds of work.
func (r *admissionLimits) all() []*middleware.Admission {
	return []*middleware.Admission{
		r.tokens, r.checks, r.pages, r.passwords, r.registration, r.apps, r.admin, r.largeJSON, r.largePages, r.largeAdmin,
	}
}
