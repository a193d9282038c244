package server

import (
	"slices"
	"strings"

	"github.com/ostiary/ostiary/internal/statistics"
)

// composeStatistics creates the recorder of what the metrics count.
func composeStatistics(s *Server) {
	s.Statistics = &statistics.Recorder{
		Store: s.Store.Statistics, Now: s.Now, Log: s.Log,
		Read: func() (statistics.Counts, error) {
			totals, err := s.Metrics.Totals("public", isUserRoute)
			if err != nil {
				return nil, err
			}
			counts := statistics.Counts{statistics.SignIns: totals.SignIns}
			for rule, n := range totals.Refusals {
				counts[statistics.Refusals(rule)] = n
			}
			for bound, n := range totals.Durations {
				counts[statistics.Durations(bound)] = n
			}
			return counts, nil
		},
	}
}

// isUserRoute reports whether the duration of requests on a route matters to users and clients. Files,
// health checks and unknown paths are fast and frequent.
func isUserRoute(route string) bool {
	return route != "unmatched" && !slices.ContainsFunc([]string{"/static/", "/health/", pathConsole}, func(part string) bool {
		return strings.Contains(route, part)
	})
}
