package admin

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ostiary/ostiary/internal/apikey"
	"github.com/ostiary/ostiary/internal/mail"
	"github.com/ostiary/ostiary/internal/outbox"
	"github.com/ostiary/ostiary/internal/statistics"
)

// Deliveries counts the messages and notices of the outboxes.
type Deliveries interface {
	// CountMails returns the number of messages in a state, at most limit.
	CountMails(ctx context.Context, state mail.State, limit int) (int, error)
	// CountNotices returns the number of notices in a state, at most limit.
	CountNotices(ctx context.Context, state outbox.State, limit int) (int, error)
}

// Replicas counts the running replicas.
type Replicas interface {
	// ReplicaVersions returns the number of running replicas by version; the empty version is unknown.
	ReplicaVersions(ctx context.Context) (map[string]int, error)
}

// maxCounted bounds the messages and notices that are counted.
const maxCounted = 10_000

// statisticsHandler serves the statistics.
type statisticsHandler struct {
	statistics statistics.Reader
	deliveries Deliveries
	replicas   Replicas
	now        func() time.Time
}

func (h *statisticsHandler) operations() []Operation {
	return []Operation{{
		ID: "getStatistics", Method: http.MethodGet, Path: "/statistics", Scope: apikey.AuditRead,
		Summary:   "Get the numbers of sign-ins, rejected requests, response times and undelivered messages.",
		Query:     []Parameter{{Name: "days", Type: "integer", Description: "1 for the last 24 hours, 7 or 30 for the last days in UTC; by default 7."}},
		Responses: map[int]any{http.StatusOK: statisticsView{}},
		Do:        h.get,
	}}
}

// statisticsView is a [statistics.Summary] as the API returns it.
type statisticsView struct {
	Days      int             `json:"days"`
	Since     time.Time       `json:"since"`
	Interval  int             `json:"interval_seconds" doc:"the length of an interval"`
	SignIns   uint64          `json:"sign_ins"`
	Growth    *int            `json:"sign_ins_growth_percent,omitempty" doc:"compared with the same time before, both without the interval that is not over"`
	Failures  uint64          `json:"sign_in_failures"`
	Refused   uint64          `json:"refused" doc:"rejected requests"`
	Median    float64         `json:"median_seconds" doc:"of the duration of requests of users and clients"`
	P95       float64         `json:"p95_seconds"`
	Rules     []ruleView      `json:"rules" doc:"rejected requests by rule, the most frequent first"`
	Intervals []intervalView  `json:"intervals"`
	Mails     undeliveredView `json:"mails" doc:"messages to users"`
	Notices   undeliveredView `json:"notices" doc:"back-channel logout notices"`
	Replicas  []replicaView   `json:"replicas" doc:"running processes by version"`
}

type ruleView struct {
	Rule  string `json:"rule"`
	Count uint64 `json:"count"`
}

type intervalView struct {
	BeganAt  time.Time `json:"began_at"`
	SignIns  uint64    `json:"sign_ins"`
	Failures uint64    `json:"sign_in_failures"`
	Refused  uint64    `json:"refused"`
	Median   float64   `json:"median_seconds"`
	P95      float64   `json:"p95_seconds"`
}

type undeliveredView struct {
	Pending int `json:"pending" doc:"at most 10000 are counted"`
	Failed  int `json:"failed" doc:"at most 10000 are counted"`
}

type replicaView struct {
	Version string `json:"version" doc:"empty if it is unknown"`
	Count   int    `json:"count"`
}

// get serves GET /statistics.
func (h *statisticsHandler) get(r *Request) (*Response, error) {
	days := 7
	if text := r.query().Get("days"); text != "" {
		days, _ = strconv.Atoi(text)
	}
	window, known := statistics.WindowOf(days)
	if !known {
		return nil, invalid("The parameter days must be 1, 7 or 30.")
	}
	s, err := statistics.Summarize(r.Context(), h.statistics, window, h.now())
	if err != nil {
		return nil, err
	}
	view := statisticsView{
		Days: days, Since: s.Since, Interval: int(s.Width / time.Second), SignIns: s.SignIns, Failures: s.Failures, Refused: s.Refused,
		Median: s.Median.Seconds(), P95: s.P95.Seconds(), Replicas: []replicaView{}, Rules: make([]ruleView, len(s.Rules)), Intervals: make([]intervalView, len(s.Intervals)),
	}
	if s.HasGrowth {
		view.Growth = &s.Growth
	}
	for i, one := range s.Rules {
		view.Rules[i] = ruleView{one.Name, one.Count}
	}
	for i, one := range s.Intervals {
		view.Intervals[i] = intervalView{one.Began, one.SignIns, one.Failures, one.Refused, one.Median.Seconds(), one.P95.Seconds()}
	}
	if err := h.count(r.Context(), &view); err != nil {
		return nil, err
	}
	versions, err := h.replicas.ReplicaVersions(r.Context())
	if err != nil {
		return nil, err
	}
	for _, version := range slices.Sorted(maps.Keys(versions)) {
		view.Replicas = append(view.Replicas, replicaView{version, versions[version]})
	}
	return ok(view), nil
}

// count sets the numbers of undelivered messages and notices.
func (h *statisticsHandler) count(ctx context.Context, view *statisticsView) (err error) {
	for state, n := range map[mail.State]*int{mail.Pending: &view.Mails.Pending, mail.Failed: &view.Mails.Failed} {
		if *n, err = h.deliveries.CountMails(ctx, state, maxCounted); err != nil {
			return err
		}
	}
	for state, n := range map[outbox.State]*int{outbox.Pending: &view.Notices.Pending, outbox.Failed: &view.Notices.Failed} {
		if *n, err = h.deliveries.CountNotices(ctx, state, maxCounted); err != nil {
			return err
		}
	}
	return nil
}
